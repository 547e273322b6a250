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
  @Option(help: "Registry of models: its production versions instead of model files.", completion: .directory)
  var registry: String?
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

  /// The settings with these options, and with others that a command has. Throws `Failure`.
  func settings(_ others: [(flag: String, text: String?)] = []) throws -> Settings {
    var warnings: [String] = []
    var settings = try Settings.load(config: config, set: set, flags: try flags(others)) {
      warnings.append($0)
    }
    TerminalLog.use(settings.log)
    for warning in warnings { warn(warning) }
    settings.acceptsChangedFeatures = acceptChangedFeatures
    settings.batchReader = ReadBatch.command
    return settings
  }

  /// What was given: the setting's path, the value, the flag.
  private func flags(
    _ others: [(flag: String, text: String?)]
  ) throws -> [(path: String, text: String, flag: String)] {
    let own: [(flag: String, text: String?)] = [
      ("--pipeline", pipeline), ("--models", models), ("--registry", registry), ("--brokers", brokers),
      ("--topic", topic),
      ("--group", group), ("--redis", redis), ("--redis-prefix", redisPrefix),
      ("--generation", generation.map { "\($0)" }), ("--scores-topic", scoresTopic),
      ("--dead-letters-topic", deadLettersTopic), ("--postgres", postgres), ("--sqlite", sqlite),
      ("--no-table", noTable ? "true" : nil), ("--log-format", logFormat),
    ]
    return try SettingsOverrides.flags(own + others) + SettingsOverrides.flags(properties: property)
  }
}
