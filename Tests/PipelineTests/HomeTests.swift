import Dataflow
import FeatureStore
import Testing

@testable import Pipeline

/// Whether a log's keys and a store's states are where they belong.
@Suite struct HomeTests {
  private static let homes = KeyHomes(.murmur2, partitionCount: 4)

  private static func partition(_ key: String, _ partitioner: Partitioner) -> Int32 {
    Array(key.utf8).withUnsafeBytes { partitioner.partition(of: $0, count: 4) }
  }

  private static func facts(
    partition: Int32 = 0, record: PartitionRecord?, committed: CommittedOffset? = nil, count: Int32 = 4
  ) -> PartitionFacts {
    PartitionFacts(
      partition: partition, record: record, committed: committed, table: nil,
      bounds: LogBounds(low: 0, high: 100), log: LogIdentity(clusterID: "c", partitionCount: count))
  }

  private static func record(_ partitioner: Partitioner?) -> PartitionRecord {
    var record = PartitionRecord()
    record.definition = "d"
    record.clusterID = "c"
    record.partitionCount = 4
    record.partitioner = partitioner
    return record
  }

  private static func refusal(_ facts: PartitionFacts, _ partitioner: Partitioner) -> String? {
    do {
      _ = try TakeoverRules.acquire(
        facts,
        identity: PipelineIdentity(
          name: "p", generation: 1, stateHash: "d", modelSet: "m", partitioner: partitioner),
        startAt: .earliest, onLostState: .rebuild)
      return nil
    } catch { return "\(error)" }
  }

  // MARK: Taking over

  @Test func anotherPartitionerOrCountIsRefused() {
    #expect(Self.refusal(Self.facts(record: Self.record(.crc32)), .crc32) == nil)
    let other = Self.refusal(Self.facts(record: Self.record(.crc32)), .murmur2)
    #expect(
      other?.contains("made with kafka.partitioner crc32, and now it is murmur2") == true, "\(other ?? "")")
    let more = Self.refusal(Self.facts(record: Self.record(.murmur2), count: 8), .murmur2)
    #expect(more?.contains("had 4 partitions and now has 8") == true && more?.contains("tally copy") == true)
  }

  /// A store that is lost is not made anew by other rules than its states had: the group's offset tells them.
  @Test func theGroupsOffsetTellsTheHomesOfALostStore() {
    let committed = CommittedOffset(50, firstOffset: 0, homes: Self.homes)
    #expect(Self.refusal(Self.facts(record: nil, committed: committed), .murmur2) == nil)
    #expect(Self.refusal(Self.facts(record: nil, committed: committed), .fnv1a)?.contains("murmur2") == true)
    let more = Self.refusal(Self.facts(record: nil, committed: committed, count: 5), .murmur2)
    #expect(more?.contains("had 4 partitions and now has 5") == true)
    let old = CommittedOffset(50, firstOffset: 0)
    #expect(Self.refusal(Self.facts(record: nil, committed: old, count: 5), .crc32) == nil)
  }

  @Test func renewalsAreHeldToTheSameRules() {
    for (partitioner, count) in [(Partitioner.crc32, Int32(4)), (.murmur2, 5)] {
      #expect(throws: PortError.self) {
        try TakeoverRules.renew(
          Self.facts(record: Self.record(.murmur2), count: count), begun: nil,
          identity: PipelineIdentity(
            name: "p", generation: 2, stateHash: "e", modelSet: "m", partitioner: partitioner),
          acceptShorterLog: false, goesOn: true)
      }
    }
  }

  @Test func recordsKeepThePartitioner() throws {
    for partitioner in Partitioner.allCases + [nil] {
      let record = Self.record(partitioner)
      #expect(try PartitionRecord.read(record.encoded, partition: 0) == record)
    }
    #expect(Self.record(nil).homes == nil && Self.record(.fnv1a).homes == KeyHomes(.fnv1a, partitionCount: 4))
  }

  /// Another process begins a partition that this worker does not have, by another rule, at any moment until this one has begun its own
  /// and looked: it must see that. What begins later sees this worker's records.
  @Test(arguments: 1...6)
  func twoRulesAtOnceAreNoticed(_ moment: Int) throws {
    let world = try FakeWorld(log: WorkerFaultTests().makeLog(seed: 1))
    let other = MemoryStateStore(world.storage, partitionCount: 3)
    var operations = 0
    world.beforeStoreOperation = {
      operations += 1
      guard operations == moment else { return }
      var record = Self.record(.crc32)
      record.partitionCount = 3
      var write = StateWrite()
      write.partition = 2
      write.record = record.encoded
      _ = try other.write(write)
    }
    let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)
    let worker = world.worker(
      calm, rebalanceShare: 0, batchRowsMax: 50, cacheEntries: 10,
      source: FakeSource(log: world.log, faults: calm, own: [0, 1]))
    // Positions, two records, and the look at all of them.
    guard moment <= 4 else { return try worker.run() }
    do {
      try worker.run()
      Issue.record("both rules are in force")
    } catch let error as PortError {
      #expect(error.code == .refused && "\(error)".contains("partition 2"), "\(error)")
      #expect("\(error)".contains("with kafka.partitioner crc32"))
    }
    #expect(world.recorder.read == 0)
  }

  // MARK: States of an earlier version

  private static func survey(_ keys: Int, by partitioner: Partitioner, astray: Int = 0) -> HomeSurvey {
    var survey = HomeSurvey(homes)
    for number in 0..<keys {
      let key = "k\(number)"
      let home = partition(key, partitioner)
      Array(key.utf8).withUnsafeBytes {
        _ = survey.add($0, partition: number < astray ? (home + 1) % 4 : home)
      }
    }
    return survey
  }

  @Test func statesAreSurveyed() throws {
    try Self.survey(100, by: .murmur2).check()
    let crc = Self.survey(100, by: .crc32)
    #expect(crc.better == .crc32 && crc.astray > 50)
    #expect(throws: PortError.self) { try crc.check() }
    let some = Self.survey(100, by: .murmur2, astray: 3)
    #expect(some.astray == 3 && some.entities == 100 && some.better == nil)
    do {
      try some.check()
      Issue.record("strays passed")
    } catch {
      #expect("\(error)".contains("3 of 100 entities") && "\(error)".contains("tally rebuild --strays"))
    }
    // Too few to tell: chance could have put one there.
    #expect(Self.survey(1, by: .crc32).better == nil)
  }

  @Test func onlyRecordsOfAnEarlierVersionAreLookedAt() {
    var clearing = Self.record(nil)
    clearing.isClearing = true
    let all = [
      Self.facts(partition: 0, record: Self.record(nil)),
      Self.facts(partition: 1, record: Self.record(.murmur2)),
      Self.facts(partition: 2, record: nil), Self.facts(partition: 3, record: clearing),
    ]
    #expect(HomeSurvey.unseen(all) == [0])
  }

  // MARK: The first keys of a log

  private static func spread(
    _ records: [(key: String, partition: Int32)], over partitions: Int32 = 4
  ) -> KeySpread {
    var spread = KeySpread(partitionCount: partitions)
    for record in records {
      Array(record.key.utf8).withUnsafeBytes {
        spread.add(
          RawRecord(
            partition: record.partition, offset: 0, ingestTimeMs: 0, key: $0,
            value: UnsafeRawBufferPointer(start: nil, count: 0), contentType: .unspecified))
      }
    }
    return spread
  }

  @Test(arguments: Partitioner.allCases, Partitioner.allCases)
  func keysTellThePartitioner(_ real: Partitioner, _ asked: Partitioner) {
    let spread = Self.spread((0..<200).map { ("user-\($0)", Self.partition("user-\($0)", real)) })
    #expect(spread.keys == 200 && spread.atHome(by: real) == 200)
    #expect(spread.verdict(on: asked) == (real == asked ? .fits : .looksLike(real)))
  }

  /// Of two partitions each partitioner has half of the keys at home by chance: a little more or less must tell nothing.
  @Test(arguments: Partitioner.allCases, ["u", "user-", "cust", "a", "w", "x", "id", "k"])
  func chanceIsNoPartitioner(_ real: Partitioner, _ prefix: String) {
    for count in [Int32(2), 3] {
      let keys = (0..<50).map { "\(prefix)\($0)" }
      let spread = Self.spread(
        keys.map { key in
          (key, Array(key.utf8).withUnsafeBytes { real.partition(of: $0, count: count) })
        }, over: count)
      for asked in Partitioner.allCases {
        #expect(spread.verdict(on: asked) == (real == asked ? .fits : .looksLike(real)))
      }
      let around = Self.spread(keys.enumerated().map { ($1, Int32($0) / 2 % count) }, over: count)
      #expect(around.verdict(on: real) == .looksLikeNone)
    }
  }

  @Test func strayRecordsDoNotCount() {
    let keys = (0..<40).map { "w\($0)" }
    let strays = keys.map { ($0, Self.partition($0, .crc32)) }
    let rest = (0..<5).flatMap { _ in keys.map { ($0, Self.partition($0, .murmur2)) } }
    #expect(Self.spread(strays + rest).verdict(on: .murmur2) == .fits)
    #expect(Self.spread(strays).verdict(on: .murmur2) == .looksLike(.crc32))
  }

  @Test func keysThatAreSpreadInAnotherWay() {
    let around = (0..<200).map { ("user-\($0)", Int32($0 % 4)) }
    #expect(Self.spread(around).verdict(on: .murmur2) == .looksLikeNone)
    #expect(Self.spread([]).verdict(on: .murmur2) == .fits)
    #expect(Self.spread([("", 3)]).keys == 0)
  }
}
