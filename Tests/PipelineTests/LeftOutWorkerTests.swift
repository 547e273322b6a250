import Dataflow
import FeatureStore
import TestThreads
import Testing

@testable import Pipeline

/// The worker among fakes that cannot give everything.
@Suite("Leaving out: worker", .onThreads) struct LeftOutWorkerTests {
  private let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)

  private func record(_ world: FakeWorld, _ partition: Int32) throws -> PartitionRecord {
    let stored = try MemoryStateStore(world.storage, partitionCount: 3).records([partition])[0]
    let bytes = try #require(stored)
    return try #require(PartitionRecord.decode(bytes)?.record)
  }

  @Test("an unreadable range is passed over by everybody in the same way, whatever fails")
  func unreadable() throws {
    let range: Range<Int64> = 20..<26
    let expected = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 2))
    expected.log.unreadable[1] = range
    #expect(try expected.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100) == 1)
    let leftOut = LeftOutRanges([LeftOut(from: 20, until: 26, cause: .unreadable)])
    #expect(try record(expected, 1).leftOut == leftOut && expected.table.leftOut[1] == leftOut)
    #expect(expected.recorder.passed == ["1/20-25:unreadable"])
    #expect(expected.recorder.leftOut[1] == [.unreadable: 6])
    #expect(expected.recorder.read == 300 - 6)
    #expect(!expected.table.written.contains("1/20") && !expected.table.written.contains("1/25"))
    for seed in UInt64(1)...20 {
      let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 2))
      world.log.unreadable[1] = range
      let faults = Faults(seed: seed, crashShare: 0.03, unavailableShare: 0.03)
      _ = try world.run(faults, rebalanceShare: 0.05, batchRowsMax: 1 + Int(seed), cacheEntries: 5)
      #expect(try world.digest() == expected.digest(), "seed \(seed)")
      #expect(try record(world, 1) == record(expected, 1), "seed \(seed)")
      #expect(world.table.leftOut == expected.table.leftOut, "seed \(seed)")
      // And from a store that has lost everything.
      world.storage.removeAll()
      world.onLostState = .rebuild
      _ = try world.run(calm, rebalanceShare: 0, batchRowsMax: 30, cacheEntries: 10)
      #expect(try world.digest().states == expected.digest().states, "seed \(seed)")
    }
  }

  @Test("a partition that waits is told, others go on, and an order takes it further")
  func stuck() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 2))
    world.log.stuck[1] = 20..<26
    let source = FakeSource(log: world.log, faults: calm)
    var tries = 0
    source.onStuck = {
      tries += 1
      if tries == 3 { order(world, LeftOut(from: 20, until: 26, cause: .skipped)) }
    }
    try world.worker(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100, source: source).run()
    #expect(tries == 3)
    let waiting = world.recorder.states.filter { $0.contains("waiting for partition 1") }
    #expect(waiting.count >= 3 && waiting[0].contains("tally skip 1:20-25"))
    #expect(world.recorder.states.suffix(2) == ["running", "stopped"])
    #expect(world.recorder.passed == ["1/20-25:skipped"])
    #expect(world.recorder.read == 300 - 6)
    #expect(try record(world, 1).leftOut.text == "20-25:skipped")
    #expect(world.log.committed[1]?.leftOut.text == "20-25:skipped")
    #expect(world.table.leftOut[1]?.text == "20-25:skipped")
  }

  @Test("an order reaches a partition of which nothing comes, whatever the reason")
  func silent() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 2))
    world.log.silent[1] = 20..<26
    let source = FakeSource(log: world.log, faults: calm)
    let clock = FakeClock()
    var polls = 0
    source.onSilence = {
      polls += 1
      clock.sleep(milliseconds: 1000)
      if polls == 8 { order(world, LeftOut(from: 20, until: 26, cause: .skipped)) }
      #expect(polls < 100)
    }
    try world.worker(
      calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100, source: source, clock: clock
    ).run()
    #expect(polls > 8 && world.recorder.passed == ["1/20-25:skipped"])
    #expect(world.recorder.read == 300 - 6)
  }

  /// As `tally skip` gives it.
  private func order(_ world: FakeWorld, _ order: LeftOut) {
    let store = MemoryStateStore(world.storage, partitionCount: 3)
    guard let bytes = try? store.records([1])[0], var record = PartitionRecord.decode(bytes)?.record else {
      Issue.record("there is no record")
      return
    }
    #expect(record.nextOffset == 20)
    record.leftOut.add(order)
    var write = StateWrite()
    write.partition = 1
    write.expected = bytes
    write.record = record.encoded
    #expect((try? store.write(write)) == .written)
  }

  @Test("a gap is gone over once, and the end is that of a log without it")
  func gap() throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 2))
    // Everything but partition 1 beyond offset 15 is scored.
    world.log.stuck[1] = 15..<Int64.max
    let source = FakeSource(log: world.log, faults: calm)
    let worker = world.worker(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100, source: source)
    var tries = 0
    source.onStuck = {
      tries += 1
      if tries == 5 { worker.context.stop.stop() }
    }
    try worker.run()
    world.log.stuck[1] = nil
    world.log.low[1] = 40
    let refusal = try #require(throws: PortError.self) {
      try world.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100)
    }
    #expect(refusal.detail.contains("--accept-gap 1:15-39"))
    world.acceptedGaps[1] = LeftOut(from: 15, until: 40, cause: .deleted)
    let faults = Faults(seed: 77, crashShare: 0.05, unavailableShare: 0.05)
    _ = try world.run(faults, rebalanceShare: 0.05, batchRowsMax: 7, cacheEntries: 5)
    #expect(world.table.leftOut[1]?.text == "15-39:deleted")
    #expect(world.log.committed[1]?.leftOut.text == "15-39:deleted")
    #expect(world.table.positions[1] == Int64(world.log.partitions[1].count))
    let offsets = world.table.written.filter { $0.hasPrefix("1/") }.compactMap { Int($0.dropFirst(2)) }
    #expect(!offsets.isEmpty && offsets.allSatisfy { $0 < 15 || $0 >= 40 })
    // Lost by now, the states cannot be made again, and the gap is named.
    world.storage.removeAll()
    world.onLostState = .rebuild
    let lost = try #require(throws: PortError.self) {
      try world.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100)
    }
    #expect(lost.detail.contains("accepted as gone: 15-39:deleted"))
  }
}
