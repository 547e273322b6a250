import ArgumentParser
import Foundation
import Ingest
import Pipeline

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

  /// Settings from defaults, file, environment, --set and the other flags, in this order.
  func settings() throws -> Settings {
    // An empty variable is one that is not set: compose files pass those on that nobody gave.
    let environment = ProcessInfo.processInfo.environment.filter { !$0.value.isEmpty }
    var settings = try SettingsFile.load(path: config, environment: environment)
    for name in try SettingsFile.apply(environment: environment, to: &settings) {
      complain(
        "tally: the environment variable \(name) is no setting: is it misspelt? (tally.yaml's keys, as TALLY_SECTION_KEY)"
      )
    }
    try settings.apply(environment: environment)
    for text in set {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw Failure("--set takes SECTION.KEY=VALUE, as in tally.yaml")
      }
      let path = String(text[..<equals])
      try SettingsFile.apply(
        path: path, value: String(text[text.index(after: equals)...]), origin: "--set \(path)", to: &settings)
    }
    try apply(to: &settings)
    try settings.checkTopics()
    try KafkaSourceConfiguration.check(settings.kafkaProperties)
    return settings
  }

  private func apply(to settings: inout Settings) throws {
    if let pipeline { settings.pipeline = pipeline }
    if let models { settings.models = models }
    if let brokers { settings.brokers = brokers }
    if let topic { settings.topic = topic }
    if let group { settings.group = group }
    if let redis { settings.redis = redis }
    if let redisPrefix { settings.redisPrefix = redisPrefix }
    if let generation { settings.generation = generation }
    if let scoresTopic { settings.scoresTopic = scoresTopic }
    if let deadLettersTopic { settings.deadLettersTopic = deadLettersTopic }
    if let postgres { settings.table = .postgres(postgres) }
    if let sqlite { settings.table = .sqlite(sqlite) }
    if noTable { settings.table = .none }
    for text in property {
      guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
        throw ValidationError("-X takes NAME=VALUE")
      }
      settings.kafkaProperties.append(
        (String(text[..<equals]), String(text[text.index(after: equals)...])))
    }
  }
}

extension Settings {
  /// Throws when Tally would read what it writes, for ever.
  func checkTopics() throws {
    let topics = [topic, scoresTopic, deadLettersTopic].filter { !$0.isEmpty }
    guard Set(topics).count == topics.count else {
      throw Failure(
        "the topics of events (\(topic)), scores (\(scoresTopic)) and dead letters (\(deadLettersTopic)) must "
          + "differ: Tally would read what it writes")
    }
  }

  /// Takes what the environment says.
  mutating func apply(environment: [String: String]) throws {
    if let value = environment["TALLY_PIPELINE"] { pipeline = value }
    if let value = environment["TALLY_MODELS"] { models = value }
    if let value = environment["TALLY_BROKERS"] { brokers = value }
    if let value = environment["TALLY_TOPIC"] { topic = value }
    if let value = environment["TALLY_GROUP"] { group = value }
    if let value = environment["TALLY_REDIS"] { redis = value }
    if let value = environment["TALLY_REDIS_PASSWORD"] { redisPassword = value }
    if let value = environment["TALLY_SQLITE"] { table = .sqlite(value) }
    if let value = environment["TALLY_POSTGRES"] { table = .postgres(value) }
    if let value = environment["TALLY_HTTP"] { http = value }
  }
}
