import ArgumentParser
import Foundation

/// Flags that every command that touches a pipeline shares; each overrides the configuration file and the environment.
struct ConnectionOptions: ParsableArguments {
  @Option(help: "Configuration file (default: tally.yaml in this folder, if there).")
  var config: String?
  @Option(
    help: "Any setting of the configuration file: SECTION.KEY=VALUE, for example kafka.session_timeout=20s.")
  var set: [String] = []
  @Option(help: "Pipeline file.")
  var pipeline: String?
  @Option(help: "Folder of model files.")
  var models: String?
  @Option(help: "Kafka brokers, host:port,… (environment: TALLY_BROKERS).")
  var brokers: String?
  @Option(help: "Topic to read.")
  var topic: String?
  @Option(help: "Consumer group.")
  var group: String?
  @Option(
    name: [.customShort("X"), .customLong("property")],
    help: "librdkafka property, NAME=VALUE; may be given again.")
  var property: [String] = []
  @Option(help: "Redis: redis://[user[:password]@]host:port/db (environment: TALLY_REDIS).")
  var redis: String?
  @Option(help: "In front of every key in Redis.")
  var redisPrefix: String?
  @Option(help: "Store generation: a new number starts with empty states.")
  var generation: UInt64?
  @Option(help: "PostgreSQL connection string or URI (environment: TALLY_POSTGRES).")
  var postgres: String?
  @Option(help: "SQLite database file (environment: TALLY_SQLITE).")
  var sqlite: String?
  @Flag(help: "Write no table.")
  var noTable = false
  @Option(help: "Topic for scores.")
  var scoresTopic: String?
  @Option(help: "Topic for dead letters.")
  var deadLettersTopic: String?

  func validate() throws {
    guard [postgres != nil, sqlite != nil, noTable].count(where: { $0 }) <= 1 else {
      throw ValidationError("give one of --postgres, --sqlite and --no-table")
    }
  }

  /// Settings from defaults, file, environment, --set and the other flags, in this order; checked as far as can be
  /// without asking a server. Warns of what looks like a mistake.
  func settings() throws -> Settings {
    let environment = ProcessInfo.processInfo.environment
    var settings = Settings()
    try SettingsFile.layer(path: config, environment: environment)?.apply(to: &settings)
    let (variables, unknown) = try SettingsOverrides.layer(environment: environment)
    for name in unknown { complain("tally: warning: \(SettingsOverrides.warning(unknown: name))") }
    try variables.apply(to: &settings)
    try SettingsOverrides.layer(set: set).apply(to: &settings)
    try SettingsOverrides.layer(flags: try flags()).apply(to: &settings)
    try settings.resolveSecrets(environment)
    try settings.check()
    for warning in settings.secretWarnings() { complain("tally: warning: \(warning)") }
    return settings
  }

  /// What was given: the setting's path, the value, the flag.
  private func flags() throws -> [(path: String, text: String, flag: String)] {
    let all: [(String, String?, String)] = [
      ("pipeline", pipeline, "--pipeline"), ("models", models, "--models"),
      ("kafka.brokers", brokers, "--brokers"), ("kafka.topic", topic, "--topic"),
      ("kafka.group", group, "--group"), ("redis.url", redis, "--redis"),
      ("redis.prefix", redisPrefix, "--redis-prefix"),
      ("redis.generation", generation.map { "\($0)" }, "--generation"),
      ("scores.topic", scoresTopic, "--scores-topic"),
      ("scores.dead_letters", deadLettersTopic, "--dead-letters-topic"),
      ("table.postgres", postgres, "--postgres"), ("table.sqlite", sqlite, "--sqlite"),
      ("table.none", noTable ? "true" : nil, "--no-table"),
    ]
    return try all.compactMap { path, text, flag in text.map { (path, $0, flag) } }
      + property.map { text in
        guard let (name, value) = SettingsOverrides.pair(text) else {
          throw ValidationError("-X takes NAME=VALUE")
        }
        return ("kafka.properties.\(name)", value, "-X \(shown(name))")
      }
  }
}
