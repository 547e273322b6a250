import Declaration
import Features
import Foundation
import Ingest
import Pipeline

extension SettingsFile {
  /// Takes what a file, or a part of one, says.
  static func apply(_ top: YAMLSection, to settings: inout Settings) throws {
    try top.allow(keys.map(\.section))
    if let value = top["pipeline"] { settings.pipeline = try value.string() }
    if let value = top["models"] { settings.models = try value.string() }
    try section("kafka", of: top).map { try readKafka($0, into: &settings) }
    try section("redis", of: top).map { try readRedis($0, into: &settings) }
    try section("cache", of: top).map { try readCache($0, into: &settings) }
    try section("scores", of: top).map { try readScores($0, into: &settings) }
    try section("table", of: top).map { try readTable($0, into: &settings) }
    try section("worker", of: top).map { try readWorker($0, into: &settings) }
    if let value = try section("http", of: top)?["listen"] { settings.http = try value.string() }
  }

  /// A section with no other keys than it may have; nil: it is not there.
  private static func section(_ name: String, of top: YAMLSection) throws -> YAMLSection? {
    guard let section = try top[name].map(keysAndValues) else { return nil }
    try section.allow(keys.first { $0.section == name }?.keys ?? [])
    return section
  }

  /// A value as a section. Its error does not show a text that stands there instead: an address with its password.
  private static func keysAndValues(_ value: YAMLValue) throws -> YAMLSection {
    do { return try value.section() } catch {
      throw DeclarationError(
        value.position, found: "something else at \(value.path)", allowed: "a section of keys and values")
    }
  }

  /// Properties by name.
  private static func properties(_ value: YAMLValue) throws -> [(key: String, text: String)] {
    _ = try keysAndValues(value)
    return try value.textsByKey()
  }

  fileprivate static func readKafka(_ section: YAMLSection, into settings: inout Settings) throws {
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
      settings.kafkaProperties += try properties(value).map { ($0.key, $0.text) }
    }
    if let value = section["properties_env"] {
      settings.kafkaProperties += try properties(value).map {
        ($0.key, try secret(inVariable: $0.text, value))
      }
    }
    if let value = section["properties_file"] {
      settings.kafkaProperties += try properties(value).map { ($0.key, try secret(inFile: $0.text, value)) }
    }
  }

  fileprivate static func readRedis(_ section: YAMLSection, into settings: inout Settings) throws {
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

  fileprivate static func readCache(_ section: YAMLSection, into settings: inout Settings) throws {
    if let value = section["entries"] { settings.cacheEntries = try value.int(in: 1...100_000_000) }
    if let value = section["size"] { settings.cacheBytes = try value.byteCount(in: 1 << 20...1 << 40) }
  }

  fileprivate static func readScores(_ section: YAMLSection, into settings: inout Settings) throws {
    if let value = section["topic"] { settings.scoresTopic = try value.string() }
    if let value = section["dead_letters"] { settings.deadLettersTopic = try value.string() }
    if let value = section["encoding"] { settings.encoding = try value.choice(of: ["json", "protobuf"]) }
    if let value = section["compression"] {
      settings.compression = try value.choice(of: ["none", "lz4", "zstd", "gzip", "snappy"])
    }
    if let value = section["create_topics"] { settings.createTopics = try value.bool() }
  }

  fileprivate static func readTable(_ section: YAMLSection, into settings: inout Settings) throws {
    let tables = ["postgres", "sqlite", "none"].filter { section[$0] != nil }
    guard tables.count <= 1 else {
      throw DeclarationError(
        section.position, found: "more than one table", allowed: "postgres, sqlite or none: true")
    }
    if let value = section["postgres"] { settings.table = .postgres(try value.string()) }
    if let value = section["sqlite"] { settings.table = .sqlite(try value.string()) }
    if let value = section["none"], try value.bool() { settings.table = .none }
    if let secret = try secret(section) { settings.postgresPassword = secret }
    if let value = section["sslmode"] {
      settings.postgresOptions["sslmode"] = try value.choice(of: [
        "disable", "allow", "prefer", "require", "verify-ca", "verify-full",
      ])
    }
    for name in ["sslrootcert", "sslcert", "sslkey"] {
      if let value = section[name] { settings.postgresOptions[name] = try value.string() }
    }
  }

  fileprivate static func readWorker(_ section: YAMLSection, into settings: inout Settings) throws {
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
    if let value = section["password_file"] { return try secret(inFile: try value.string(), value) }
    if let value = section["password_env"] { return try secret(inVariable: try value.string(), value) }
    return nil
  }

  /// A secret from a file, without white space around it.
  private static func secret(inFile path: String, _ value: YAMLValue) throws -> String {
    let found = FileManager.default.contents(atPath: path).flatMap { String(data: $0, encoding: .utf8) }
    let text = found?.trimmingCharacters(in: .whitespacesAndNewlines)
    guard let text, !text.isEmpty else {
      throw DeclarationError(
        value.position,
        found: "the secret file \(path), which \(found == nil ? "cannot be read" : "is empty")",
        allowed: "a file with the secret")
    }
    return text
  }

  private static func secret(inVariable name: String, _ value: YAMLValue) throws -> String {
    guard let secret = ProcessInfo.processInfo.environment[name], !secret.isEmpty else {
      throw DeclarationError(
        value.position, found: "the environment variable \(name), which is not set",
        allowed: "one that is set")
    }
    return secret
  }
}
