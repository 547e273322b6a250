import Dataflow
import Events
import Features
import Pipeline
import TestPlaces
import Testing

@testable import Configuration
@testable import Operations

/// Operations on a pipeline that keeps no state.
@Suite struct WithoutStateTests {
  private static let text = """
    pipeline: profiles
    state: none
    profile:
      age: {type: number, min: 13, max: 120}
    features:
      age: profile.age
    models:
      value: {file: value.json, label: value, objective: "reg:squarederror"}
    """

  private func makeAccess(next: Int64) throws -> MemoryAccess {
    let access = try MemoryAccess(
      partitions: 1, pipeline: LoadedPipeline(file: Places.write(Self.text, as: "profiles.yaml")))
    access.feed(["ann"], rounds: 6)
    var record = PartitionRecord()
    record.nextOffset = next
    record.definition = access.pipeline.program.stateHash.hex
    record.clusterID = "memory"
    record.partitionCount = 1
    record.partitioner = .murmur2
    record.counters.read = UInt64(next)
    access.log.committed[0] = CommittedOffset(
      next, metadata: OffsetMark(of: record, partition: 0).metadata)
    return access
  }

  @Test func positionsAreThoseOfTheGroup() throws {
    let access = try makeAccess(next: 3)
    let store = try access.openStates(partitionCount: 1)
    let positions = try PipelinePositions(access, store: store, partitions: 1)
    #expect(positions.facts[0].isRecordBesideOffset && positions.facts[0].record?.nextOffset == 3)
    #expect(positions.facts[0].committed?.offset == 3)
    // Another number makes nothing anew here.
    var other = access.settings
    other.generation = 7
    #expect(try access.with(other).recordsInForce(1)[0]?.nextOffset == 3)
  }

  @Test func anOrderWaitsUntilNobodyIsInTheGroup() throws {
    let access = try makeAccess(next: 3)
    access.log.isGroupEmpty = false
    let order = LeftOut(from: 4, until: 5, cause: .skipped)
    let orders = SkipOrders(access: access, partitions: 1, isDryRun: false)
    #expect {
      try orders.give(order, to: 0)
    } throws: {
      "\($0)".contains("stop all tally runs") && ($0 as? Failure)?.reason == .busy
    }
    access.log.isGroupEmpty = true
    try orders.give(order, to: 0)
    let committed = try #require(access.log.committed[0])
    #expect(committed.offset == 3 && committed.leftOut.ranges == [order])
    let record = try #require(committed.record.flatMap { PartitionRecord.decode($0)?.record })
    #expect(record.leftOut.ranges == [order] && record.counters.read == 3)
    #expect(throws: PortError.self) { try orders.give(LeftOut(from: 1, until: 2, cause: .skipped), to: 0) }
  }

  @Test func keysMayLieAnywhereAndPartitionsMayBeAdded() throws {
    let access = try MemoryAccess(
      partitions: 3, pipeline: LoadedPipeline(file: Places.write(Self.text, as: "profiles.yaml")))
    for number in 0..<60 {
      let value =
        "{\"event_id\":\"e\(number)\",\"entity_id\":\"p\(number)\",\"event_time_us\":1700000000000000,"
        + "\"profile\":{\"mode\":\"snapshot\",\"attributes\":{\"age\":30}}}"
      access.log.append(number / 20, key: "p\(number)", value: value, timestampMs: 1_700_000_000_000)
    }
    #expect(try access.homes(3, records: [nil, nil, nil]).partitionCount == 3)
    var record = PartitionRecord()
    record.partitionCount = 2
    record.partitioner = .crc32
    #expect(try access.homes(3, checkedBy: [record, nil, nil]).partitionCount == 3)
  }

  @Test func whatWorksOnStatesIsRefused() throws {
    let access = try makeAccess(next: 3)
    let clock = SteppingClock()
    for body in [
      { try SilenceTicks(access: access, clock: clock, thresholds: [], isDryRun: true).append(asOf: 1) },
      { _ = try FeatureLookup(access: access, id: Array("ann".utf8)).fromTheStore(asOf: nil) },
    ] as [() throws -> Void] {
      #expect {
        try body()
      } throws: {
        "\($0)".contains("the pipeline keeps no state")
      }
    }
  }
}
