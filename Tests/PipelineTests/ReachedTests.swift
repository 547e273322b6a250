import Dataflow
import FeatureStore
import Testing

@testable import Pipeline

/// A topic whose partitions end with marks of transactions, read over a link that takes long for everything; nobody but a poll tells
/// its end.
private final class SlowSource: RecordSource {
  let topic = "events"
  private let inner: FakeSource
  private let log: FakeLog
  private let clock: FakeClock
  /// Marks behind each partition's last record.
  private let marks: Int64
  /// How long each poll takes, and each question.
  private let pollMs: Int
  private let commitMs: Int
  private var restsLeft: Int
  private var emptyLeft: Int
  private(set) var questions = 0
  private(set) var takeovers = 0
  private var isAtEnd = false

  init(
    _ log: FakeLog, _ clock: FakeClock, marks: Int64, pollMs: Int, commitMs: Int = 0, emptyPolls: Int = 0,
    rests: Int = 3
  ) {
    self.log = log
    self.clock = clock
    self.marks = marks
    self.pollMs = pollMs
    self.commitMs = commitMs
    emptyLeft = emptyPolls
    restsLeft = rests
    inner = FakeSource(log: log, faults: Faults(seed: 1, crashShare: 0, unavailableShare: 0))
  }

  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    clock.sleep(milliseconds: pollMs)
    batch.records.removeAll(keepingCapacity: true)
    if takeovers > 0 && emptyLeft > 0 {
      emptyLeft -= 1
      return .records
    }
    let outcome = try inner.poll(into: batch, limit: limit, timeoutMs: timeoutMs, fillMs: fillMs)
    guard outcome == .finished else { return outcome }
    isAtEnd = true
    restsLeft -= 1
    return restsLeft >= 0 ? .records : .finished
  }

  func reachedEnd(_ partition: Int32) -> Int64? {
    isAtEnd ? Int64(log.partitions[Int(partition)].count) + marks : nil
  }

  func identity() throws -> LogIdentity { try inner.identity() }
  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] { try inner.committed(partitions) }
  func bounds(_ partition: Int32) throws -> LogBounds {
    questions += 1
    clock.sleep(milliseconds: 5_000)
    var bounds = try inner.bounds(partition)
    bounds.high += marks
    return bounds
  }
  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    takeovers += 1
    try inner.assign(starts)
  }
  func unassign() throws { try inner.unassign() }
  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome {
    clock.sleep(milliseconds: commitMs)
    for mark in offsets {
      log.committed[Int(mark.partition)] = CommittedOffset(mark.shown, metadata: mark.metadata)
    }
    return .written
  }
  func idle(timeoutMs: Int) throws -> Bool { false }
  func resume() throws {}
  func close() {}
}

/// Transactions that always succeed, and move the log's committed offsets.
private final class FakeTransactions: TransactionalTopicSink {
  private let log: FakeLog
  private(set) var rows = 0
  private(set) var withoutMessages = 0

  init(_ log: FakeLog) { self.log = log }

  func settle() throws {}
  func send(_ batch: ScoredBatch) throws {}
  func flush(timeoutMs: Int) throws -> Bool { true }
  func close() {}
  func commit(_ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]) throws -> WriteOutcome {
    rows += batch.rows.count
    if batch.rows.isEmpty { withoutMessages += 1 }
    for mark in offsets {
      log.committed[Int(mark.partition)] = CommittedOffset(mark.shown, metadata: mark.metadata)
    }
    return .written
  }
}

@Suite("What reading has reached") struct ReachedTests {
  private let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)

  private func worker(
    _ world: FakeWorld, _ source: SlowSource, _ clock: FakeClock,
    transactions: (any TransactionalTopicSink)? = nil
  ) -> Worker {
    world.worker(
      calm, rebalanceShare: 0, batchRowsMax: 20, cacheEntries: 100, source: source, clock: clock,
      transactions: transactions)
  }

  @Test(
    "the group shows the marks of transactions as read, and tells the true offset beside", arguments: [0, 4])
  func effectivelyOnce(marks: Int64) throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let clock = FakeClock()
    try worker(world, SlowSource(world.log, clock, marks: marks, pollMs: 600), clock).run()
    for (partition, committed) in world.log.committed.enumerated() {
      let count = Int64(world.log.partitions[partition].count)
      #expect(committed?.offset == count && committed?.shown == count + marks)
      #expect(world.recorder.positions[Int32(partition)] == count + marks)
    }
    // Another life goes on from there without a word of lost states.
    try worker(world, SlowSource(world.log, clock, marks: marks, pollMs: 600), clock).run()
    #expect(world.recorder.losses.isEmpty && world.recorder.rebuilt == 0)
    #expect(world.log.committed.allSatisfy { $0.map { $0.shown - $0.offset } == marks })
  }

  @Test("exactly once does it in a transaction without messages, once") func exactlyOnce() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let clock = FakeClock()
    let topic = FakeTransactions(world.log)
    let source = SlowSource(world.log, clock, marks: 2, pollMs: 600, rests: 8)
    try worker(world, source, clock, transactions: topic).run()
    for (partition, committed) in world.log.committed.enumerated() {
      let count = Int64(world.log.partitions[partition].count)
      #expect(committed?.offset == count && committed?.shown == count + 2)
    }
    // One for each partition that is taken over first, and one at rest.
    #expect(topic.withoutMessages == world.log.partitions.count + 1)
    #expect(topic.rows == world.recorder.scored && topic.rows > 0)
  }

  @Test("over a slow link nothing is asked while it could work, and nothing that came is thrown away")
  func slowLink() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let clock = FakeClock()
    // The polls together, and each one with what came before it, take longer than a pause may.
    let source = SlowSource(world.log, clock, marks: 0, pollMs: 4_000, commitMs: 6_000, emptyPolls: 10)
    try worker(world, source, clock).run()
    #expect(source.takeovers == 1)
    #expect(source.questions == world.log.partitions.count)
    #expect(world.recorder.read == world.log.partitions.reduce(0) { $0 + $1.count })
  }
}

@Suite("States made again") struct MadeAgainTests {
  @Test("are told of, count as nothing else, and spoil no latency") func lost() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)
    _ = try world.run(calm, rebalanceShare: 0, batchRowsMax: 20, cacheEntries: 100)
    let before = try world.digest()
    let (read, scored, aged) = (world.recorder.read, world.recorder.scored, world.recorder.aged)
    #expect(read == world.log.partitions.reduce(0) { $0 + $1.count } && aged == read && scored > 0)
    #expect(world.recorder.losses.isEmpty)

    world.storage.removeAll()
    world.onLostState = .rebuild
    _ = try world.run(calm, rebalanceShare: 0, batchRowsMax: 20, cacheEntries: 100)
    #expect(try world.digest() == before)
    #expect(
      world.recorder.losses
        == world.log.partitions.indices.map { "\($0) lost 0..<\(world.log.partitions[$0].count)" })
    #expect(world.recorder.rebuilt == read)
    #expect(
      world.recorder.read == read && world.recorder.scored == scored && world.recorder.aged == aged,
      "what was delivered before is not counted twice")
  }
}
