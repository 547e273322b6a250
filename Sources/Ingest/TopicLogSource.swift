public import Dataflow
import Kafka

/// A topic's whole log as it stood when it was opened, without a group: for training and for looking back.
///
/// Every partition is read from its first record to the end seen at the start; then `.finished`. It joins no group and
/// commits nothing. One thread; call `close`.
public final class TopicLogSource: RecordSource {
  /// Topic name.
  public var topic: String { consumer.topic }
  /// Offsets between the starts and the ends of all partitions: records, and those that compaction took.
  public let offsetsAtStart: Int64
  private let consumer: KafkaConsumer
  private let answerTimeoutMs: Int
  private let logIdentity: LogIdentity
  private var logBounds: [LogBounds] = []
  private var isAssigned = false
  /// Partitions that have reached the end seen at the start.
  private var reached: Set<Int32> = []

  /// Opens the log; the group of the configuration is not joined. Throws `PortError`.
  public init(_ configuration: KafkaSourceConfiguration) throws(PortError) {
    let kafka = try configuration.kafka()
    let topic = configuration.topic
    let timeoutMs = configuration.answerTimeoutMs
    answerTimeoutMs = timeoutMs
    let opened = try ported("kafka log of \(topic)") { () throws(KafkaError) in
      try KafkaConsumer(kafka, topic: topic)
    }
    consumer = opened
    let found = try ported("kafka topic \(topic): bounds") { () throws(KafkaError) in
      try Self.look(at: opened, timeoutMs: timeoutMs)
    }
    guard let found else { throw PortError(.refused, "kafka topic \(topic): no such topic") }
    logIdentity = found.identity
    logBounds = found.bounds
    offsetsAtStart = found.bounds.reduce(0) { $0 + $1.high - $1.low }
    for (partition, bounds) in found.bounds.enumerated() where bounds.low >= bounds.high {
      reached.insert(Int32(partition))
    }
  }

  private static func look(
    at consumer: KafkaConsumer, timeoutMs: Int
  ) throws(KafkaError) -> (identity: LogIdentity, bounds: [LogBounds])? {
    guard let metadata = try consumer.metadata(timeoutMs: timeoutMs) else { return nil }
    let cluster = try consumer.clusterID(timeoutMs: timeoutMs)
    var bounds: [LogBounds] = []
    for partition in 0..<metadata.partitionCount {
      let marks = try consumer.watermarks(partition, timeoutMs: timeoutMs)
      bounds.append(LogBounds(low: marks.low, high: marks.high))
    }
    return (LogIdentity(clusterID: cluster, partitionCount: metadata.partitionCount), bounds)
  }

  /// Identity of the log, as it was opened.
  public func identity() throws -> LogIdentity { logIdentity }

  /// First all partitions as `.assigned`; then records up to the ends; then `.finished`.
  public func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    guard isAssigned else { return .assigned(logBounds.indices.map { Int32($0) }) }
    try ported("kafka topic \(topic): poll") { () throws(KafkaError) in
      try consumer.poll(limit: limit, timeoutMs: timeoutMs)
    }
    for message in consumer.messages {
      let end = logBounds[Int(message.partition)].high
      if message.offset + 1 >= end { reached.insert(message.partition) }
      if message.offset < end { batch.records.append(RawRecord(message)) }
    }
    let isDone = logBounds.indices.allSatisfy {
      reached.contains(Int32($0)) || consumer.ends[Int32($0)] ?? -1 >= logBounds[$0].high
    }
    return batch.records.isEmpty && isDone ? .finished : .records
  }

  /// None: there is no group.
  public func committed(_ partitions: [Int32]) throws -> [Int64?] { partitions.map { _ in nil } }

  /// First offset and end, as they were when the log was opened.
  public func bounds(_ partition: Int32) throws -> LogBounds { logBounds[Int(partition)] }

  /// Starts reading at the given offsets.
  public func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    try ported("kafka topic \(topic): assign") { () throws(KafkaError) in
      try consumer.assign(starts.map { KafkaPosition(partition: $0.partition, offset: $0.offset) })
    }
    isAssigned = true
  }

  /// Stops reading.
  public func unassign() throws {
    isAssigned = false
    try ported("kafka topic \(topic): unassign") { () throws(KafkaError) in try consumer.unassign() }
  }

  /// Does nothing: there is no group.
  public func commit(_ offsets: [(partition: Int32, offset: Int64)]) throws {}

  /// Waits for nothing; no group takes partitions away.
  public func idle(timeoutMs: Int) throws -> Bool { false }

  /// Does nothing.
  public func resume() throws {}

  /// Closes.
  public func close() { consumer.close() }
}
