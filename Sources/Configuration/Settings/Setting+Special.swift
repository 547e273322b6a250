import Dataflow
import Declaration
import FeatureStore
import Tables

/// Settings that are like no other.
extension Setting {
  static let partitioner = Setting(
    "kafka.partitioner", .choice(Partitioner.allCases.map(\.rawValue)),
    "How the producers of the topic spread keys: murmur2 (Java), crc32 (Python, Go, .NET, kcat), fnv1a (sarama). Not given: "
      + "murmur2, and a first start checks the log's keys."
  ) { given, settings in
    let word = try given.value.choice(of: Partitioner.allCases.map(\.rawValue))
    settings.partitioner = Partitioner(rawValue: word)
  } show: {
    $0.partitioner.map { .text($0.rawValue) } ?? .nothing
  }.example("murmur2")

  static let generation = Setting(
    "redis.generation", .number(1...Int.max),
    "Store generation: under a new number the states are made from the log before anything is scored."
  ) { given, settings in
    settings.generation = UInt64(try given.value.int(in: 1...Int.max))
  } show: {
    .plain("\($0.generation)")
  }

  private static let hourMicros: Int64 = 3_600_000_000
  private static let keepRange = hourMicros...100 * 366 * 24 * hourMicros
  private static let forever = "forever"

  static let lettersKeep = Setting(
    "dead_letters.keep", .time(keepRange, step: 1, word: forever),
    "Age at which dead letters go from the table; the topic keeps its own."
  ) { given, settings in
    let isForever = (try? given.value.string()) == forever
    settings.lettersKeepMicros = isForever ? nil : try given.value.duration(in: keepRange)
  } show: {
    .plain($0.lettersKeepMicros.map(durationText) ?? forever)
  }

  static let redisURL = Setting(
    "redis.url", .text(TextRule(allowed: "redis:// or unix://, with an address")),
    "Address of Redis: redis://[user[:password]@]host[:port][/database] or unix:///path/of/socket."
  ) { given, settings in
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
}

/// Where rows go.
extension Setting {
  static let table =
    [
      postgres.alias("TALLY_POSTGRES").flags("--postgres").group("table").masked()
        .example("host=localhost dbname=tally user=tally", isInForce: true)
    ]
    + password(
      "table.password", \.postgresPassword, alias: "TALLY_POSTGRES_PASSWORD", of: "PostgreSQL",
      examples: ("/run/secrets/postgres", "PG_SECRET"))
    + [
      sslmode.example("verify-full"),
      postgresPath(
        "sslrootcert", "File of certificates that the server's is checked against, or system: the machine's."
      ).example("/etc/ssl/postgres-ca.pem"),
      postgresPath("sslcert", "File with this client's certificate.").example("/etc/ssl/tally.pem"),
      postgresPath(
        "sslkey", "File with the certificate's key. With a colon in it: a key of an engine of OpenSSL."
      ).example("/etc/ssl/tally.key"),
      path("table.sqlite", "SQLite database file.", allowed: "the path of a file") { text, _, settings in
        settings.table = .sqlite(text)
      } get: {
        if case .sqlite(let path) = $0.table { path } else { nil }
      }.alias("TALLY_SQLITE").flags("--sqlite").group("table"),
      Setting("table.none", .truth(onlyTrue: true), "No table.") { given, settings in
        guard try given.value.bool() else { throw given.value.wrong(allowed: "true, or postgres or sqlite") }
        settings.table = .none
      } show: {
        if case .none = $0.table { .plain("true") } else { .nothing }
      }.flags("--no-table").group("table").example("true"),
    ]

  private static let postgres = Setting(
    "table.postgres", .text(TextRule(allowed: "a connection string or URI of libpq", mayBeEmpty: true)),
    "PostgreSQL: a connection string of libpq, or a URI. Without a password here or in the next settings: PGPASSWORD or "
      + "~/.pgpass."
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

  private static let sslmodes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

  private static let sslmode = Setting(
    "table.sslmode", .choice(sslmodes),
    "How far TLS to PostgreSQL is demanded. Not given: libpq's own default."
  ) { given, settings in
    settings.postgresOptions["sslmode"] = try given.value.choice(of: sslmodes)
  } show: {
    $0.postgresOptions["sslmode"].map { .text($0) } ?? .nothing
  }

  /// A keyword of libpq that is a path.
  private static func postgresPath(_ name: String, _ meaning: String) -> Setting {
    path("table.\(name)", meaning, allowed: "the path of a file") {
      PostgresConfiguration.isPath($0, of: name)
    } set: { text, _, settings in
      settings.postgresOptions[name] = text
    } get: {
      $0.postgresOptions[name]
    }
  }
}
