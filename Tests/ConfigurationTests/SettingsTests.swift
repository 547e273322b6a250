import TestPlaces
import Foundation
import Testing

@testable import Configuration

/// A setting's sample values: one that differs from the default, and some that are refused.
struct SettingSample: Sendable, CustomTestStringConvertible {
  let path: String
  let good: String
  let bad: [String]
  var testDescription: String { path }

  /// Every setting that a file can have.
  static let all = [
    SettingSample(path: "pipeline", good: "/p.yaml", bad: [""]),
    SettingSample(path: "models", good: "/m", bad: [""]),
    SettingSample(path: "registry", good: "/r", bad: [""]),
    SettingSample(path: "checkpoints", good: "/c", bad: [""]),
    SettingSample(path: "delivery", good: "exactly-once", bad: ["", "twice", "at-least-once"]),
    SettingSample(path: "kafka.brokers", good: "b1:9092,b2:9092", bad: [""]),
    SettingSample(path: "kafka.topic", good: "t", bad: ["", "a b", "ä"]),
    SettingSample(path: "kafka.group", good: "g", bad: []),
    SettingSample(path: "kafka.partitioner", good: "crc32", bad: ["", "CRC32", "random"]),
    SettingSample(path: "kafka.start_at", good: "latest", bad: ["", "middle"]),
    SettingSample(
      path: "kafka.session_timeout", good: "20s", bad: ["", "soon", "20", "1ms", "31m", "-5s", "1500500us"]),
    SettingSample(path: "kafka.prefetch_size", good: "8MiB", bad: ["", "1KiB", "2GiB", "much"]),
    SettingSample(path: "kafka.properties.client.rack", good: "r 1", bad: []),
    SettingSample(
      path: "kafka.properties_env.sasl.password", good: "SAMPLE_SECRET", bad: ["", "NO_SUCH_VARIABLE"]),
    SettingSample(
      path: "kafka.properties_file.ssl.key.password", good: secretFile, bad: ["", "/nonexistent", "/"]),
    SettingSample(
      path: "redis.url", good: "redis://r:6380/3",
      bad: ["", "r:6380", "rediss://r", "redis://r:port", "redis://a@b", "redis://:***@r"]),
    SettingSample(path: "redis.user", good: "u", bad: [""]),
    SettingSample(path: "redis.password_file", good: secretFile, bad: ["", "/nonexistent", "/"]),
    SettingSample(path: "redis.password_env", good: "SAMPLE_SECRET", bad: ["", "NO_SUCH_VARIABLE"]),
    SettingSample(path: "redis.prefix", good: "p:", bad: ["{p}"]),
    SettingSample(
      path: "redis.generation", good: "2", bad: ["", "0", "-1", "1.5", "two", "99999999999999999999"]),
    SettingSample(path: "redis.connect_timeout", good: "3s", bad: ["", "0s", "2m", "3"]),
    SettingSample(path: "redis.command_timeout", good: "250ms", bad: ["", "0s", "2m", "never"]),
    SettingSample(path: "redis.expiry", good: "false", bad: ["", "no", "1", "False"]),
    SettingSample(path: "redis.on_lost_state", good: "refuse", bad: ["", "ignore"]),
    SettingSample(path: "cache.entries", good: "5", bad: ["", "0", "100000001", "many"]),
    SettingSample(path: "cache.size", good: "3MiB", bad: ["", "huge", "1KiB", "3MB", "2000GiB"]),
    SettingSample(path: "scores.topic", good: "s", bad: ["", "a/b"]),
    SettingSample(path: "scores.dead_letters", good: "d", bad: ["a b"]),
    SettingSample(path: "scores.encoding", good: "protobuf", bad: ["", "xml", "JSON"]),
    SettingSample(path: "scores.compression", good: "zstd", bad: ["", "rar"]),
    SettingSample(path: "scores.create_topics", good: "false", bad: ["", "maybe"]),
    SettingSample(
      path: "scores.transactional_id", good: "tally-a", bad: [String(repeating: "x", count: 201)]),
    SettingSample(path: "scores.transaction_timeout", good: "20s", bad: ["", "0s", "16m", "soon"]),
    SettingSample(
      path: "table.postgres", good: "host=h dbname='a b' user=u",
      bad: [
        "host", "nonsense=1", "postgresql://u:p@ss@h/d", "postgresql://u:p/ss@h/d", "postgresql://u:p/d",
        "password=***",
      ]),
    SettingSample(path: "table.password_file", good: secretFile, bad: ["", "/nonexistent", "/"]),
    SettingSample(path: "table.password_env", good: "SAMPLE_SECRET", bad: ["", "NO_SUCH_VARIABLE"]),
    SettingSample(path: "table.sslmode", good: "verify-full", bad: ["", "perhaps", "VERIFY-FULL"]),
    SettingSample(path: "table.sslrootcert", good: "/ca.pem", bad: [""]),
    SettingSample(path: "table.sslcert", good: "/c.pem", bad: [""]),
    SettingSample(path: "table.sslkey", good: "/k.pem", bad: [""]),
    SettingSample(path: "table.sqlite", good: "/x y.db", bad: [""]),
    SettingSample(path: "table.none", good: "true", bad: ["", "yes", "false"]),
    SettingSample(path: "dead_letters.keep", good: "90d", bad: ["", "90", "1m", "always", "-1d"]),
    SettingSample(path: "control.key_file", good: keyFile, bad: ["", "/nonexistent", "/", secretFile]),
    SettingSample(path: "worker.threads", good: "4", bad: ["", "0", "257", "four"]),
    SettingSample(path: "worker.kernel", good: "portable", bad: ["", "sse9", "AVX2"]),
    SettingSample(path: "worker.batch_rows_max", good: "100", bad: ["", "0", "8193"]),
    SettingSample(path: "worker.transaction_rows_max", good: "100", bad: ["", "0", "8193"]),
    SettingSample(path: "worker.transaction_interval", good: "0ms", bad: ["", "50", "2m"]),
    SettingSample(path: "worker.value_size_max", good: "64KiB", bad: ["", "1B", "999GiB"]),
    SettingSample(path: "worker.commit_interval", good: "500ms", bad: ["", "0ms", "2m"]),
    SettingSample(path: "worker.ready_within", good: "30s", bad: ["", "2s", "11m"]),
    SettingSample(
      path: "http.listen", good: "127.0.0.1:9464", bad: ["", "http", "host:1", "1:2:3", ":70000"]),
    SettingSample(path: "log.format", good: "json", bad: ["", "xml", "JSON"]),
    SettingSample(path: "log.level", good: "debug", bad: ["", "trace", "loud"]),
  ]

  static let secret = "swordfish-42"
  static let environment = ["SAMPLE_SECRET": secret]
  static let keyFile: String = {
    guard let path = try? Places.write(secret + String(repeating: "k", count: 32) + "\n", as: "control.key")
    else {
      return ""
    }
    chmod(path, 0o600)
    return path
  }()
  static let secretFile: String = {
    guard let path = try? Places.write(secret + "\n", as: "secret") else { return "" }
    chmod(path, 0o600)
    return path
  }()

  var setting: Setting? { Setting.find(path: path)?.setting }
  /// Of the environment.
  var variable: String {
    "TALLY_" + path.replacingOccurrences(of: ".", with: "_").uppercased()
  }
  /// A file with this value, on its second line (a property's on the third).
  func file(_ text: String) -> String {
    let parts = path.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { return "# sample\n\(path): \(text)\n" }
    guard setting?.isMap == true else { return "\(parts[0]):\n  \(parts[1]): \(text)\n" }
    let inner = parts[1].split(separator: ".", maxSplits: 1).map(String.init)
    return "\(parts[0]):\n  \(inner[0]): {\(inner[1]): \(text)}\n"
  }
  /// What `user` needs beside it.
  var company: [String: String] { path == "redis.user" ? ["TALLY_REDIS_PASSWORD": Self.secret] : [:] }
}

/// Settings from any place; throws what the program would say.
func load(
  file: String? = nil, environment: [String: String] = [:], set: [String] = [],
  flags: [(path: String, text: String, flag: String)] = [], warn: (String) -> Void = { _ in }
) throws -> Settings {
  let path = try Places.write(file ?? "worker: {}\n", as: "tally.yaml")
  return try Settings.load(
    config: path, set: set, flags: flags,
    environment: environment.merging(SettingSample.environment) { given, _ in given }, warn: warn)
}

/// What refuses these settings, with FILE for the file's path; nil: nothing does.
func refusal(
  file: String? = nil, environment: [String: String] = [:], set: [String] = [],
  flags: [(path: String, text: String, flag: String)] = []
) throws -> String? {
  do {
    _ = try load(file: file, environment: environment, set: set, flags: flags)
    return nil
  } catch let failure as Failure {
    return failure.description.replacing(/\/tmp\/[^ ]*\/tally.yaml/, with: "FILE")
  }
}

/// Every setting from every place.
@Suite struct SettingsTests {
  @Test func everySettingHasASample() {
    let sampled = SettingSample.all.compactMap { $0.setting?.path }
    #expect(sampled == Setting.all.filter { !$0.isSecret }.map(\.path))
  }

  @Test(arguments: SettingSample.all)
  func anyPlaceSaysTheSame(_ sample: SettingSample) throws {
    let setting = try #require(sample.setting)
    let standard = try load(environment: sample.company).description
    let quoted = SettingsText.quoted(sample.good)
    let file = try load(file: sample.file(quoted), environment: sample.company)
    let variables = sample.company.merging([sample.variable: sample.good]) { $1 }
    let variable = try load(environment: variables)
    let set = try load(environment: sample.company, set: ["\(sample.path)=\(sample.good)"])
    #expect(file.description != standard)
    #expect(variable.description == file.description)
    #expect(set.description == file.description)
    #expect(file.origin(of: sample.path).description.hasSuffix("tally.yaml:2"))
    #expect(variable.origin(of: sample.path).description == "environment \(sample.variable)")
    #expect(set.origin(of: sample.path).description == "--set \(sample.path)")
    #expect(SettingsText(set).yaml(origins: true).contains("# --set \(sample.path)"))
    if let alias = setting.alias {
      #expect(
        try load(environment: sample.company.merging([alias: sample.good]) { $1 }).description
          == file.description)
    }
  }

  @Test(arguments: SettingSample.all)
  func wrongValuesAreRefusedWhereTheyStand(_ sample: SettingSample) throws {
    for bad in sample.bad {
      let said = try refusal(file: sample.file("\"\(bad)\""))
      #expect(said?.hasPrefix("FILE:2:") == true, "\(bad): \(said ?? "taken")")
      let plain = try refusal(file: sample.file(bad.isEmpty ? "~" : bad.contains("*") ? "'\(bad)'" : bad))
      #expect(plain?.hasPrefix("FILE:2:") == true, "\(bad): \(plain ?? "taken")")
      let set = try refusal(set: ["\(sample.path)=\(bad)"])
      #expect(set?.hasPrefix("--set \(sample.path): ") == true, "\(bad): \(set ?? "taken")")
      // An empty variable counts as not set.
      let variable = try refusal(environment: [sample.variable: bad])
      #expect(bad.isEmpty ? variable == nil : variable?.hasPrefix("\(sample.variable): ") == true, "\(bad)")
      for text in [said, set].compactMap({ $0 })
      where !text.contains("connection string:") && !text.contains("URL") {
        #expect(text.contains("found ") && text.contains("allowed: "), "\(text)")
      }
    }
    for wrong in ["[1, 2]", "{a: {b: c}}"] {
      let said = try refusal(file: sample.file(wrong))
      #expect(
        said?.hasPrefix("FILE:2:") == true && said?.contains("allowed: ") == true, "\(wrong): \(said ?? "")")
    }
  }

  @Test func laterPlacesWin() throws {
    let file = "kafka: {topic: of-file}\n"
    let variables = ["TALLY_KAFKA_TOPIC": "of-environment"]
    let set = ["kafka.topic=earlier", "kafka.topic=of-set"]
    let flags = [(path: "kafka.topic", text: "of-flag", flag: "--topic")]
    #expect(try load().topic == "events")
    #expect(try load(file: file).topic == "of-file")
    #expect(try load(file: file, environment: variables).topic == "of-environment")
    #expect(try load(file: file, environment: variables, set: set).topic == "of-set")
    let last = try load(file: file, environment: variables, set: set, flags: flags)
    #expect(last.topic == "of-flag" && last.origin(of: "kafka.topic").description == "--topic")
  }

  /// Settings that take each other's place are refused from different places, too: the later one would win, but nobody knows which was
  /// meant.
  @Test func rivalsOfDifferentPlacesAreRefused() throws {
    let rivals:
      [(file: String, environment: [String: String], flag: (String, String, String), expected: [String])] = [
        (
          "table: {postgres: host=h}", [:], ("table.sqlite", "a.db", "--sqlite"),
          ["table.postgres", "FILE:1"]
        ),
        (
          "table: {sqlite: a.db}", [:], ("table.postgres", "host=h", "--postgres"),
          ["table.sqlite", "FILE:1"]
        ),
        (
          "table: {postgres: host=h}", [:], ("table.none", "true", "--no-table"),
          ["table.postgres", "FILE:1"]
        ),
        ("table: {none: true}", [:], ("table.sqlite", "a.db", "--sqlite"), ["table.none", "FILE:1"]),
        (
          "worker: {}", ["TALLY_POSTGRES": "host=h"], ("table.sqlite", "a.db", "--sqlite"), ["TALLY_POSTGRES"]
        ),
        (
          "worker: {}", ["TALLY_TABLE_SQLITE": "a"], ("table.none", "true", "--no-table"),
          ["TALLY_TABLE_SQLITE"]
        ),
        (
          "redis: {password_env: SAMPLE_SECRET}", [:],
          ("redis.password_file", SettingSample.secretFile, "--set"),
          ["redis.password_env", "FILE:1"]
        ),
        (
          "kafka: {properties_env: {sasl.password: SAMPLE_SECRET}}", [:],
          ("kafka.properties.sasl.password", "x", "-X sasl.password"),
          ["kafka.properties_env.sasl.password", "FILE:1"]
        ),
      ]
    for (file, environment, flag, expected) in rivals {
      let said = try refusal(file: file + "\n", environment: environment, flags: [flag])
      let text = try #require(said, "\(file) beside \(flag)")
      #expect(
        text.hasPrefix("\(flag.2): found \(flag.0) beside ") && text.hasSuffix("allowed: one of them"),
        "\(text)")
      for word in expected { #expect(text.contains(word), "\(text)") }
    }
    #expect(
      try refusal(
        file: "redis: {password_env: SAMPLE_SECRET}\n", environment: ["TALLY_REDIS_PASSWORD": "x"])?.contains(
          "TALLY_REDIS_PASSWORD: found redis.password beside redis.password_env (FILE:1)") == true)
    #expect(
      try refusal(file: "table: {sqlite: a.db}\n", environment: ["TALLY_POSTGRES": "host=h"])?.hasPrefix(
        "TALLY_POSTGRES: ") == true)
    // The same setting again is no rival, and neither is another property.
    let table = try load(
      file: "table: {sqlite: a.db}\n", environment: ["TALLY_SQLITE": "b.db"],
      flags: [("table.sqlite", "c.db", "--sqlite")])
    #expect(table.table == .sqlite("c.db"))
    let properties = try load(
      file: "kafka: {properties_env: {sasl.password: SAMPLE_SECRET}}\n",
      set: ["kafka.properties.client.rack=r"])
    #expect(properties.kafkaProperties.count == 2)
  }

  @Test(arguments: [
    ("table: {sqlite: a, none: true}", "table.none beside table.sqlite"),
    ("redis: {password_file: a, password_env: b}", "redis.password_env beside redis.password_file"),
    ("kafka: {properties: {client.rack: a}, properties_env: {client.rack: b}}", "client.rack beside"),
    ("redis: {password: x}", "TALLY_REDIS_PASSWORD"), ("table: {password: x}", "TALLY_POSTGRES_PASSWORD"),
    ("kafka: {brokerz: x}", "is it kafka.brokers?"), ("brokers: x", "is it kafka.brokers?"),
    ("kafka: [1]", "a section"), ("kafka: x", "a section"), ("kafka: {properties: x}", "a section"),
    ("http: {port: 1}", "allowed: listen"),
    ("unknown: 1", "allowed: pipeline, models, registry, checkpoints, delivery, kafka"),
    ("kafka: {topic: a, topic: b}", "twice"), ("kafka: {topic: a]}", "broken YAML"),
    ("redis: {user: u}", "without a password"),
    ("kafka: {properties: {no.such.property: 1}}", "unknown property \"no.such.property\""),
    ("kafka: {properties: {security.protocol: telepathy}}", "\"security.protocol\""),
    ("kafka: {properties: {ssl.ca.location: /nonexistent.pem}}", "/nonexistent.pem cannot be read"),
    ("kafka: {properties: {log_cb: 1}}", "cannot be set"),
    ("kafka: {properties: {opaque: 1}}", "cannot be set"),
  ])
  func contradictionsAreRefused(_ text: String, _ expected: String) throws {
    let said = try refusal(file: "# a comment\n\(text)\n")
    #expect(said?.hasPrefix("FILE:2:") == true && said?.contains(expected) == true, "\(said ?? "taken")")
  }

  @Test(arguments: [
    ("nonsense", "SECTION.KEY=VALUE"), ("=x", "SECTION.KEY=VALUE"), ("kafca.topic=x", "is it kafka.topic?"),
    ("kafka.topik=x", "kafka has brokers"), ("kafka=x", "kafka has brokers"),
    ("topic=x", "is it kafka.topic?"),
    ("kafka.topic.more=x", "no parts"), ("pipeline.x=1", "no parts"),
    ("kafka.properties=x", "kafka.properties.NAME=VALUE"), ("redis.password=x", "TALLY_REDIS_PASSWORD"),
    ("worker.threads=\"; rm", "allowed"), ("KAFKA.TOPIC=x", "there is no KAFKA"),
  ])
  func wrongPathsAreRefused(_ text: String, _ expected: String) throws {
    let said = try refusal(set: [text])
    #expect(said?.hasPrefix("--set") == true && said?.contains(expected) == true, "\(said ?? "taken")")
  }

  @Test func variablesThatAreNoSettingsAreSpokenOf() throws {
    func warnings(_ variable: String) throws -> [String] {
      var said: [String] = []
      _ = try load(environment: [variable: "x"]) { said.append($0) }
      return said
    }
    #expect(try warnings("TALLY_KAFKA_TOPIK").first?.contains("is it TALLY_KAFKA_TOPIC?") == true)
    #expect(try warnings("TALLY_BROKER").first?.contains("is it TALLY_BROKERS?") == true)
    #expect(try warnings("TALLY_SOMETHING_ELSE").first?.contains("TALLY_SECTION_KEY") == true)
    // What Kubernetes sets for services named tally and tally-redis.
    for name in [
      "TALLY_SERVICE_HOST", "TALLY_SERVICE_PORT_HTTP", "TALLY_PORT", "TALLY_PORT_9464_TCP_ADDR",
      "TALLY_REDIS_SERVICE_PORT", "TALLY_REDIS_PORT_6379_TCP",
    ] { #expect(try warnings(name).isEmpty, "\(name)") }
    #expect(try refusal(environment: ["TALLY_SQLITE": "a", "TALLY_POSTGRES": "host=h"]) != nil)
    #expect(try refusal(environment: ["TALLY_BROKERS": "a:1", "TALLY_KAFKA_BROKERS": "b:1"]) != nil)
  }
}
