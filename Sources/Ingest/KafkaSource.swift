public import Dataflow
import Kafka

/// A topic read as a member of a consumer group. One thread; call `close`.
///
/// Records are librdkafka's own memory: they live until the next `poll`, also over `idle`. A revocation that is not
/// lost is told only after the records that came before it. While the brokers are away, a poll without records throws
/// `.unavailable` each time, until one of them answers again.
public final class KafkaSource: RecordSource {
  /// Topic name.
  public var topic: String { consumer.topic }
  private let consumer: KafkaConsumer
  /// The membership by which the partitions were assigned last; empty: it is lost.
  public private(set) var membership: [UInt8] = []
  /// The same, until the partitions are given up: what was done before that may still be committed.
  private var committing: [UInt8] = []
  private let answerTimeoutMs: Int
  private let rescue: BatchRescue
  /// Unpacked size beyond which a batch that the consumer cannot read is `.unreadable`, bytes.
  public let unpackedBytesMax: Int64
  /// By partition, behind the last record that was given.
  private var next: [Int32: Int64] = [:]
  private var assigned: [Int32] = []
  private var isPaused = false
  private var isDown = false
  /// Whether batches that the consumer cannot read are asked for next.
  private var isTheirTurn = true
  /// How often a poll without records may still wake the fetching.
  private var wakesLeft = 0
  /// How many of the consumer's messages the caller has; those behind them slipped through while idle.
  private var handedOut = 0
  /// What came of a batch while others were worth keeping.
  private var refused: KafkaError?

  /// Messages that one `idle` may take before delivery has stopped.
  private static let slippedMax = 16
  /// Wakes after `assign` and `resume`, and the wait after each, milliseconds: together a fifth of the second that
  /// librdkafka may sleep.
  private static let wakesMax = 10
  private static let wakeAfterMs = 20
  /// Longest wait for a sign of life while the brokers are away, milliseconds.
  private static let pingTimeoutMs = 500

  /// Joins the group. Throws `PortError`.
  public init(_ configuration: KafkaSourceConfiguration) throws(PortError) {
    let kafka = try configuration.kafka()
    let topic = configuration.topic
    consumer = try ported("kafka consumer of \(topic)") { () throws(KafkaError) in
      try KafkaConsumer(kafka, topic: topic)
    }
    answerTimeoutMs = configuration.answerTimeoutMs
    rescue = BatchRescue(configuration)
    unpackedBytesMax = configuration.unpackedBytesMax
    do throws(KafkaError) {
      try consumer.subscribe()
    } catch {
      consumer.close()
      throw error.port("kafka topic \(topic): subscribe")
    }
  }

  /// Identity of the log, asked now.
  public func identity() throws -> LogIdentity {
    let found = try ask("identity") { () throws(KafkaError) in
      (
        id: try consumer.clusterID(timeoutMs: answerTimeoutMs),
        try consumer.metadata(timeoutMs: answerTimeoutMs)
      )
    }
    guard let metadata = found.1 else {
      throw PortError(.refused, "kafka topic \(topic): no such topic", reason: .topicMissing)
    }
    return LogIdentity(clusterID: found.id, partitionCount: metadata.partitionCount)
  }

  /// Empties `batch`, then fills it with up to `limit` records: waits at most `timeoutMs` for the first, and goes on for
  /// `fillMs` from the call on while there are fewer.
  public func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    consumer.release(first: handedOut)
    handedOut = 0
    if let outcome = try takeChange() { return outcome }
    let start = ContinuousClock.now
    // In turns, so that the other partitions go on.
    let isTheirs = isTheirTurn && rescue.isActive && consumer.messages.isEmpty
    isTheirTurn = !isTheirs
    if isTheirs {
      let outcome = rescue.poll(
        into: batch, limit: limit, timeoutMs: min(timeoutMs, Self.rescueTimeoutMs))
      try goOn(rescue.takeResumed())
      if let outcome {
        note(batch)
        return outcome
      }
    }
    let waitMs = rescue.isReading ? min(timeoutMs, Self.rescueTimeoutMs) : timeoutMs
    if consumer.messages.isEmpty { try fetch(limit: limit, timeoutMs: waitMs) }
    try fill(limit: limit, until: start + .milliseconds(fillMs))
    if case .revoked(_, lost: true) = consumer.nextChange { consumer.release() }
    if consumer.messages.isEmpty, let outcome = try takeChange() { return outcome }
    handedOut = min(consumer.messages.count, limit)
    for index in 0..<handedOut { batch.records.append(RawRecord(consumer.messages[index])) }
    note(batch)
    return .records
  }

  /// Reads on behind batches that the consumer could not read.
  private func goOn(_ resumed: [Int32: Int64]) throws(PortError) {
    guard !resumed.isEmpty else { return }
    next.merge(resumed) { $1 }
    let all = next.map { KafkaPosition(partition: $0.key, offset: $0.value) }
    try ask("read on") { () throws(KafkaError) in try consumer.move(resumed.keys.sorted(), within: all) }
    wakesLeft = Self.wakesMax
  }

  /// One wait for a process that reads a batch; the group and other partitions come between.
  private static let rescueTimeoutMs = 10

  private func note(_ batch: RecordBatch) {
    for record in batch.records { next[record.partition] = record.offset + 1 }
  }

  /// As `unpackedBytesMax`, for one partition.
  public func bound(unpackedBytes: Int64, of partition: Int32) {
    rescue.bound(unpackedBytes: unpackedBytes, of: partition)
  }

  /// The group's committed offsets, in the order asked; nil: none. Those of a transaction under way are waited for.
  public func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] {
    try ask("committed offsets") { () throws(KafkaError) in
      try consumer.committed(partitions, timeoutMs: answerTimeoutMs)
    }.map { $0.map { CommittedOffset($0.offset, metadata: $0.metadata) } }
  }

  /// First and next offset, asked now.
  public func bounds(_ partition: Int32) throws -> LogBounds {
    let marks = try ask("bounds of partition \(partition)") { () throws(KafkaError) in
      try consumer.watermarks(partition, timeoutMs: answerTimeoutMs)
    }
    return LogBounds(low: marks.low, high: marks.high)
  }

  /// The end that reading reached last; nil: not yet.
  public func reachedEnd(_ partition: Int32) -> Int64? {
    consumer.messages.count > handedOut ? nil : consumer.ends[partition]
  }

  /// The log's end as the last fetch told it; nil: not known yet. Asks nobody.
  public func knownEnd(_ partition: Int32) -> Int64? { consumer.knownEnd(partition) }

  /// Starts reading the partitions at the given offsets; answers `.assigned`, and takes partitions over again.
  public func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    // What slipped through while idle lies behind the old positions, not the new ones.
    consumer.release(from: handedOut)
    refused = nil
    try endRescue()
    // librdkafka remembers the pause: partitions that were given again would stay silent.
    try resume()
    try ask("assign") { () throws(KafkaError) in
      try consumer.assign(starts.map { KafkaPosition(partition: $0.partition, offset: $0.offset) })
    }
    assigned = starts.map(\.partition)
    next = Dictionary(starts.map { ($0.partition, $0.offset) }, uniquingKeysWith: { first, _ in first })
    isPaused = false
    wakesLeft = Self.wakesMax
  }

  /// Gives all partitions up; answers `.revoked`. Records of the last poll stay valid until the next.
  public func unassign() throws {
    consumer.release(from: handedOut)
    refused = nil
    try endRescue()
    // librdkafka remembers the pause: a partition that comes back would stay silent.
    try resume()
    assigned = []
    next = [:]
    committing = Self.lostMembership
    try ask("unassign") { () throws(KafkaError) in try consumer.unassign() }
  }

  /// Commits the group's offsets; waits for the answer. Returns `.conflict` when the group has gone on without the membership by which
  /// the partitions were assigned; the next `idle` or `poll` tells of the revocation.
  ///
  /// A coordinator takes offsets of a member without a name from anybody while the group is empty, and librdkafka has none once the group
  /// has thrown it out: so the membership is compared before they are sent.
  public func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome {
    do throws(KafkaError) {
      guard !committing.isEmpty, try consumer.membership() == committing else { return .conflict }
      try consumer.commit(
        offsets.map { KafkaPosition(partition: $0.partition, offset: $0.shown, metadata: $0.metadata) })
      return .written
    } catch {
      guard error.kind == .groupMoved, !error.isFatal else {
        throw error.port("kafka topic \(topic): commit")
      }
      return .conflict
    }
  }

  /// Keeps the membership alive while nothing can be processed: stops delivery, serves the group protocol. The last
  /// poll's records stay valid. Returns true when a revocation is waiting.
  public func idle(timeoutMs: Int) throws -> Bool {
    if !isPaused && !assigned.isEmpty {
      try ask("pause") { () throws(KafkaError) in try consumer.pause(assigned) }
      isPaused = true
    }
    if !isRevoked {
      // Trouble of the connection is not idle's to tell: the caller waits for something anyway.
      do throws(KafkaError) {
        let limit = consumer.messages.count + Self.slippedMax
        try consumer.poll(limit: limit, timeoutMs: timeoutMs, keeping: true)
      } catch {
        // A batch that cannot be read is asked for again: what was fetched before a pause is fetched anew.
        guard error.isRetriable || error.kind == .unreadable else {
          throw error.port("kafka topic \(topic): idle")
        }
        isDown = error.isRetriable
      }
    }
    return isRevoked
  }

  /// Takes delivery up again after `idle`.
  public func resume() throws {
    guard isPaused else { return }
    let waiting = rescue.partitions
    try ask("resume") { () throws(KafkaError) in
      try consumer.resume(assigned.filter { !waiting.contains($0) })
    }
    isPaused = false
    wakesLeft = Self.wakesMax
  }

  /// Leaves the group and closes.
  public func close() {
    rescue.end()
    consumer.close()
  }

  /// Ends the reading of batches that the consumer cannot read; their partitions are no longer paused.
  private func endRescue() throws(PortError) {
    let paused = rescue.partitions
    rescue.end()
    guard !paused.isEmpty else { return }
    try ask("resume") { () throws(KafkaError) in try consumer.resume(paused) }
  }

  private var isRevoked: Bool {
    if case .revoked = consumer.nextChange { return true }
    return false
  }

  private func takeChange() throws(PortError) -> PollOutcome? {
    switch consumer.takeChange() {
    case .assigned(let partitions)?:
      // A membership that is lost by now is told by the revocation that follows; its offsets would be refused.
      membership =
        try ask("membership") { () throws(KafkaError) in try consumer.membership() } ?? Self.lostMembership
      committing = membership
      // Answered at once, with nothing to read yet: a member that has not answered hears of no further rebalance, and the
      // whole group waits for it, while the caller may be waiting for a store.
      try ask("assign") { () throws(KafkaError) in try consumer.assign([]) }
      return .assigned(partitions)
    case .revoked(let partitions, let lost)?:
      membership = Self.lostMembership
      if lost { committing = Self.lostMembership }
      return .revoked(partitions, lost: lost)
    case nil: return nil
    }
  }

  /// No member's.
  private static let lostMembership: [UInt8] = []

  /// Keys and values of a batch beyond which it is not filled further, bytes.
  private static let fillBytesMax = 32 << 20

  private var messageBytes: Int {
    consumer.messages.reduce(0) { $0 + $1.key.count + $1.value.count }
  }

  /// Takes more while there is room and time, and the group does not change.
  private func fill(limit: Int, until end: ContinuousClock.Instant) throws(PortError) {
    while !consumer.messages.isEmpty, consumer.messages.count < limit, !consumer.hasChange {
      let left = (end - ContinuousClock.now) / .milliseconds(1)
      guard left >= 1, messageBytes < Self.fillBytesMax else { return }
      do throws(KafkaError) {
        try consumer.poll(limit: limit, timeoutMs: Int(left), keeping: true)
      } catch {
        // The next poll tells it again: what is here is worth keeping.
        guard error.isRetriable || error.kind == .unreadable else {
          throw error.port("kafka topic \(topic): poll")
        }
        // Of a batch with a wrong checksum librdkafka may tell only once.
        if error.kind == .unreadable { refused = error }
        return
      }
    }
  }

  private func fetch(limit: Int, timeoutMs: Int) throws(PortError) {
    do throws(KafkaError) {
      if let error = refused {
        refused = nil
        throw error
      }
      var waitMs = timeoutMs
      // While fetching is being taken up, a record may wait for a thread that sleeps.
      while wakesLeft > 0, waitMs > Self.wakeAfterMs, !assigned.isEmpty {
        consumer.wake(assigned)
        wakesLeft -= 1
        try consumer.poll(limit: limit, timeoutMs: Self.wakeAfterMs)
        if !consumer.messages.isEmpty || consumer.hasChange { return fetched() }
        waitMs -= Self.wakeAfterMs
      }
      try consumer.poll(limit: limit, timeoutMs: waitMs)
      if !consumer.messages.isEmpty { return fetched() }
      // That the group has gone on says nothing of the brokers: a membership that is lost for want of answers is told, too.
      guard isDown, !consumer.hasChange else { return }
      try consumer.ping(timeoutMs: Self.pingTimeoutMs)
      isDown = false
    } catch {
      isDown = error.isRetriable
      guard error.kind == .unreadable, let place = error.place else {
        throw error.port("kafka topic \(topic): poll")
      }
      // Of a partition that is no longer ours nothing is wanted.
      guard let next = next[place.partition] else { return }
      try ask("pause") { () throws(KafkaError) in try rescue.begin(error, next: next, consumer) }
    }
  }

  /// Records came: all is well.
  private func fetched() {
    isDown = false
    if !consumer.messages.isEmpty { wakesLeft = 0 }
  }

  private func ask<R>(_ what: String, _ body: () throws(KafkaError) -> R) throws(PortError) -> R {
    try ported("kafka topic \(topic): \(what)", body)
  }
}
