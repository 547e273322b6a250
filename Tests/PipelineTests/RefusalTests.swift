import Dataflow
import Events
import TestNumbers
import TestThreads
import Testing

@testable import Pipeline

/// What a sink will never take of a record costs that record: a letter in place of the score, everything else goes on.
@Suite("Refusals of sinks", .onThreads) struct RefusalTests {
  private func world(_ refusals: (topic: Int64, table: Int64)) throws -> FakeWorld {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 9))
    world.refusals = refusals
    return world
  }

  private let calm = Faults(seed: 9, crashShare: 0, unavailableShare: 0)

  @Test func costOneRecordEach() throws {
    let whole = try world((0, 0))
    _ = try whole.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100)
    for reason in [DeadLetterReason.refusedByTopic, .refusedByTable] {
      let world = try world(reason == .refusedByTopic ? (7, 0) : (0, 7))
      #expect(try world.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100) == 1)
      // States know every event, and every record is accounted for once.
      #expect(try world.digest().states == whole.digest().states)
      #expect(world.recorder.read == 300)
      let lost = whole.recorder.scored - world.recorder.scored
      #expect(lost > 20)
      #expect(world.recorder.deadLettered == whole.recorder.deadLettered + lost)
      let letters = world.topic.letters.filter { $0.hasSuffix(reason.rawValue) }
      #expect(letters.count == lost)
      let counters = try world.digest().counters.compactMap { $0?.deadLettered[reason.index] }
      #expect(counters.reduce(0, +) == UInt64(lost))
      // The other sink has what it takes.
      let without = Set(letters.map { String($0.prefix { $0 != " " }) })
      if reason == .refusedByTopic {
        #expect(world.table.rows == whole.table.rows)
        #expect(Set(world.topic.messages.keys) == Set(whole.topic.messages.keys).subtracting(without))
      } else {
        #expect(world.topic.messages == whole.topic.messages)
        #expect(Set(world.table.written).isDisjoint(with: without))
        #expect(world.table.letters.keys.contains { $0.hasSuffix(reason.rawValue) })
      }
    }
  }

  /// Faults and crashes change nothing of what is in the table; a letter comes to the topic or has come to the table.
  @Test func whateverFails() throws {
    for seed in UInt64(1)...20 {
      let expected = try world((5, 7))
      _ = try expected.run(calm, rebalanceShare: 0, batchRowsMax: 512, cacheEntries: 100)
      let disturbed = try world((5, 7))
      let faults = Faults(seed: seed &* 7919, crashShare: 0.02, unavailableShare: 0.03)
      _ = try disturbed.run(
        faults, rebalanceShare: 0.05, batchRowsMax: 1 + Int(seed) % 40, cacheEntries: 5)
      #expect(disturbed.table.rows == expected.table.rows, "seed \(seed)")
      #expect(disturbed.table.letters == expected.table.letters, "seed \(seed)")
      #expect(try disturbed.digest().states == expected.digest().states, "seed \(seed)")
      #expect(disturbed.topic.messages == expected.topic.messages, "seed \(seed)")
    }
  }
}
