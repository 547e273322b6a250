import Dataflow
import Events
import TestThreads
import Testing

@testable import Pipeline

/// A worker whose pipeline keeps no state: there is no store at all.
@Suite("Worker without state", .onThreads) struct WithoutStateTests {
  private func calm(_ seed: UInt64) -> Faults { Faults(seed: seed, crashShare: 0, unavailableShare: 0) }

  private func makeWorld(seed: UInt64) throws -> FakeWorld {
    try FakeWorld(log: WorkerFaultTests().makeLog(seed: seed), keepsState: false)
  }

  @Test("every profile is a row of its own, whatever its id; what needs a state is a letter that says so")
  func undisturbed() throws {
    let world = try makeWorld(seed: 1)
    var details: [String: Int] = [:]
    var rows: [[UInt32]] = []
    world.onBatch = { batch in
      for letter in batch.deadLetters {
        details["\(letter.reason.rawValue): \(letter.detail)", default: 0] += 1
      }
      for (index, row) in batch.rows.enumerated() {
        let time = batch.events.events[Int(row.event)].time
        #expect(row.asOf == time)
        let age = Float(time / 1_000_000 % 100)
        rows.append(bits(of: batch, row: index))
        #expect(rows.last == [age, 2 * age, 3 * age].map(\.bitPattern))
      }
    }
    #expect(try world.run(calm(1), rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 1) == 1)
    let recorder = world.recorder
    #expect(recorder.read == 300 && recorder.duplicate == 0 && recorder.rebuilt == 0)
    #expect(recorder.read == recorder.scored + recorder.erased + recorder.deadLettered)
    #expect(world.topic.messages.count == recorder.scored && rows.count == recorder.scored)
    #expect(recorder.erased == 8 && world.table.erasures > 0)
    let ticks = details["unknown-entity: the pipeline keeps no state: there is nobody to tick"] ?? 0
    #expect(ticks > 10, "\(details)")
    for (partition, records) in world.log.partitions.enumerated() {
      let committed = try #require(world.log.committed[partition])
      let record = try #require(committed.record.flatMap { PartitionRecord.decode($0)?.record })
      #expect(committed.offset == Int64(records.count) && record.nextOffset == committed.offset)
      #expect(world.table.positions[Int32(partition)] == committed.offset)
    }
  }

  @Test("ends the same whatever crashes or fails, and writes no row twice")
  func whateverFails() throws {
    for seed in UInt64(1)...40 {
      let expected = try makeWorld(seed: seed)
      _ = try expected.run(calm(seed), rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 1)
      let world = try makeWorld(seed: seed)
      let faults = Faults(seed: seed &* 77, crashShare: 0.03, unavailableShare: 0.05)
      _ = try world.run(faults, rebalanceShare: 0.1, batchRowsMax: 20, cacheEntries: 1)
      #expect(faults.crashes > 0 && faults.failures > 0)
      #expect(try world.digest() == expected.digest(), "seed \(seed)")
      #expect(Set(world.table.written).count == world.table.written.count, "seed \(seed)")
    }
  }

  @Test("exactly once the record moves in the transaction of its batch")
  func exactlyOnce() throws {
    let world = try makeWorld(seed: 2)
    let transactions = RecordedTransactions(world.log)
    let worker = world.worker(
      calm(2), rebalanceShare: 0, batchRowsMax: 4096, cacheEntries: 1, transactions: transactions)
    try worker.run()
    // One without messages begins each partition; each batch's own does the rest.
    #expect(transactions.withoutRecord == 0 && transactions.withoutMessages == 3)
    #expect(transactions.messages == world.recorder.scored + world.recorder.deadLettered)
    for (partition, records) in world.log.partitions.enumerated() {
      let record = try #require(
        world.log.committed[partition]?.record.flatMap { PartitionRecord.decode($0)?.record })
      #expect(record.nextOffset == Int64(records.count) && record.guarantee == .exactlyOnce)
    }
  }

  @Test("a table that comes later begins where the group stands")
  func tableLater() throws {
    let world = try makeWorld(seed: 4)
    _ = try world.run(calm(4), rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 1)
    world.table.rows = [:]
    world.table.positions = [:]
    let inserts = world.table.inserts
    world.log.append(
      partition: 0, key: "nobody", value: "garbage", timestampMs: 1_700_000_000_000)
    _ = try world.run(calm(4), rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 1)
    #expect(world.table.inserts == inserts)
    #expect(world.table.positions[0] == Int64(world.log.partitions[0].count))
  }

  @Test("an erasure takes the rows of its own batch, too, whatever keys their records have")
  func otherKeys() throws {
    let log = FakeLog(partitions: 3)
    let home = Array("ann".utf8).withUnsafeBytes { Int(KeyHomes(.murmur2, partitionCount: 3).home(of: $0)) }
    for (number, (key, entity)) in [("", "ann"), ("other", "ann"), ("ann", "bob"), ("ann", "ann")]
      .enumerated()
    {
      log.append(
        partition: home, key: key, value: "x\(number),1700000000000000,of,\(entity)",
        timestampMs: 1_700_000_000_000)
    }
    log.append(
      partition: home, key: "ann", value: "y,1700000000000000,erasure", timestampMs: 1_700_000_000_000)
    let world = try FakeWorld(log: log, keepsState: false)
    _ = try world.run(calm(6), rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 1)
    #expect(world.recorder.scored == 4 && world.recorder.erased == 1)
    #expect(world.table.rows.keys.map(\.entity) == ["bob"])
  }

  @Test("an offset that was set by hand is refused")
  func setByHand() throws {
    let world = try makeWorld(seed: 5)
    _ = try world.run(calm(5), rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 1)
    world.log.committed[1] = CommittedOffset(3)
    #expect {
      _ = try world.run(calm(5), rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 1)
    } throws: {
      ($0 as? PortError)?.reason == .offsetsReset
    }
  }
}

/// Transactions that always succeed and move the log's offsets.
private final class RecordedTransactions: TransactionalTopicSink {
  private let log: FakeLog
  private(set) var messages = 0
  private(set) var withoutMessages = 0
  private(set) var withoutRecord = 0

  init(_ log: FakeLog) { self.log = log }

  func settle() throws {}
  func send(_ batch: ScoredBatch) throws {}
  func flush(timeoutMs: Int) throws -> Bool { true }
  func close() {}
  func commit(_ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]) throws -> WriteOutcome {
    let count = batch.rows.count + batch.deadLetters.count
    messages += count
    if count == 0 { withoutMessages += 1 }
    for mark in offsets {
      if mark.record.isEmpty { withoutRecord += 1 }
      log.committed[Int(mark.partition)] = CommittedOffset(mark.shown, metadata: mark.metadata)
    }
    return .written
  }
}
