import Dataflow
import Events
import FeatureStore
import Features
import Pipeline
import Testing

@testable import Configuration
@testable import Operations

@Suite struct LogReadingTests {
  @Test func readsWhatIsWantedToTheEnd() throws {
    let access = try MemoryAccess(partitions: 2)
    access.feed((0..<600).map { "p\($0)" }, rounds: 2)
    let part = LogPart(from: [0: 7], until: [1: 20])
    var seen: [Int32: [Int64]] = [:]
    try LogReading(try access.openLog(part, reader: "test"), from: part.from).forEachBatch { batch in
      for record in batch.records { seen[record.partition, default: []].append(record.offset) }
      return true
    }
    #expect(seen[0] == Array(7..<access.log.bounds(0).high) && seen[1] == Array(0..<20))
  }

  @Test func stopsWhenNothingMoreIsWanted() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed((0..<2000).map { "p\($0)" }, rounds: 1)
    var count = 0
    try LogReading(try access.openLog(LogPart(), reader: "test")).forEachBatch { batch in
      count += batch.records.count
      return false
    }
    #expect(count == LogReading.recordsAtOnce)
  }

  @Test func namesWhereItCannotGoOn() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann", "bob"], rounds: 3)
    access.log.unreadable[0] = 1..<3
    access.log.stuck[0] = 4
    var offsets: [Int64] = []
    let source = try access.openLog(LogPart(), reader: "test")
    let stuck = try LogReading(source, report: access.report).readOn { batch in
      offsets += batch.records.map(\.offset)
      return true
    }
    #expect(stuck?.partition == 0 && stuck?.from == 4 && offsets == [0, 3])
    #expect(access.said.warnings.count == 1 && access.said.warnings[0].contains("1-2"))
    #expect(throws: Failure.self) {
      try LogReading(try access.openLog(LogPart(), reader: "test")).forEachBatch { _ in true }
    }
  }
}

@Suite struct HomesTests {
  /// Keys that lie where crc32 puts them must not be read as murmur2's.
  @Test func keysOfAnotherPartitionerAreRefused() throws {
    let access = try MemoryAccess(partitions: 4)
    let crc = KeyHomes(.crc32, partitionCount: 4)
    for number in 0..<400 {
      let id = "person-\(number)"
      let home = Array(id.utf8).withUnsafeBytes { crc.home(of: $0) }
      access.log.append(
        Int(home), key: id,
        value: SamplePipeline.login(id, 0, at: SamplePipeline.nowMicros),
        timestampMs: SamplePipeline.nowMicros / 1000)
    }
    let failure = #expect(throws: Failure.self) { try access.homes(4, records: []) }
    #expect("\(try #require(failure))".contains("set kafka.partitioner: crc32"))
    var own = access.settings
    own.partitioner = .crc32
    #expect(try access.with(own).homes(4, records: []).partitioner == .crc32)
  }

  @Test func recordsAndSettingsMustAgree() throws {
    let access = try MemoryAccess(partitions: 2)
    access.feed(["ann", "bob"])
    try access.score()
    let records = try access.recordsInForce(2)
    #expect(try access.homes(2, checkedBy: records).partitioner == .murmur2)
    #expect(throws: Failure.self) { try access.homes(3, checkedBy: records) }
    var own = access.settings
    own.partitioner = .crc32
    #expect(throws: Failure.self) { try access.with(own).homes(2, checkedBy: records) }
  }
}

@Suite struct SkipOrderTests {
  @Test func anOrderStandsInTheRecordOnce() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"], rounds: 6)
    try access.score(below: [3])
    let order = LeftOut(from: 4, until: 5, cause: .skipped)
    try SkipOrders(access: access, partitions: 1, isDryRun: true).give(order, to: 0)
    #expect(try access.record(0)?.leftOut.orders.ranges.isEmpty == true)
    let orders = SkipOrders(access: access, partitions: 1, isDryRun: false)
    try orders.give(order, to: 0)
    try orders.give(order, to: 0)
    #expect(try access.record(0)?.leftOut.orders.ranges == [order])
    #expect(access.said.all.last?.contains("left out already") == true)
    #expect(throws: PortError.self) { try orders.give(LeftOut(from: 1, until: 2, cause: .skipped), to: 0) }
    #expect(throws: PortError.self) { try orders.give(LeftOut(from: 5, until: 9, cause: .skipped), to: 0) }
  }
}

@Suite struct SilenceTickTests {
  private let thresholds = [
    SilenceTicks.Span(text: "1d", micros: SamplePipeline.day),
    SilenceTicks.Span(text: "7d", micros: 7 * SamplePipeline.day),
    SilenceTicks.Span(text: "30d", micros: 30 * SamplePipeline.day),
  ]

  @Test func theSilentGetTicksAndAreScoredAgain() throws {
    let access = try MemoryAccess(partitions: 2)
    access.feed(["ann", "bob"], from: SamplePipeline.nowMicros - 10 * SamplePipeline.day)
    access.feed(["cid"], rounds: 1, from: SamplePipeline.nowMicros - SamplePipeline.day / 2)
    try access.score()
    let clock = SteppingClock()
    let ends = (0..<2).map { access.log.bounds(Int32($0)).high }
    try SilenceTicks(access: access, clock: clock, thresholds: thresholds, isDryRun: true)
      .append(asOf: SamplePipeline.nowMicros)
    #expect((0..<2).map { access.log.bounds(Int32($0)).high } == ends)
    try SilenceTicks(access: access, clock: clock, thresholds: thresholds, isDryRun: false)
      .append(asOf: SamplePipeline.nowMicros)
    // Ann and Bob after one and after seven days; Cid has been silent for less.
    let added = (0..<2).reduce(Int64(0)) { $0 + access.log.bounds(Int32($1)).high - ends[$1] }
    #expect(added == 4, "\(access.said.all)")
    // Each is an event of the log like any other, with an id of its own.
    try access.score { $0.counters = PartitionCounters() }
    let records = try (0..<2).map { try access.record(Int32($0)) }
    #expect(records.reduce(0) { $0 + ($1?.counters.read ?? 0) } == 11)
    #expect(access.said.warnings.isEmpty)
  }

  @Test func statesThatCannotBeReadAreCounted() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann", "bob"])
    try access.score()
    try access.damage("ann", [1, 2, 3])
    try SilenceTicks(access: access, clock: SteppingClock(), thresholds: thresholds, isDryRun: true)
      .append(asOf: SamplePipeline.nowMicros)
    #expect(access.said.warnings.count == 1 && access.said.warnings[0].hasPrefix("1 states cannot be read"))
  }
}

@Suite struct ErasureTests {
  @Test func isDoneWhenStatesHavePassedIt() throws {
    let access = try MemoryAccess(partitions: 2)
    access.feed(["ann", "bob"])
    try access.score()
    let clock = SteppingClock()
    clock.onSleep = { try? access.score() }
    #expect(
      try Erasure(access: access, clock: clock, key: Array("ann".utf8)).run(waitSeconds: 30, vacuums: false))
    #expect(try access.stored("ann") == nil && access.stored("bob") != nil)
    #expect(access.said.all.contains("erase: done") && clock.nanos > 0)
  }

  @Test func saysWhenNobodyDoesIt() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"])
    try access.score()
    let erasure = Erasure(access: access, clock: SteppingClock(), key: Array("ann".utf8))
    let failure = #expect(throws: Failure.self) { _ = try erasure.run(waitSeconds: 5, vacuums: false) }
    #expect("\(try #require(failure))".contains("within 5 s"))
    // It stands in the log all the same.
    #expect(access.log.bounds(0).high == 4)
  }
}

@Suite struct FeatureLookupTests {
  @Test func storeAndLogAgree() throws {
    let access = try MemoryAccess(partitions: 2)
    access.feed(["ann", "bob"], rounds: 4)
    try access.score()
    let lookup = FeatureLookup(access: access, id: Array("ann".utf8))
    func row(_ features: EntityFeatures) -> [UInt32] { features.row.map(\.bitPattern) }
    let now = SamplePipeline.nowMicros
    #expect(row(try lookup.fromTheStore(asOf: now)) == row(try lookup.fromTheLog(file: nil, until: now)))
    #expect(
      try lookup.fromTheLog(file: nil, until: SamplePipeline.nowMicros - 20 * SamplePipeline.day).events == 1)
    #expect(throws: Failure.self) { _ = try lookup.fromTheStore(asOf: now - 400 * SamplePipeline.day) }
    #expect(throws: Failure.self) { _ = try FeatureLookup(access: access, id: [88]).fromTheStore(asOf: nil) }
    #expect(throws: Failure.self) {
      _ = try FeatureLookup(access: access, id: [88]).fromTheLog(file: nil, until: nil)
    }
  }

  @Test func orderedOffsetsAreLeftOut() throws {
    let access = try MemoryAccess(partitions: 1)
    access.feed(["ann"], rounds: 4)
    var ranges = LeftOutRanges()
    ranges.add(LeftOut(from: 1, until: 3, cause: .skipped))
    access.log.committed[0] = CommittedOffset(4, leftOut: ranges)
    let lookup = FeatureLookup(access: access, id: Array("ann".utf8))
    #expect(try lookup.fromTheLog(file: nil, until: nil).events == 2)
    access.log.deniesOffsets = true
    #expect(try lookup.fromTheLog(file: nil, until: nil).events == 4)
    #expect(access.said.warnings.contains { $0.contains("may not be read") })
  }
}
