import Configuration
import Dataflow
import FeatureStore
import Features
import Foundation
import Ingest
import Kafka
import Pipeline
import Sink
import Tables

/// Makes the adapters that the settings describe.
extension Settings {
  /// Runs a body with an admin client; turns its failure into words.
  func withAdmin<Result>(_ body: (KafkaAdmin) throws -> Result) throws -> Result {
    do {
      let admin = try KafkaAdmin(kafkaConfiguration())
      defer { admin.close() }
      return try body(admin)
    } catch let error as KafkaError {
      let isProperty = error.kind == .denied || error.kind == .misuse
      throw Failure(
        "kafka \(brokers): \(error)"
          + (isProperty ? "; see kafka.properties and -X" : "; is it running, and is kafka.brokers right?"),
        reason: .kafkaUnavailable)
    }
  }

  /// Partitions of the topic to read. Throws when it does not exist.
  func partitionCount() throws -> Int32 {
    try withAdmin { admin in
      guard let metadata = try admin.metadata(topic: topic, timeoutMs: Self.startTimeoutMs) else {
        throw Failure(
          "kafka \(brokers): the topic \(topic) does not exist; make it first, with as many partitions as it shall ever "
            + "have", reason: .topicMissing)
      }
      return metadata.partitionCount
    }
  }

  /// `names` counts what is dropped because nobody declares it.
  func makeDecoder(
    _ pipeline: LoadedPipeline, homes: KeyHomes, names: NameCounter? = nil
  ) throws -> EventDecoder {
    try EventDecoder(
      pipeline.program, homes: homes,
      limits: DecoderLimits(
        valueBytesMax: valueBytesMax, futureBound: pipeline.declaration.futureBound, latestTime: latestTime),
      input: pipeline.declaration.input, control: try controlRule(pipeline),
      pipeline: pipeline.declaration.name, names: names)
  }

  func makeStore(_ pipeline: LoadedPipeline, partitionCount: Int32) throws -> RedisStateStore {
    try RedisStateStore(
      storeConfiguration(pipeline), pipeline: pipeline.declaration.name, generation: generation,
      partitionCount: partitionCount)
  }

  /// What was dropped because the pipeline does not declare it, as all its processes keep it in Redis.
  func makeNameTotals(_ pipeline: LoadedPipeline) throws -> RedisNameTotals {
    try RedisNameTotals(storeConfiguration(pipeline), pipeline: pipeline.declaration.name)
  }

  /// What is proposed to the pipeline's processes, and what they answer, in Redis.
  func makeProposals(_ pipeline: LoadedPipeline) throws -> RedisProposals {
    try RedisProposals(storeConfiguration(pipeline), pipeline: pipeline.declaration.name)
  }

  /// The topics of a worker; exactly once: with transactions of its own.
  func makeTopicSink(
    _ context: ScoreContext, partitions: Int32, worker: Int = 0
  ) throws -> any TopicSink {
    var configuration = topicConfiguration(partitions: partitions)
    guard delivery == .exactlyOnce else { return try KafkaTopicSink(configuration, context: context) }
    configuration.transactionalID = "\(transactionalIDStem(context.pipeline))-\(worker)"
    configuration.transactionTimeoutMs = transactionTimeoutMs
    return try KafkaTransactionalSink(configuration, context: context)
  }

  /// The transactional id without the worker's number.
  func transactionalIDStem(_ pipeline: String) -> String {
    guard transactionalID.isEmpty else { return transactionalID }
    var name = [CChar](repeating: 0, count: 256)
    let failed = gethostname(&name, name.count - 1) != 0
    let host =
      failed ? "host" : String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return "tally-\(pipeline)-\(group.isEmpty ? topic : group)-\(host)"
  }

  /// The database file that all workers share; nil: the table is not SQLite.
  func openSQLite() throws -> SQLiteTables? {
    guard case .sqlite(let path) = table else { return nil }
    return try SQLiteTables(path: path)
  }

  /// A table sink, connected; nil: no table.
  func makeTable(_ context: ScoreContext, sqlite: SQLiteTables?) throws -> (any TableSink)? {
    switch table {
    case .none: return nil
    case .sqlite:
      guard let sqlite else { return nil }
      let sink = try SQLiteTableSink(sqlite, context: context)
      try sink.connect()
      return sink
    case .postgres(let connection):
      let sink = try PostgresTableSink(postgres(connection), context: context)
      try sink.connect()
      return sink
    }
  }
}

extension Settings {
  /// Whether rows of the table name one of these as a model's version.
  func hasRows(_ pipeline: LoadedPipeline, of model: String, _ versions: [String]) throws -> Bool {
    let name = pipeline.declaration.name
    return switch table {
    case .none: false
    case .sqlite(let path):
      try ModelRows.areThere(sqlite: path, pipeline: name, model: model, versions: versions)
    case .postgres(let connection):
      try ModelRows.areThere(
        postgres: postgres(connection), pipeline: name, model: model, versions: versions)
    }
  }

  /// T of the partitions, read beside a running pipeline; nil: none, or no table.
  func tablePositions(_ pipeline: LoadedPipeline, _ partitions: [Int32]) throws -> [TablePosition?] {
    switch table {
    case .none: return partitions.map { _ in nil }
    case .sqlite(let path):
      return try TablePositions.read(
        sqlite: path, pipeline: pipeline.declaration.name, topic: topic, partitions)
    case .postgres(let connection):
      return try TablePositions.read(
        postgres: postgres(connection), pipeline: pipeline.declaration.name,
        topic: topic, partitions)
    }
  }
}
