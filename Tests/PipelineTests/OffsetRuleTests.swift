import Dataflow
import Testing

@testable import Pipeline

@Suite("Taking a partition over whose record lies beside its offset") struct OffsetRuleTests {
  let identity = PipelineIdentity(name: "p", generation: 1, stateHash: "def", modelSet: "m")

  func record(_ next: Int64, _ change: (inout PartitionRecord) -> Void = { _ in }) -> PartitionRecord {
    var record = PartitionRecord()
    record.nextOffset = next
    record.lastOffsetPlusOne = next
    record.definition = "def"
    record.clusterID = "c"
    record.partitionCount = 2
    record.partitioner = .murmur2
    change(&record)
    return record
  }

  func facts(
    _ record: PartitionRecord?, c: CommittedOffset? = nil, t: Int64? = nil, low: Int64 = 0, high: Int64 = 100
  ) -> PartitionFacts {
    let own = record.map {
      CommittedOffset(
        $0.nextOffset, firstOffset: $0.firstOffset, leftOut: $0.leftOut.orders, record: $0.encoded)
    }
    return PartitionFacts(
      partition: 1, record: record, committed: c ?? own, table: t, bounds: LogBounds(low: low, high: high),
      log: LogIdentity(clusterID: "c", partitionCount: 2), isRecordBesideOffset: true)
  }

  func acquire(
    _ facts: PartitionFacts, startAt: StartAt = .earliest, _ guarantee: DeliveryGuarantee = .effectivelyOnce,
    trusts: Bool = false, gap: LeftOut? = nil
  ) throws -> Acquisition {
    try TakeoverRules.acquire(
      facts, identity: identity, startAt: startAt, onLostState: .refuse, guarantee: guarantee,
      trustsOffsets: trusts, acceptedGap: gap)
  }

  func refuses(_ reason: ErrorReason, _ body: () throws -> Acquisition) {
    #expect {
      _ = try body()
    } throws: {
      ($0 as? PortError)?.reason == reason
    }
  }

  @Test("the first start: C moves with the record, so that nothing is committed before it")
  func first() throws {
    let earliest = try acquire(facts(nil, low: 5))
    #expect(earliest.record.nextOffset == 5 && earliest.record.firstOffset == 5 && earliest.isNew)
    #expect(!earliest.commitsFirst && !earliest.record.isClearing)
    #expect(earliest.topicFrom == 5 && earliest.tableFrom == 5 && earliest.readFrom == 5)
    let latest = try acquire(facts(nil), startAt: .latest, .exactlyOnce)
    #expect(latest.record.nextOffset == 100 && latest.record.guarantee == .exactlyOnce)
  }

  @Test("keys may lie anywhere: more partitions and another partitioner change the record alone")
  func keysSayNothing() throws {
    let found = try acquire(
      facts(
        record(40) {
          $0.partitionCount = 1
          $0.partitioner = .crc32
        }, t: 40))
    #expect(found.record.nextOffset == 40 && found.isNew)
    #expect(found.record.homes == KeyHomes(identity.partitioner, partitionCount: 2))
  }

  @Test("goes on at C under both guarantees; rows that the table has are not written again")
  func goesOn() throws {
    for guarantee in [DeliveryGuarantee.effectivelyOnce, .exactlyOnce] {
      let same = try acquire(facts(record(40) { $0.guarantee = guarantee }, t: 40), guarantee)
      #expect(!same.isNew && !same.commitsFirst && same.topicFrom == 40 && same.tableFrom == 40)
      #expect(same.readFrom == 39, "the record before W is compared with the fingerprint")
      // A crash between table and topic.
      let ahead = try acquire(facts(record(40) { $0.guarantee = guarantee }, t: 55), guarantee)
      #expect(ahead.topicFrom == 40 && ahead.tableFrom == 55 && ahead.record.nextOffset == 40)
      #expect(ahead.makesAgain(facts(record(40)), guarantee: guarantee) == nil, "nothing is made again")
      let later = try acquire(facts(record(40) { $0.guarantee = guarantee }), guarantee)
      #expect(later.tableFrom == 40, "a table that was added later begins at C")
      refuses(.tableBehind) {
        try acquire(facts(record(40) { $0.guarantee = guarantee }, t: 39), guarantee)
      }
    }
  }

  @Test("the guarantee changes both ways without a commit apart from the record's")
  func guaranteeSwitch() throws {
    let exact = try acquire(facts(record(40), t: 45), .exactlyOnce)
    #expect(exact.isNew && !exact.commitsFirst && exact.record.guarantee == .exactlyOnce)
    let effective = try acquire(facts(record(40) { $0.guarantee = .exactlyOnce }, t: 45))
    #expect(effective.isNew && effective.record.guarantee == .effectivelyOnce)
    #expect(effective.record.rebuildingUntil == 0 && effective.topicFrom == 40 && effective.tableFrom == 45)
  }

  @Test("an offset that somebody has set is believed only on demand, and then the record begins there")
  func setByHand() throws {
    for (found, offset) in [(nil, CommittedOffset(30)), (nil, CommittedOffset(30, firstOffset: 0))]
      + [(record(40), CommittedOffset(30, firstOffset: 0))] as [(PartitionRecord?, CommittedOffset)]
    {
      refuses(.offsetsReset) { try acquire(facts(found, c: offset)) }
      let trusted = try acquire(facts(found, c: offset, t: 35), trusts: true)
      #expect(trusted.isNew && trusted.record.nextOffset == 30 && trusted.record.firstOffset == 30)
      #expect(trusted.record.counters == PartitionCounters())
      #expect(trusted.topicFrom == 30 && trusted.tableFrom == 35 && trusted.readFrom == 30)
      refuses(.tableBehind) { try acquire(facts(found, c: offset, t: 20), trusts: true) }
    }
    refuses(.topicRecreated) { try acquire(facts(nil, c: CommittedOffset(130)), trusts: true) }
  }

  @Test("an offset that is gone is refused, since the topic may lack rows that the table has")
  func gone() {
    refuses(.offsetsReset) { try acquire(facts(nil, t: 40)) }
    refuses(.offsetsReset) { try acquire(facts(nil, t: 40), trusts: true) }
  }

  @Test("another log is refused; another definition is not")
  func identities() throws {
    refuses(.otherLog) { try acquire(facts(record(40) { $0.clusterID = "other" })) }
    refuses(.topicRecreated) { try acquire(facts(record(140))) }
    let other = try acquire(facts(record(40) { $0.definition = "before" }))
    #expect(other.isNew && other.record.definition == "def" && other.record.nextOffset == 40)
  }

  @Test("a gap is accepted as it is, also below rows that the table has")
  func gap() throws {
    refuses(.logTruncated) { try acquire(facts(record(40), low: 50)) }
    let gap = LeftOut(from: 40, until: 50, cause: .deleted)
    refuses(.skipRefused) {
      try acquire(facts(record(40), low: 50), gap: LeftOut(from: 40, until: 49, cause: .deleted))
    }
    for table in [nil, 40, 45, 60] as [Int64?] {
      let next = try acquire(facts(record(40), t: table, low: 50), gap: gap)
      #expect(next.isNew && next.record.leftOut.covers(gap) && next.record.nextRead == 50)
    }
  }

  @Test("orders lie ahead, and as many as brokers take beside an offset")
  func skips() throws {
    let order = LeftOut(from: 60, until: 70, cause: .skipped)
    let next = try TakeoverRules.skip(order, facts(record(40), t: 55))
    #expect(next.leftOut.covers(order) && next.nextOffset == 40)
    #expect(throws: PortError.self) { try TakeoverRules.skip(order, facts(record(40), t: 65)) }
    #expect(throws: PortError.self) { try TakeoverRules.skip(order, facts(record(65))) }
    var full = record(40)
    var orders = 0
    #expect {
      for number in Int64(0)..<64 {
        let from = 1_000_000_000_000 + 20 * number
        full = try TakeoverRules.skip(
          LeftOut(from: from, until: from + 7, cause: .skipped), facts(full, high: .max))
        orders += 1
      }
    } throws: {
      ($0 as? PortError)?.reason == .skipRefused
    }
    #expect((30..<64).contains(orders), "\(orders)")
    #expect(OffsetMark(of: full, partition: 1).metadata.utf8.count < OffsetMark.metadataBytesMax)
  }
}
