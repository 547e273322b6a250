import Dataflow
import Events
import FeatureStore
import Features
import TestThreads
import Testing

@testable import Pipeline
import TestNumbers

/// One log, worked off by workers that crash and are started again, until it is finished.
final class FakeWorld {
  let log: FakeLog
  let table = FakeTable()
  let topic = FakeTopic()
  let storage = MemoryStateStorage()
  let program: FeatureProgram
  let recorder = CountingRecorder()
  var onLostState = OnLostState.refuse
  var cacheBytes = 1 << 20
  /// Every so many offsets the topic or the table refuses what is written of a record; 0: never.
  var refusals: (topic: Int64, table: Int64) = (0, 0)
  var acceptedGaps: [Int32: LeftOut] = [:]
  /// Sees every batch once it is durable.
  var onBatch: ((ScoredBatch) -> Void)?
  /// The record of somebody who begins every partition just before our worker; nil: nobody does.
  var rival: PartitionRecord?
  /// Called before each of a store's operations; nil: nothing is.
  var beforeStoreOperation: (() throws -> Void)?

  init(log: FakeLog, keepsState: Bool = true) throws {
    self.log = log
    let somewhere = SourcePosition(line: 1, column: 1)
    let age = AttributeDeclaration(
      name: "age", type: .number(decimals: 0, minimum: 0, maximum: 200), position: somewhere)
    let ofStates = [
      ("n", "count(any)"), ("n1", "count(any, 1d)"), ("d", "decayed(any, 1d)"),
      ("h", "peak_hour(any, 7d)"), ("r", "active_days(any, 7d)"),
    ]
    program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: keepsState ? [] : [age], events: [],
        features: (keepsState ? ofStates : [("a", "profile.age"), ("b", "profile.age * 2")]).map {
          FeatureDeclaration(
            name: $0.0, expression: $0.1, isColumn: true, labels: [], position: somewhere)
        }, idleTTL: nil, keepsState: keepsState))
  }

  /// Works the log off. Returns the number of starts it took.
  func run(_ faults: Faults, rebalanceShare: Double, batchRowsMax: Int, cacheEntries: Int) throws -> Int {
    var starts = 0
    while true {
      starts += 1
      faults.revive()
      do {
        try worker(
          faults, rebalanceShare: rebalanceShare, batchRowsMax: batchRowsMax, cacheEntries: cacheEntries
        ).run()
        return starts
      } catch is Crash {
        if starts > 10_000 { throw Crash() }
      }
    }
  }

  /// A worker; `source` and `clock` nil: of the world's log, with time that stands still.
  func worker(
    _ faults: Faults, rebalanceShare: Double, batchRowsMax: Int, cacheEntries: Int,
    source: (any RecordSource)? = nil, clock: FakeClock = FakeClock(),
    transactions: (any TransactionalTopicSink)? = nil
  ) -> Worker {
    let context = ScoreContext(
      pipeline: "p", topic: "events", definition: program.definitionHash.hex,
      featureNames: program.columnNames, featureLabels: program.columnLabels, outputNames: ["sum"],
      modelNames: ["sum"], modelVersions: ["1"], decisionNames: [], decisionLabels: [], tableFeatures: [])
    var configuration = WorkerConfiguration()
    configuration.batchRowsMax = batchRowsMax
    configuration.onLostState = onLostState
    configuration.acceptedGaps = acceptedGaps
    if transactions != nil { configuration.guarantee = .exactlyOnce }
    let memory = MemoryStateStore(storage, partitionCount: 3)
    memory.beforeOperation = beforeStoreOperation
    let ports = WorkerPorts(
      source: source ?? FakeSource(log: log, faults: faults, rebalanceShare: rebalanceShare),
      decoder: CommaDecoder(
        KeyHomes(.murmur2, partitionCount: 3), usual: program.keepsState ? .engagement : .profileSnapshot),
      store: program.keepsState
        ? FaultyStore(rival.map { RacedStore(memory, rival: $0) } ?? memory, faults: faults) : nil,
      scorer: SumScorer(),
      decider: NoDecisions(),
      topic: transactions ?? FakeTopicSink(topic, faults: faults, refusesEvery: refusals.topic),
      table: FakeTableSink(table, faults: faults, refusesEvery: refusals.table),
      clock: clock, recorder: recorder)
    return Worker(
      identity: PipelineIdentity(
        name: "p", generation: 1, stateHash: program.stateHash.hex, modelSet: "m"),
      program: program, context: context, ports: ports,
      cache: program.keepsState
        ? StateCache(program: program, entriesMax: cacheEntries, bytesMax: cacheBytes) : nil,
      configuration: configuration, stop: StopSignal(), onBatch: onBatch)
  }

  /// Everything that must not depend on faults.
  func digest() throws -> Digest {
    let store = MemoryStateStore(storage, partitionCount: 3)
    let stored = try program.keepsState ? store.records([0, 1, 2]) : log.committed.map { $0?.record }
    let records = stored.map { $0.flatMap { PartitionRecord.decode($0)?.record } }
    let states = (0..<3).map { storage.states($0) }
    return Digest(
      rows: table.rows, letters: table.letters, messages: topic.messages,
      counters: records.map { $0?.counters }, next: records.map { $0?.nextOffset }, states: states)
  }
}

struct Digest: Equatable {
  var rows: [FakeTable.Key: [UInt32]]
  var letters: [String: Int]
  var messages: [String: Set<[UInt32]>]
  var counters: [PartitionCounters?]
  var next: [Int64?]
  var states: [[[UInt8]: [UInt8]]]
}

/// A store whose calls fail as the seed says.
final class FaultyStore: StateStore {
  private let store: any StateStore
  private let faults: Faults

  init(_ store: any StateStore, faults: Faults) {
    self.store = store
    self.faults = faults
  }

  func use(generation: UInt64, of partition: Int32) { store.use(generation: generation, of: partition) }

  func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    try faults.around { try store.records(partitions) }
  }

  func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try faults.around {
      try store.fetch(partitions: partitions, entities: entities, record: record, state: state)
    }
  }

  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try faults.around { try store.forEachEntity(of: partitions, body) }
  }

  func write(_ write: StateWrite) throws -> WriteOutcome { try faults.around { try store.write(write) } }

  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try faults.around { try store.clear(partition, whileRecordIs: record) }
  }

  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    store.place(of: entityID, partition: partition)
  }

  func close() {}
}

@Suite("Worker under faults", .onThreads)
struct WorkerFaultTests {
  /// A random log of 3 partitions: late events, repeated ids, garbage, an entity's events on another partition than its own.
  func makeLog(seed: UInt64) -> FakeLog {
    var generator = SeededGenerator(seed: seed)
    let log = FakeLog(partitions: 3)
    var time: Int64 = 1_700_000_000_000_000
    var ids: [[String]] = Array(repeating: [], count: 8)
    for number in 0..<300 {
      time += Int64.random(in: 0..<7_200_000_000, using: &generator)
      let entity = Int.random(in: 0..<8, using: &generator)
      let key = "e\(entity)"
      let home = Array(key.utf8).withUnsafeBytes { KeyHomes(.murmur2, partitionCount: 3).home(of: $0) }
      // The first entity is never erased: which of its letters elsewhere an erasure finds is a matter of time.
      let isStray = entity == 0 && number % 7 == 0
      let partition = isStray ? (Int(home) + 1) % 3 : Int(home)
      var value = "x\(number),\(time - (number % 11 == 0 ? 90_000_000_000 : 0))"
      if number % 13 == 0, let old = ids[entity].last { value = "\(old),\(time)" }
      if number % 29 == 0 { value = "garbage" }
      if number % 17 == 0 { value = "t\(number),\(time),tick" }
      if number % 41 == 0 && entity != 0 { value = "y\(number),\(time),erasure" }
      if value != "garbage" { ids[entity].append(String(value.split(separator: ",")[0])) }
      log.append(partition: partition, key: key, value: value, timestampMs: time / 1000)
    }
    return log
  }

  @Test("without faults every record is accounted for once")
  func undisturbed() throws {
    let world = try FakeWorld(log: makeLog(seed: 1))
    let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)
    #expect(try world.run(calm, rebalanceShare: 0, batchRowsMax: 64, cacheEntries: 100) == 1)
    #expect(world.recorder.read == 300)
    #expect(world.recorder.duplicate > 5 && world.recorder.deadLettered > 5)
    #expect(
      world.recorder.read
        == world.recorder.scored + world.recorder.duplicate + world.recorder.erased
        + world.recorder.deadLettered)
    #expect(world.recorder.erased == 8)
    #expect(world.topic.messages.count == world.recorder.scored)
    #expect(world.table.rows.count < world.recorder.scored && world.table.erasures > 0)
    #expect(try world.table.rows == world.rowsByHand())
    #expect(world.log.committed.map { $0?.offset ?? -1 } == world.log.partitions.map { Int64($0.count) })
  }

  @Test("a store emptied while running is refused, and rebuilt on request to the same end")
  func lostStore() throws {
    let expected = try FakeWorld(log: makeLog(seed: 3))
    let calm = Faults(seed: 3, crashShare: 0, unavailableShare: 0)
    _ = try expected.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
    let before = try expected.digest()
    expected.storage.removeAll()
    #expect(throws: PortError.self) {
      try expected.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
    }
    let rebuilt = try expected.rebuild(calm)
    #expect(rebuilt == before)
  }

  @Test("states that outlived their record do not count twice, whatever fails while they are removed")
  func staleStates() throws {
    for seed in UInt64(1)...20 {
      let world = try FakeWorld(log: makeLog(seed: seed))
      let calm = Faults(seed: seed, crashShare: 0, unavailableShare: 0)
      _ = try world.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
      let before = try world.digest()
      world.storage.removeRecords()
      world.onLostState = .rebuild
      let faults = Faults(seed: seed &* 31, crashShare: 0.05, unavailableShare: 0.05)
      _ = try world.run(faults, rebalanceShare: 0.1, batchRowsMax: 20, cacheEntries: 5)
      #expect(try world.digest() == before, "seed \(seed)")
    }
  }

  @Test("a table that is new while lost states are rebuilt starts at C")
  func lateTable() throws {
    let world = try FakeWorld(log: makeLog(seed: 4))
    let calm = Faults(seed: 4, crashShare: 0, unavailableShare: 0)
    _ = try world.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
    world.storage.removeAll()
    world.table.rows = [:]
    world.table.positions = [:]
    let inserts = world.table.inserts
    #expect(inserts > 0)
    _ = try world.rebuild(calm)
    #expect(world.table.inserts == inserts)
    for (partition, records) in world.log.partitions.enumerated() {
      #expect(world.table.positions[Int32(partition)] == Int64(records.count))
    }
  }

  @Test("a partition that somebody else begins at the same moment is taken over from there")
  func begunBySomebodyElse() throws {
    let expected = try FakeWorld(log: makeLog(seed: 5))
    let calm = Faults(seed: 5, crashShare: 0, unavailableShare: 0)
    _ = try expected.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
    let raced = try FakeWorld(log: makeLog(seed: 5))
    raced.rival = PartitionRecord()
    raced.rival?.definition = raced.program.stateHash.hex
    raced.rival?.modelSet = "another"
    raced.rival?.clusterID = raced.log.clusterID
    raced.rival?.partitionCount = 3
    raced.rival?.partitioner = .murmur2
    #expect(try raced.run(calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100) == 1)
    #expect(try raced.digest() == expected.digest())
  }
}

/// Lets a rival begin each partition just before this worker does.
private final class RacedStore: StateStore {
  private let store: any StateStore
  private let rival: PartitionRecord
  private var beginnings = 0

  init(_ store: any StateStore, rival: PartitionRecord) {
    self.store = store
    self.rival = rival
  }

  func use(generation: UInt64, of partition: Int32) { store.use(generation: generation, of: partition) }

  func records(_ partitions: [Int32]) throws -> [[UInt8]?] { try store.records(partitions) }

  func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try store.fetch(partitions: partitions, entities: entities, record: record, state: state)
  }

  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try store.forEachEntity(of: partitions, body)
  }

  func write(_ write: StateWrite) throws -> WriteOutcome {
    if write.expected.isEmpty {
      beginnings += 1
      if beginnings > 20 { throw PortError(.refused, "it tries for ever to begin") }
      var first = StateWrite()
      first.partition = write.partition
      first.record = rival.encoded
      _ = try store.write(first)
    }
    return try store.write(write)
  }

  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try store.clear(partition, whileRecordIs: record)
  }

  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    store.place(of: entityID, partition: partition)
  }

  func close() {}
}

extension FakeWorld {
  /// The rows that the table must hold: every event after its entity's last erasure that is scored, by a state of its own
  /// that is made one event after the other.
  func rowsByHand() throws -> [FakeTable.Key: [UInt32]] {
    var rows: [FakeTable.Key: [UInt32]] = [:]
    let decoder = CommaDecoder(KeyHomes(.murmur2, partitionCount: 3))
    let scratch = FeatureScratch(program)
    for (partition, records) in log.partitions.enumerated() {
      var states: [String: EntityState] = [:]
      for (offset, record) in records.enumerated() {
        let events = EventBatch(symbols: program.symbols)
        let raw = RawRecord(
          partition: Int32(partition), offset: Int64(offset), ingestTimeMs: record.timestampMs,
          key: record.key, value: record.value, contentType: .unspecified)
        guard decoder.decode(raw, into: events) == nil else { continue }
        let event = events.events[0]
        let entity = events.string(event.entityID)
        let state = states[entity] ?? EntityState(program)
        states[entity] = state
        switch program.process(event, in: events, to: state) {
        case .applied:
          let row = FloatMatrix(columns: program.columnNames.count, capacityRows: 1)
          let outputs = FloatMatrix(columns: 1, capacityRows: 1)
          program.read(state, asOf: state.watermark, into: row.appendRow(), scratch: scratch)
          try SumScorer().score(row, into: outputs)
          rows[FakeTable.Key(entity: entity, event: events.string(event.eventID))] =
            (0..<row.columns).map { row.row(0)[$0].bitPattern } + [outputs.row(0)[0].bitPattern]
        case .erased: rows = rows.filter { $0.key.entity != entity }
        case .duplicate, .unknownEntity: break
        }
      }
    }
    return rows
  }

  /// Rebuilds lost states from the log; nothing is given twice.
  func rebuild(_ faults: Faults) throws -> Digest {
    onLostState = .rebuild
    _ = try run(faults, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 100)
    return try digest()
  }
}
