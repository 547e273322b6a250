import ArgumentParser
import Configuration

/// Flags that every command that touches a pipeline shares; each overrides the configuration file and the environment.
struct ConnectionOptions: ParsableArguments {
  @Option(
    help: "Configuration file (default: tally.yaml in this folder, if there).",
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?
  @Option(
    help:
      "Any setting of the configuration file: SECTION.KEY=VALUE, such as kafka.session_timeout=20s; may be given again.",
    completion: .list(Setting.all.filter { !$0.isSecret }.map { $0.path + ($0.isMap ? "." : "=") }))
  var set: [String] = []
  @Option(help: "Pipeline file.", completion: .file(extensions: ["yaml", "yml"]))
  var pipeline: String?
  @Option(help: "Folder of model files.", completion: .directory)
  var models: String?
  @Flag(
    help:
      "Score with models that were trained with features of another meaning. Scores may be wrong; they are another pipeline's."
  )
  var acceptChangedFeatures = false
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
  @Option(
    help: "Store generation: under a new number the states are made from the log before anything is scored.")
  var generation: UInt64?
  @Option(help: "PostgreSQL connection string or URI (environment: TALLY_POSTGRES).")
  var postgres: String?
  @Option(help: "SQLite database file (environment: TALLY_SQLITE).", completion: .file())
  var sqlite: String?
  @Flag(help: "Write no table.")
  var noTable = false
  @Option(help: "Topic for scores.")
  var scoresTopic: String?
  @Option(help: "Topic for dead letters.")
  var deadLettersTopic: String?

  @Option(help: "Form of messages on standard error: text, or json (one object a line).")
  var logFormat: String?

  func validate() throws {
    guard [postgres != nil, sqlite != nil, noTable].count(where: { $0 }) <= 1 else {
      throw ValidationError("give one of --postgres, --sqlite and --no-table")
    }
  }

  /// The settings with these options. Throws `Failure`.
  func settings() throws -> Settings {
    var warnings: [String] = []
    var settings = try Settings.load(config: config, set: set, flags: try flags()) { warnings.append($0) }
    TerminalLog.use(settings.log)
    for warning in warnings { warn(warning) }
    settings.acceptsChangedFeatures = acceptChangedFeatures
    settings.batchReader = ReadBatch.command
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
      ("log.format", logFormat, "--log-format"),
    ]
    return try all.compactMap { path, text, flag in text.map { (path, $0, flag) } }
      + SettingsOverrides.flags(properties: property)
  }
}
