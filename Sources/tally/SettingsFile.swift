import Declaration
import Features
import Foundation

/// Reads settings: from a file, and from the environment and the command line, which say the same things by path
/// (`kafka.session_timeout`).
enum SettingsFile {
  /// Name that is looked for in this folder when none is given.
  static let defaultName = "tally.yaml"

  /// Settings from a file over the defaults. Throws `Failure` naming file, line, column, what was found and is allowed.
  static func load(path: String?, environment: [String: String]) throws -> Settings {
    var settings = Settings()
    guard
      let name = path ?? environment["TALLY_CONFIG"]
        ?? (FileManager.default.fileExists(atPath: defaultName) ? defaultName : nil)
    else { return settings }
    let text = try readText(name, what: "configuration file")
    do {
      try apply(try readYAML(text), to: &settings)
    } catch let error as DeclarationError {
      throw Failure("\(name):\(error)")
    }
    return settings
  }

  /// Every key that a section has; nil: the section is a single value. What the readers below allow.
  static let keys: [(section: String, keys: [String]?)] = [
    ("pipeline", nil), ("models", nil),
    (
      "kafka",
      [
        "brokers", "topic", "group", "start_at", "session_timeout", "properties", "properties_env",
        "properties_file",
      ]
    ),
    (
      "redis",
      [
        "url", "user", "password_file", "password_env", "prefix", "generation", "connect_timeout",
        "command_timeout", "expiry", "on_lost_state",
      ]
    ),
    ("cache", ["entries", "size"]),
    ("scores", ["topic", "dead_letters", "encoding", "compression", "create_topics"]),
    (
      "table",
      [
        "postgres", "password_file", "password_env", "sslmode", "sslrootcert", "sslcert", "sslkey", "sqlite",
        "none",
      ]
    ),
    ("worker", ["threads", "batch_rows_max", "value_size_max", "commit_interval"]),
    ("http", ["listen"]),
  ]

  /// Keys that hold names with values of their own: `kafka.properties.security.protocol`.
  private static let maps = ["kafka.properties", "kafka.properties_env", "kafka.properties_file"]

  /// Variables that begin with TALLY_ and are no settings by path.
  static let otherVariables: Set<String> = [
    "TALLY_CONFIG", "TALLY_PIPELINE", "TALLY_MODELS", "TALLY_BROKERS", "TALLY_TOPIC", "TALLY_GROUP",
    "TALLY_REDIS", "TALLY_REDIS_PASSWORD", "TALLY_SQLITE", "TALLY_POSTGRES", "TALLY_HTTP",
  ]

  /// Takes `TALLY_KAFKA_SESSION_TIMEOUT` for `kafka.session_timeout` and so on. Returns variables that look like settings
  /// and are none.
  static func apply(environment: [String: String], to settings: inout Settings) throws -> [String] {
    var left = Set(environment.keys.filter { $0.hasPrefix("TALLY_") }).subtracting(otherVariables)
    for (section, keys) in keys {
      for key in keys ?? [] where !maps.contains("\(section).\(key)") {
        let name = "TALLY_\(section)_\(key)".uppercased()
        guard left.remove(name) != nil, let value = environment[name] else { continue }
        try apply(path: "\(section).\(key)", value: value, origin: name, to: &settings)
      }
    }
    return left.sorted()
  }

  /// Sets one value by path. Throws `Failure` naming `origin`, never the value of a secret.
  static func apply(path: String, value: String, origin: String, to settings: inout Settings) throws {
    let parts = path.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
    guard let known = keys.first(where: { $0.section == parts[0] }) else {
      throw Failure(
        "\(origin): there is no \(parts[0]); there are \(keys.map(\.section).joined(separator: ", "))")
    }
    var text = quoted(value)
    if let names = known.keys {
      guard parts.count >= 2, names.contains(parts[1]) else {
        throw Failure("\(origin): \(parts[0]) has \(names.joined(separator: ", "))")
      }
      let isMap = maps.contains("\(parts[0]).\(parts[1])")
      guard isMap == (parts.count == 3) else {
        throw Failure(
          isMap ? "\(origin): write \(path).NAME=VALUE" : "\(origin): \(parts[0]).\(parts[1]) has no parts")
      }
      if isMap { text = "{\(quoted(parts[2])): \(text)}" }
      text = "\(parts[1]): \(text)"
      text = "{\(text)}"
    } else if parts.count > 1 {
      throw Failure("\(origin): \(parts[0]) has no parts")
    }
    do {
      try apply(try readYAML("{\(parts[0]): \(text)}"), to: &settings)
    } catch let error as DeclarationError {
      throw Failure("\(origin): found \(error.found); allowed: \(error.allowed)")
    }
  }

  /// As YAML has it: plain where that can be, since numbers and times must be, else in quotes.
  private static func quoted(_ text: String) -> String {
    let isPlain = text.wholeMatch(of: /[A-Za-z0-9_.\/-]+/) != nil
    if isPlain { return text }
    let data = (try? JSONEncoder().encode(text)) ?? Data("\"\"".utf8)
    return String(decoding: data, as: UTF8.self)
  }
}

/// A text file's content. Throws `Failure` naming the file.
func readText(_ path: String, what: String) throws -> String {
  guard let data = FileManager.default.contents(atPath: path) else {
    throw Failure("the \(what) \(path) cannot be read: is the path right?")
  }
  guard let text = String(data: data, encoding: .utf8) else { throw Failure("\(path) is not UTF-8") }
  return text
}
