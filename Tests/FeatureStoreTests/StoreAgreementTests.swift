import Dataflow
import FeatureStore
import TestServers
import TestThreads
import Testing
import TestNumbers

/// `RedisStateStore` and `MemoryStateStore` hold the same contract: random operations give equal answers.
@Suite(.onThreads) struct StoreAgreementTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
  func agreeOnRandomOperations(_ seed: UInt64) throws {
    let server = try RedisServer()
    let storage = MemoryStateStorage()
    var random = SeededGenerator(seed: seed)
    let partitions: Int32 = Int32.random(in: 1...4, using: &random)
    let pairs = try (0..<2).map { _ in
      (
        redis: try server.store(partitions: partitions),
        memory: MemoryStateStore(storage, partitionCount: partitions)
      )
    }
    var outcomes: Set<String> = []
    for step in 0..<400 {
      let pair = pairs.randomElement(using: &random)!
      let note: Comment = "seed \(seed), step \(step)"
      let partition = Int32.random(in: 0..<partitions, using: &random)
      switch Int.random(in: 0..<20, using: &random) {
      case 0..<10:
        let write = Self.write(partition, try pair.memory.records([partition])[0], &random)
        let outcome = try pair.memory.write(write)
        try #require(try pair.redis.write(write) == outcome, note)
        outcomes.insert("\(outcome)")
      case 10..<18:
        let asked = (0..<Int.random(in: 0...3, using: &random)).map { _ in
          Int32.random(in: 0..<partitions, using: &random)
        }
        let entities = (0..<Int.random(in: 0...12, using: &random)).map { _ in
          (Int32.random(in: 0..<partitions, using: &random), Self.id(&random))
        }
        let expected = try pair.memory.fetched(asked, entities)
        try #require(try pair.redis.fetched(asked, entities) == expected, note)
        let lodgers = try pair.memory.entities(of: asked)
        try #require(try pair.redis.entities(of: asked) == lodgers, note)
        if !lodgers.isEmpty { outcomes.insert("lodgers") }
      case 18:
        pair.redis.close()
        #expect(try pair.redis.records([partition]) == pair.memory.records([partition]), note)
      case 19 where step % 2 == 0:
        let record = Bool.random(using: &random) ? try pair.memory.records([partition])[0] ?? [] : [7]
        let outcome = try pair.memory.clear(partition, whileRecordIs: record)
        #expect(try pair.redis.clear(partition, whileRecordIs: record) == outcome, note)
        if outcome { outcomes.insert("cleared") }
      default:
        guard step % 5 == 0 else { continue }
        storage.removeAll()
        try server.command("FLUSHALL")
      }
    }
    let possible: Set = ["written", "alreadyWritten", "conflict", "cleared", "lodgers"]
    #expect(outcomes.isSuperset(of: possible), "seed \(seed)")
  }

  /// A write that fits the record that is there, or repeats it, or does not fit.
  private static func write(_ partition: Int32, _ current: [UInt8]?, _ random: inout SeededGenerator)
    -> StateWrite
  {
    var states: [(id: [UInt8], state: [UInt8])] = []
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let id = id(&random)
      if states.contains(where: { $0.id == id }) { continue }
      states.append(
        (
          id,
          (0..<Int.random(in: 0...9, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        ))
    }
    var write = StateWrite.of(partition, from: "", to: "r\(UInt8.random(in: 0...30, using: &random))", states)
    switch Int.random(in: 0..<4, using: &random) {
    case 0: write.expected = Array("r\(UInt8.random(in: 0...30, using: &random))".utf8)
    case 1:
      write.expected = Array("older".utf8)
      write.record = current ?? write.record
    default: write.expected = current ?? []
    }
    return write
  }

  private static func id(_ random: inout SeededGenerator) -> [UInt8] {
    [UInt8.random(in: 0...20, using: &random)]
  }

  @Test func memoryStoreLosesAnswersOnDemand() throws {
    let storage = MemoryStateStorage()
    let store = MemoryStateStore(storage, partitionCount: 1)
    let write = StateWrite.of(0, from: "", to: "r1", texts: ["a": "1"])
    store.beforeOperation = { throw PortError(.unavailable, "test") }
    #expect(portError { _ = try store.write(write) }?.code == .unavailable)
    #expect(storage.states(0).isEmpty)
    store.beforeOperation = nil
    store.afterWrite = { throw PortError(.unavailable, "test") }
    #expect(portError { _ = try store.write(write) }?.code == .unavailable)
    store.afterWrite = nil
    #expect(try store.write(write) == .alreadyWritten)
  }
}
