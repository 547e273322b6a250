import Dataflow
import Testing

@testable import Pipeline

/// A topic that is made anew, and filled beyond W, while its worker does not look.
private final class ReplacedSource: RecordSource {
  private var current: FakeSource
  private let later: FakeSource
  private let clock: FakeClock
  private let pollsBefore: Int
  private let pauseMs: Int
  private var polls = 0
  private var next: [(partition: Int32, offset: Int64)] = []

  init(_ first: FakeSource, then later: FakeSource, afterPolls: Int, pauseMs: Int, clock: FakeClock) {
    current = first
    self.later = later
    self.clock = clock
    self.pauseMs = pauseMs
    pollsBefore = afterPolls
  }

  var topic: String { current.topic }
  func identity() throws -> LogIdentity { try current.identity() }

  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    polls += 1
    let outcome = try current.poll(into: batch, limit: limit, timeoutMs: timeoutMs, fillMs: fillMs)
    for record in batch.records { next[Int(record.partition)].offset = record.offset + 1 }
    if polls == pollsBefore {
      // The consumer goes on from its position, in the new log, behind the pause.
      clock.sleep(milliseconds: pauseMs)
      current = later
      try current.assign(next)
    }
    return outcome
  }

  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    next = starts.sorted { $0.partition < $1.partition }
    try current.assign(starts)
  }

  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] { try current.committed(partitions) }
  func bounds(_ partition: Int32) throws -> LogBounds { try current.bounds(partition) }
  func unassign() throws { try current.unassign() }
  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome { try current.commit(offsets) }
  func idle(timeoutMs: Int) throws -> Bool { false }
  func resume() throws {}
  func close() {}
}

@Suite("A log recreated under a worker")
struct LogMadeAnewTests {
  private func run(pauseMs: Int) throws -> (FakeWorld, Result<Void, any Error>) {
    let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let other = WorkerFaultTests().makeLog(seed: 2)
    let clock = FakeClock()
    let source = ReplacedSource(
      FakeSource(log: world.log, faults: calm), then: FakeSource(log: other, faults: calm), afterPolls: 16,
      pauseMs: pauseMs, clock: clock)
    let worker = world.worker(
      calm, rebalanceShare: 0, batchRowsMax: 20, cacheEntries: 100, source: source, clock: clock)
    return (world, Result { try worker.run() })
  }

  @Test("is refused after a pause, before anything of it is scored")
  func refused() throws {
    let (world, outcome) = try run(pauseMs: 6_000)
    let error = try #require(throws: PortError.self) { try outcome.get() }
    #expect(error.code == .refused && error.reason == .topicRecreated, "\(error)")
    let undisturbed = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)
    _ = try undisturbed.run(calm, rebalanceShare: 0, batchRowsMax: 20, cacheEntries: 100)
    #expect(!world.topic.messages.isEmpty)
    #expect(world.topic.messages.allSatisfy { undisturbed.topic.messages[$0.key] == $0.value })
  }

  @Test("without the comparison it would be scored: the test can fail")
  func bites() throws {
    let (_, outcome) = try run(pauseMs: 0)
    #expect(throws: Never.self) { try outcome.get() }
  }
}
