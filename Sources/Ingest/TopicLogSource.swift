public import Dataflow
import Kafka

/// A topic's log as it stood when it was opened, without a group: for training, rebuilding, replaying and looking back.
///
/// Every partition is read from its first record, or where it is told to start, to the end seen at the start, or an
/// earlier one; then `.finished`. It joins no group and commits nothing. One thread; call `close`.
public final class TopicLogSource: LogSource {
  /// Topic name.
  public var topic: String { consumer.topic }
  /// Offsets between the starts and the ends of all partitions: records, and those that compaction took.
  public let offsetsAtStart: Int64
  private let consumer: KafkaConsumer
  private let answerTimeoutMs: Int
  private let logIdentity: LogIdentity
  /// What is read of every partition.
  private var logBounds: [LogBounds] = []
  private let partitions: [Int32]
  private let leftOut: [Int32: LeftOutRanges]
  private let rescue: BatchRescue
  /// Unpacked size beyond which a batch that the consumer cannot read is `.unreadable`, bytes.
  public let unpackedBytesMax: Int64
  /// By partition, behind the last record that was given.
  private var next: [Int32: Int64] = [:]
  /// Whether batches that the consumer cannot read are asked for now.
  private var isTheirTurn = false
  private var isAssigned = false
  /// Partitions that have reached the end seen at the start.
  private var reached: Set<Int32> = []

  /// Opens the log; the group of the configuration is not joined. Throws `PortError`, also for a part that the log does
  /// not have.
  public init(_ configuration: KafkaSourceConfiguration, _ part: LogPart = LogPart()) throws(PortError) {
    let kafka = try configuration.kafka()
    let topic = configuration.topic
    let timeoutMs = configuration.answerTimeoutMs
    answerTimeoutMs = timeoutMs
    leftOut = part.leftOut
    rescue = BatchRescue(configuration)
    for (partition, bytes) in part.unpackedBytesMax { rescue.bound(unpackedBytes: bytes, of: partition) }
    unpackedBytesMax = configuration.unpackedBytesMax
    let opened = try ported("kafka log of \(topic)") { () throws(KafkaError) in
      try KafkaConsumer(kafka, topic: topic)
    }
    consumer = opened
    let found = try ported("kafka topic \(topic): bounds") { () throws(KafkaError) in
      try Self.look(at: opened, timeoutMs: timeoutMs)
    }
    guard let found else {
      throw PortError(.refused, "kafka topic \(topic): no such topic", reason: .topicMissing)
    }
    logIdentity = found.identity
    partitions = found.bounds.indices.map { Int32($0) }.filter { part.partitions?.contains($0) ?? true }
    logBounds = found.bounds
    for partition in partitions {
      let whole = found.bounds[Int(partition)]
      // Of what is left out nothing is needed.
      let from = part.from[partition].map { part.leftOut[partition]?.end(from: $0) ?? $0 } ?? whole.low
      let until = part.until[partition] ?? whole.high
      guard from >= whole.low, until <= whole.high else {
        opened.close()
        throw PortError(
          .refused,
          "kafka topic \(topic): partition \(partition) has the offsets \(whole.low)..<\(whole.high), not all of "
            + "\(from)..<\(until)", reason: .logTruncated)
      }
      logBounds[Int(partition)] = LogBounds(low: from, high: max(from, until))
    }
    let bounds = logBounds
    offsetsAtStart = partitions.reduce(0) { $0 + bounds[Int($1)].high - bounds[Int($1)].low }
    for partition in partitions where bounds[Int(partition)].low >= bounds[Int(partition)].high {
      reached.insert(partition)
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

  /// First the partitions as `.assigned`; then records up to the ends; then `.finished`.
  public func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    guard isAssigned else { return .assigned(partitions) }
    if let outcome = try rescued(batch, limit) { return outcome }
    do throws(KafkaError) {
      try consumer.poll(limit: limit, timeoutMs: rescue.isReading ? min(timeoutMs, 10) : timeoutMs)
    } catch {
      guard error.kind == .unreadable, let place = error.place, let next = next[place.partition] else {
        throw error.port("kafka topic \(topic): poll")
      }
      try passOver(error, next: next)
      return .records
    }
    for message in consumer.messages {
      next[message.partition] = message.offset + 1
      let end = logBounds[Int(message.partition)].high
      if message.offset + 1 >= end { reached.insert(message.partition) }
      let isLeftOut = !leftOut.isEmpty && leftOut[message.partition]?.contains(message.offset) ?? false
      if message.offset < end, !isLeftOut { batch.records.append(RawRecord(message)) }
    }
    return batch.records.isEmpty && isDone ? .finished : .records
  }

  private var isDone: Bool {
    partitions.allSatisfy {
      reached.contains($0) || max(consumer.ends[$0] ?? -1, next[$0] ?? -1) >= logBounds[Int($0)].high
    }
  }

  /// What has come of batches that the consumer cannot read; nil: there are none, or nothing yet.
  private func rescued(_ batch: RecordBatch, _ limit: Int) throws -> PollOutcome? {
    guard rescue.isActive, !isDone else { return nil }
    // In turns, so that the other partitions go on.
    isTheirTurn.toggle()
    guard isTheirTurn else { return nil }
    let outcome = rescue.poll(into: batch, limit: limit, timeoutMs: 10)
    try goOn(rescue.takeResumed())
    switch outcome {
    case .records?:
      guard let last = batch.records.last else { return outcome }
      let (partition, end) = (last.partition, logBounds[Int(last.partition)].high)
      next[partition] = last.offset + 1
      if last.offset + 1 >= end { reached.insert(partition) }
      batch.records.removeAll { $0.offset >= end || leftOut[partition]?.contains($0.offset) ?? false }
    default: break
    }
    return outcome
  }

  /// Reads on behind what is left out of the part, or has a batch read that the consumer cannot.
  private func passOver(_ error: KafkaError, next wanted: Int64) throws {
    guard let partition = error.place?.partition else { return }
    let behind = leftOut[partition]?.end(from: wanted) ?? wanted
    guard behind > wanted else {
      return try ported("kafka topic \(topic): pause") { () throws(KafkaError) in
        try rescue.begin(error, next: wanted, consumer)
      }
    }
    try goOn([partition: behind])
  }

  /// Reads on behind batches that the consumer could not read.
  private func goOn(_ resumed: [Int32: Int64]) throws {
    guard !resumed.isEmpty else { return }
    next.merge(resumed) { $1 }
    for (partition, offset) in resumed where offset >= logBounds[Int(partition)].high {
      reached.insert(partition)
    }
    let all = next.map { KafkaPosition(partition: $0.key, offset: $0.value) }
    try ported("kafka topic \(topic): read on") { () throws(KafkaError) in
      try consumer.move(resumed.keys.sorted(), within: all)
    }
  }

  /// As `unpackedBytesMax`, for one partition.
  public func bound(unpackedBytes: Int64, of partition: Int32) {
    rescue.bound(unpackedBytes: unpackedBytes, of: partition)
  }

  /// None: there is no group.
  public func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] { partitions.map { _ in nil } }

  /// First offset and end of what is read, as they were when the log was opened.
  public func bounds(_ partition: Int32) throws -> LogBounds { logBounds[Int(partition)] }

  /// Starts reading at the given offsets, which may lie before the part's start.
  public func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    let paused = rescue.partitions
    rescue.end()
    try ported("kafka topic \(topic): assign") { () throws(KafkaError) in
      if !paused.isEmpty { try consumer.resume(paused) }
      try consumer.assign(starts.map { KafkaPosition(partition: $0.partition, offset: $0.offset) })
    }
    next = Dictionary(starts.map { ($0.partition, $0.offset) }, uniquingKeysWith: { first, _ in first })
    // A worker may go on behind the start, and even at the end.
    for (partition, offset) in starts where offset >= logBounds[Int(partition)].high {
      reached.insert(partition)
    }
    isAssigned = true
  }

  /// From now on reads what comes behind the ends too, and never finishes.
  public func follow() {
    for partition in partitions { logBounds[Int(partition)].high = .max }
    reached.removeAll()
  }

  /// Stops reading.
  public func unassign() throws {
    isAssigned = false
    try ported("kafka topic \(topic): unassign") { () throws(KafkaError) in try consumer.unassign() }
  }

  /// Does nothing: there is no group.
  public func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome { .written }

  /// Waits for nothing; no group takes partitions away.
  public func idle(timeoutMs: Int) throws -> Bool { false }

  /// Does nothing.
  public func resume() throws {}

  /// Closes.
  public func close() {
    rescue.end()
    consumer.close()
  }
}
