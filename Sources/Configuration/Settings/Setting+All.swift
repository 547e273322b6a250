import Dataflow
import Declaration
import FeatureStore
import Features
import Ingest
import Pipeline
import Scorer
import Serve
import Tables

extension Setting {
  /// Every setting, in the order in which the file shows them.
  package static let all: [Setting] =
    top + kafka + redis + cache + scores + table + letters + control + worker + http + log

  /// Names of the sections.
  package static let sections = all.map(\.section).filter { !$0.isEmpty }.reduce(into: [String]()) {
    names, name in
    if !names.contains(name) { names.append(name) }
  }

  /// Milliseconds.
  private static let second: Int64 = 1000
  private static let minute: Int64 = 60_000

  private static let top = [
    path("pipeline", \.pipeline).alias("TALLY_PIPELINE"), path("models", \.models).alias("TALLY_MODELS"),
    choice("delivery", \.delivery),
  ]

  private static let kafka = [
    text("kafka.brokers", \.brokers, "host:port,…").alias("TALLY_BROKERS"),
    text("kafka.topic", \.topic, topicNames, check: isTopic).alias("TALLY_TOPIC"),
    text("kafka.group", \.group) { _ in true }.alias("TALLY_GROUP"),
    Setting(path: "kafka.partitioner") { given, settings in
      let word = try given.value.choice(of: Partitioner.allCases.map(\.rawValue))
      settings.partitioner = Partitioner(rawValue: word)
    } show: {
      $0.partitioner.map { .text($0.rawValue) } ?? .nothing
    },
    choice("kafka.start_at", \.worker.startAt),
    time("kafka.session_timeout", \.sessionTimeoutMs, in: second...30 * minute),
    bytes("kafka.prefetch_size", \.prefetchBytes, in: 1 << 20...1 << 30),
    properties("kafka.properties") { .literal($0) },
    properties("kafka.properties_env") { .variable($0) },
    properties("kafka.properties_file") { .file($0) },
  ]

  private static let redis =
    [
      redisURL, optional("redis.user", \.redisUser),
    ] + secret("redis.password", \.redisPassword) + [
      text("redis.prefix", \.redisPrefix, "a text without braces: they mark the hash tag") {
        !$0.utf8.contains(UInt8(ascii: "{")) && !$0.utf8.contains(UInt8(ascii: "}"))
      },
      Setting(path: "redis.generation") { given, settings in
        settings.generation = UInt64(try given.value.int(in: 1...Int.max))
      } show: {
        .plain("\($0.generation)")
      },
      time("redis.connect_timeout", \.redisConnectTimeoutMs, in: 1...minute),
      time("redis.command_timeout", \.redisCommandTimeoutMs, in: 1...minute),
      flag("redis.expiry", \.redisExpiry),
      choice("redis.on_lost_state", \.worker.onLostState),
    ]

  private static let cache = [
    number("cache.entries", \.cacheEntries, in: 1...100_000_000),
    bytes("cache.size", \.cacheBytes, in: 1 << 20...1 << 40),
  ]

  private static let scores = [
    text("scores.topic", \.scoresTopic, topicNames, check: isTopic),
    text("scores.dead_letters", \.deadLettersTopic, topicNames + ", or \"\" for none") {
      $0.isEmpty || isTopic($0)
    },
    choice("scores.encoding", \.encoding, of: ["json", "protobuf"]),
    choice("scores.compression", \.compression, of: ["none", "lz4", "zstd", "gzip", "snappy"]),
    flag("scores.create_topics", \.createTopics),
    text(
      "scores.transactional_id", \.transactionalID,
      "a text of up to 200 bytes, or \"\" for one of the host's name"
    ) {
      $0.utf8.count <= 200
    },
    time("scores.transaction_timeout", \.transactionTimeoutMs, in: second...15 * minute),
  ]

  private static let table =
    [
      postgres
    ] + secret("table.password", \.postgresPassword, alias: "TALLY_POSTGRES_PASSWORD") + [
      postgresOption(
        "sslmode", of: ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
      postgresOption("sslrootcert"), postgresOption("sslcert"), postgresOption("sslkey"),
      Setting(path: "table.sqlite", alias: "TALLY_SQLITE", group: "table") { given, settings in
        let path = try given.value.string()
        guard !path.isEmpty else { throw given.value.wrong(allowed: "the path of a file") }
        settings.table = .sqlite(settings.path(path, "table.sqlite", given))
      } show: {
        if case .sqlite(let path) = $0.table { .text(SettingsPath.absolute(path)) } else { .nothing }
      },
      Setting(path: "table.none", group: "table") { given, settings in
        guard try given.value.bool() else { throw given.value.wrong(allowed: "true, or postgres or sqlite") }
        settings.table = .none
      } show: {
        if case .none = $0.table { .plain("true") } else { .nothing }
      },
    ]

  private static let letters = [
    Setting(path: "dead_letters.keep") { given, settings in
      let year: Int64 = 366 * 24 * 60 * minute
      let isForever = (try? given.value.string()) == forever
      settings.lettersKeepMicros =
        isForever ? nil : try given.value.duration(in: 60 * minute * 1000...100 * year * 1000)
    } show: {
      .plain($0.lettersKeepMicros.map(durationText) ?? forever)
    }
  ]

  private static let forever = "forever"

  private static let control = [
    Setting(path: "control.key_file") { given, settings in
      settings.controlKeyFile = GivenSecret(.file(try given.value.string()), given.origin)
    } show: {
      if case .file(let name)? = $0.controlKeyFile?.source { .text(name) } else { .nothing }
    }
  ]

  private static let worker = [
    number("worker.threads", \.workers, in: 1...256),
    choice(
      "worker.kernel", \.kernel, of: Kernel.choices, offered: ["auto"] + Kernel.available.map(\.rawValue)),
    number("worker.batch_rows_max", \.worker.batchRowsMax, in: 1...StateStoreLimits.statesMax),
    number("worker.transaction_rows_max", \.worker.transactionRowsMax, in: 1...StateStoreLimits.statesMax),
    time("worker.transaction_interval", \.worker.transactionIntervalMs, in: 0...2 * second),
    bytes("worker.value_size_max", \.valueBytesMax, in: 1 << 10...Int64(EventDecoder.valueBytesLimit)),
    time("worker.commit_interval", \.worker.commitIntervalMs, in: 1...minute),
    time("worker.ready_within", \.readyWithinMs, in: 3 * second...10 * minute),
  ]

  private static let http = [
    optional("http.listen", \.http, "PORT (this machine only), :PORT or HOST:PORT, an IPv4 address") {
      StatusServer.Address($0) != nil
    }.alias("TALLY_HTTP")
  ]

  private static let log = [
    choice("log.format", \.log.format), choice("log.level", \.log.level),
  ]

  private static let topicNames = "a topic's name: 1 to 249 letters, digits, ., _ and -"
  private static let isTopic: @Sendable (String) -> Bool = {
    $0.wholeMatch(of: /[A-Za-z0-9._-]{1,249}/) != nil
  }
}

/// What may hold a password in its midst.
extension Setting {
  private static let redisURL = Setting(path: "redis.url", alias: "TALLY_REDIS") { given, settings in
    let text = try given.value.string()
    do {
      let password = try RedisConfiguration(url: text).password
      guard password?.revealed != SettingsText.mask else {
        throw Failure(
          "redis URL: the password is masked (***); give it apart, from a file or the environment",
          reason: .badSetting)
      }
    } catch { throw Failure("\(given.origin.place): \(error)", reason: .badSetting) }
    settings.redis = text
  } show: {
    .text(SettingsText.redacted(redis: $0.redis))
  }

  private static let postgres = Setting(
    path: "table.postgres", alias: "TALLY_POSTGRES", group: "table"
  ) { given, settings in
    let text = try given.value.string()
    if let problem = PostgresConfiguration.problem(text) {
      throw Failure("\(given.origin.place): postgres connection string: \(problem)", reason: .badSetting)
    }
    settings.table = .postgres(
      PostgresConfiguration.connection(text) { SettingsPath.joined($0, to: given.folder) })
  } show: {
    guard case .postgres(let text) = $0.table else { return .nothing }
    let absolute = PostgresConfiguration.connection(text, path: SettingsPath.absolute)
    return .text(PostgresConfiguration.redacted(absolute))
  }

  /// A keyword of libpq.
  private static func postgresOption(_ name: String, of words: [String]? = nil) -> Setting {
    Setting(path: "table.\(name)") { given, settings in
      let text = try words.map { try given.value.choice(of: $0) } ?? given.value.string()
      guard !text.isEmpty else { throw given.value.wrong(allowed: "the path of a file") }
      let isPath = PostgresConfiguration.isPath(text, of: name)
      settings.postgresOptions[name] = isPath ? settings.path(text, "table.\(name)", given) : text
    } show: {
      guard let text = $0.postgresOptions[name] else { return .nothing }
      return .text(PostgresConfiguration.isPath(text, of: name) ? SettingsPath.absolute(text) : text)
    }
  }
}
