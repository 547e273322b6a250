import Declaration
import Features
import Foundation
import Ingest
import Pipeline

/// Reads the configuration file.
enum SettingsFile {
  /// Name that is looked for in this folder when none is given.
  static let defaultName = "tally.yaml"

  /// Settings from a file over the defaults. Throws `Failure` naming file, line, column, what was found and is allowed.
  static func load(path: String?) throws -> Settings {
    var settings = Settings()
    let environment = ProcessInfo.processInfo.environment["TALLY_CONFIG"]
    guard
      let name = path ?? environment
        ?? (FileManager.default.fileExists(atPath: defaultName) ? defaultName : nil)
    else { return settings }
    let text = try readText(name, what: "configuration file")
    do {
      let top = try readYAML(text)
      try top.allow(["pipeline", "models", "kafka", "redis", "cache", "scores", "table", "worker", "http"])
      if let value = top["pipeline"] { settings.pipeline = try value.string() }
      if let value = top["models"] { settings.models = try value.string() }
      try top["kafka"].map { try readKafka(try $0.section(), into: &settings) }
      try top["redis"].map { try readRedis(try $0.section(), into: &settings) }
      try top["cache"].map { try readCache(try $0.section(), into: &settings) }
      try top["scores"].map { try readScores(try $0.section(), into: &settings) }
      try top["table"].map { try readTable(try $0.section(), into: &settings) }
      try top["worker"].map { try readWorker(try $0.section(), into: &settings) }
      if let section = try top["http"].map({ try $0.section() }) {
        try section.allow(["listen"])
        if let value = section["listen"] { settings.http = try value.string() }
      }
    } catch let error as DeclarationError {
      throw Failure("\(name):\(error)")
    }
    return settings
  }

  private static func readKafka(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow(["brokers", "topic", "group", "start_at", "session_timeout", "properties"])
    if let value = section["brokers"] { settings.brokers = try value.string() }
    if let value = section["topic"] { settings.topic = try value.string() }
    if let value = section["group"] { settings.group = try value.string() }
    if let value = section["start_at"] {
      let word = try value.choice(of: StartAt.allCases.map(\.rawValue))
      settings.worker.startAt = StartAt(rawValue: word) ?? .earliest
    }
    if let value = section["session_timeout"] {
      settings.sessionTimeoutMs = Int(try value.duration(in: 1_000_000...1_800_000_000) / 1000)
    }
    if let value = section["properties"] {
      settings.kafkaProperties = try value.textsByKey().map { ($0.key, $0.text) }
    }
  }

  private static func readRedis(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow([
      "url", "user", "password_file", "password_env", "prefix", "generation", "connect_timeout",
      "command_timeout", "expiry",
      "on_lost_state",
    ])
    if let value = section["url"] { settings.redis = try value.string() }
    if let value = section["user"] { settings.redisUser = try value.string() }
    if let secret = try secret(section) { settings.redisPassword = secret }
    if let value = section["prefix"] { settings.redisPrefix = try value.string() }
    if let value = section["generation"] { settings.generation = UInt64(try value.int(in: 1...Int.max)) }
    if let value = section["connect_timeout"] {
      settings.redisConnectTimeoutMs = Int(try value.duration(in: 1000...60_000_000) / 1000)
    }
    if let value = section["command_timeout"] {
      settings.redisCommandTimeoutMs = Int(try value.duration(in: 1000...60_000_000) / 1000)
    }
    if let value = section["expiry"] { settings.redisExpiry = try value.bool() }
    if let value = section["on_lost_state"] {
      let word = try value.choice(of: OnLostState.allCases.map(\.rawValue))
      settings.worker.onLostState = OnLostState(rawValue: word) ?? .refuse
    }
  }

  private static func readCache(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow(["entries", "size"])
    if let value = section["entries"] { settings.cacheEntries = try value.int(in: 1...100_000_000) }
    if let value = section["size"] { settings.cacheBytes = try value.byteCount(in: 1 << 20...1 << 40) }
  }

  private static func readScores(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow(["topic", "dead_letters", "encoding", "compression", "create_topics"])
    if let value = section["topic"] { settings.scoresTopic = try value.string() }
    if let value = section["dead_letters"] { settings.deadLettersTopic = try value.string() }
    if let value = section["encoding"] { settings.encoding = try value.choice(of: ["json", "protobuf"]) }
    if let value = section["compression"] {
      settings.compression = try value.choice(of: ["none", "lz4", "zstd", "gzip", "snappy"])
    }
    if let value = section["create_topics"] { settings.createTopics = try value.bool() }
  }

  private static func readTable(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow(["postgres", "sqlite", "none"])
    guard section.entries.count <= 1 else {
      throw DeclarationError(
        section.position, found: "more than one table", allowed: "postgres, sqlite or none: true")
    }
    if let value = section["postgres"] { settings.table = .postgres(try value.string()) }
    if let value = section["sqlite"] { settings.table = .sqlite(try value.string()) }
    if let value = section["none"], try value.bool() { settings.table = .none }
  }

  private static func readWorker(_ section: YAMLSection, into settings: inout Settings) throws {
    try section.allow(["threads", "batch_rows_max", "value_size_max", "commit_interval"])
    if let value = section["threads"] { settings.workers = try value.int(in: 1...256) }
    if let value = section["batch_rows_max"] { settings.worker.batchRowsMax = try value.int(in: 1...512) }
    if let value = section["value_size_max"] {
      settings.valueBytesMax = try value.byteCount(in: 1 << 10...Int64(EventDecoder.valueBytesLimit))
    }
    if let value = section["commit_interval"] {
      settings.worker.commitIntervalMs = Int(try value.duration(in: 1000...60_000_000) / 1000)
    }
  }

  /// A password from a file or an environment variable; never in the file itself.
  private static func secret(_ section: YAMLSection) throws -> String? {
    if let value = section["password_file"] {
      let text = try readText(try value.string(), what: "password file")
      return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
    if let value = section["password_env"] {
      let name = try value.string()
      guard let secret = ProcessInfo.processInfo.environment[name] else {
        throw DeclarationError(
          value.position, found: "the environment variable \(name), which is not set",
          allowed: "one that is set")
      }
      return secret
    }
    return nil
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
