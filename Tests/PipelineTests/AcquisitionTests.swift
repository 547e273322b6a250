import Dataflow
import Testing

@testable import Pipeline

@Suite("Rebuilding states")
struct RenewalTests {
  let identity = PipelineIdentity(name: "p", generation: 1, stateHash: "def", modelSet: "m")

  func facts(
    w: Int64?, t: Int64?, c: Int64?, low: Int64 = 0, high: Int64 = 100, mine: Bool = true,
    _ change: (inout PartitionRecord) -> Void = { _ in }
  ) -> PartitionFacts {
    var record: PartitionRecord?
    if let w {
      var made = PartitionRecord()
      made.nextOffset = w
      made.definition = "def"
      made.clusterID = "c"
      made.partitionCount = 2
      made.partitioner = .murmur2
      change(&made)
      record = made
    }
    return PartitionFacts(
      partition: 1, record: record, committed: c.map { CommittedOffset($0, firstOffset: mine ? 0 : nil) },
      table: t, bounds: LogBounds(low: low, high: high),
      log: LogIdentity(clusterID: "c", partitionCount: 2))
  }

  func renew(_ facts: PartitionFacts, shorter: Bool = false, goesOn: Bool = true) throws -> Renewal? {
    try TakeoverRules.renew(
      facts, begun: facts.record, identity: identity, acceptShorterLog: shorter, goesOn: goesOn)
  }

  @Test("up to what was scored, and no further")
  func extent() throws {
    #expect(try renew(facts(w: nil, t: nil, c: nil)) == nil)
    let lost = try #require(try renew(facts(w: nil, t: 70, c: 60)))
    #expect(lost.from == 0 && lost.until == 60)
    #expect(lost.record?.isClearing == true && lost.record?.rebuildingUntil == 70)
    let whole = try #require(try renew(facts(w: 65, t: 70, c: 60)))
    #expect(whole.until == 65 && whole.record?.nextOffset == 0)
    let other = try #require(try renew(facts(w: 65, t: 70, c: 60) { $0.definition = "another" }))
    #expect(other.record?.definition == "def")
    let rolledBack = try #require(try renew(facts(w: 20, t: 70, c: 60)))
    #expect(rolledBack.until == 60)
  }

  @Test("an interrupted one goes on, unless it is of another definition or is to begin again")
  func goingOn() throws {
    let half = facts(w: 20, t: 70, c: 60) { $0.rebuildingUntil = 70 }
    #expect(try renew(half) == Renewal(record: nil, from: 20, until: 60))
    #expect(try renew(half, goesOn: false)?.record?.nextOffset == 0)
    let clearing = facts(w: 0, t: 70, c: 60) { $0.isClearing = true }
    #expect(try renew(clearing)?.record == nil)
    let foreign = facts(w: 20, t: 70, c: 60) {
      $0.rebuildingUntil = 70
      $0.definition = "another"
    }
    #expect(try renew(foreign)?.record?.definition == "def")
  }

  @Test("a log that no longer reaches back is refused, or accepted on request")
  func shorterLog() throws {
    #expect(throws: PortError.self) { try renew(facts(w: 50, t: 50, c: 50, low: 10)) }
    let accepted = try #require(try renew(facts(w: 50, t: 50, c: 50, low: 10), shorter: true))
    #expect(accepted.from == 10 && accepted.record?.firstOffset == 10)
    let began = try #require(try renew(facts(w: 50, t: 50, c: 50, low: 10) { $0.firstOffset = 10 }))
    #expect(began.from == 10)
  }

  @Test("positions with which no run could go on are refused")
  func noWayOn() {
    #expect(throws: PortError.self) { try renew(facts(w: 50, t: 60, c: 60, mine: false)) }
    #expect(throws: PortError.self) { try renew(facts(w: 50, t: 50, c: 50, low: 51), shorter: true) }
  }

  @Test("another log is refused")
  func anotherLog() {
    #expect(throws: PortError.self) { try renew(facts(w: 50, t: 50, c: 50, high: 40)) }
    #expect(throws: PortError.self) { try renew(facts(w: 5, t: 50, c: 5, high: 40)) }
    #expect(throws: PortError.self) { try renew(facts(w: 5, t: 5, c: 5) { $0.clusterID = "x" }) }
    #expect(throws: PortError.self) { try renew(facts(w: 5, t: 5, c: 5) { $0.partitionCount = 3 }) }
  }
}

@Suite("Taking a partition over, exactly once")
struct ExactlyOnceAcquisitionTests {
  let identity = PipelineIdentity(name: "p", generation: 1, stateHash: "aa", modelSet: "m")

  func facts(
    w: Int64, t: Int64?, c: Int64?, first: Int64 = 0, mine: Bool = true, was: DeliveryGuarantee = .exactlyOnce
  ) -> PartitionFacts {
    var record = PartitionRecord()
    record.nextOffset = w
    record.firstOffset = first
    record.definition = "aa"
    record.clusterID = "k"
    record.partitionCount = 4
    record.partitioner = .murmur2
    record.lastOffsetPlusOne = w
    record.guarantee = was
    return PartitionFacts(
      partition: 2, record: record, committed: c.map { CommittedOffset($0, firstOffset: mine ? first : nil) },
      table: t, bounds: LogBounds(low: 0, high: 100), log: LogIdentity(clusterID: "k", partitionCount: 4))
  }

  func acquire(_ facts: PartitionFacts, _ guarantee: DeliveryGuarantee? = .exactlyOnce) throws -> Acquisition
  {
    try TakeoverRules.acquire(
      facts, identity: identity, startAt: .earliest, onLostState: .refuse, guarantee: guarantee)
  }

  @Test("work begins at W, and emits only past C and T")
  func resume() throws {
    let next = try acquire(facts(w: 10, t: 20, c: 15))
    #expect(next.readFrom == 9 && next.topicFrom == 15 && next.tableFrom == 20 && !next.isNew)
    let fresh = try acquire(facts(w: 10, t: 20, c: 10, first: 10))
    #expect(fresh.topicFrom == 10 && fresh.tableFrom == 20)
    let tableless = try acquire(facts(w: 10, t: nil, c: 15))
    #expect(tableless.topicFrom == 15 && tableless.tableFrom == 15)
  }

  @Test("contradictions are refused")
  func contradictions() throws {
    for (wrong, reason) in [
      (facts(w: 10, t: 20, c: 9), .offsetsReset), (facts(w: 10, t: 14, c: 15), .tableBehind),
      (facts(w: 10, t: 9, c: nil), .tableBehind), (facts(w: 10, t: 12, c: nil), .offsetsReset),
      (facts(w: 10, t: 12, c: nil, first: 10), .offsetsReset), (facts(w: 10, t: nil, c: nil), .offsetsReset),
      (facts(w: 10, t: nil, c: 15, mine: false), .offsetsReset),
      (facts(w: 10, t: 12, c: 15, mine: false), .offsetsReset),
    ] as [(PartitionFacts, ErrorReason)] {
      let error = try #require(throws: PortError.self) { try acquire(wrong) }
      #expect(error.code == .refused && error.reason == reason, "\(error)")
    }
    #expect(try acquire(facts(w: 10, t: 10, c: nil)).topicFrom == 10, "T = W tells what an expired C was")
    // What a person has set after an offset expired: T tells that it may be right, else the person does.
    #expect(try acquire(facts(w: 10, t: 20, c: 15, mine: false)).topicFrom == 15)
    let trusted = try TakeoverRules.acquire(
      facts(w: 10, t: nil, c: 15, mine: false), identity: identity, startAt: .earliest,
      onLostState: .rebuild, guarantee: .exactlyOnce, trustsOffsets: true)
    #expect(trusted.topicFrom == 15)
  }

  @Test("the guarantee changes in the record first, and with it what T and C must be")
  func turning() throws {
    let up = try acquire(facts(w: 10, t: 12, c: 7, was: .effectivelyOnce))
    #expect(up.isNew && up.commitsFirst && up.record.guarantee == .exactlyOnce && up.topicFrom == 10)
    let clean = try acquire(facts(w: 10, t: 12, c: 10, was: .effectivelyOnce))
    #expect(clean.isNew && !clean.commitsFirst)
    let down = try acquire(facts(w: 10, t: 20, c: 15), .effectivelyOnce)
    #expect(down.isNew && !down.commitsFirst && down.record.guarantee == .effectivelyOnce)
    #expect(down.record.rebuildingUntil == 15 && down.topicFrom == 15)
    // A crash before W has caught up.
    var half = facts(w: 12, t: 20, c: 15, was: .effectivelyOnce)
    half.record?.rebuildingUntil = 15
    #expect(try acquire(half, .effectivelyOnce).topicFrom == 15)
    #expect(try acquire(half).commitsFirst == false)
  }

  @Test("a C that is gone while states are rebuilt is refused: the topic would get history again")
  func goneWhileRebuilding() throws {
    var lost = facts(w: 0, t: 1000, c: nil)
    lost.bounds.high = 2000
    lost.record = nil
    #expect(throws: PortError.self) { try acquire(lost, .exactlyOnce) }
    var half = facts(w: 500, t: 1000, c: nil)
    half.bounds.high = 2000
    half.record?.rebuildingUntil = 1000
    #expect(throws: PortError.self) { try acquire(half) }
    half.committed = CommittedOffset(1000, firstOffset: 0)
    #expect(try acquire(half).topicFrom == 1000)
  }

  @Test("a partition says in C where it begins, before its record is there")
  func beginnings() throws {
    var fresh = facts(w: 0, t: nil, c: nil)
    fresh.record = nil
    let begun = try TakeoverRules.acquire(
      fresh, identity: identity, startAt: .latest, onLostState: .refuse, guarantee: .exactlyOnce)
    #expect(begun.commitsFirst && begun.record.nextOffset == 100)
    // A crash before the record; more events came meanwhile.
    fresh.committed = CommittedOffset(100, firstOffset: 100)
    fresh.bounds.high = 140
    let again = try TakeoverRules.acquire(
      fresh, identity: identity, startAt: .latest, onLostState: .refuse, guarantee: .exactlyOnce)
    #expect(again.record.nextOffset == 100 && again.isNew && !again.record.isClearing)
  }

  @Test("until a generation is beyond the one before it, that one's guarantee says what T and C must be")
  func formerGuarantee() throws {
    var next = facts(w: 1000, t: 1000, c: 950)
    next.bounds.high = 2000
    next.before = FormerGeneration(nextOffset: 1000, guarantee: .effectivelyOnce)
    #expect(try acquire(next, .effectivelyOnce).record.guarantee == .effectivelyOnce)
    let turned = try acquire(next, .exactlyOnce)
    #expect(turned.commitsFirst && turned.topicFrom == 1000)
    next.before = FormerGeneration(nextOffset: 1000, guarantee: .exactlyOnce)
    #expect(throws: PortError.self) { try acquire(next) }
  }

  @Test("what only makes states asks for neither C nor T, and changes no guarantee")
  func statesOnly() throws {
    let next = try acquire(facts(w: 10, t: nil, c: nil), nil)
    #expect(!next.isNew && next.record.guarantee == .exactlyOnce)
  }

  @Test("a generation that took over gives the topic nothing that the one before delivered")
  func successor() throws {
    var next = facts(w: 10, t: 30, c: 12, was: .effectivelyOnce)
    next.before = FormerGeneration(nextOffset: 20, guarantee: .effectivelyOnce)
    #expect(try acquire(next, .effectivelyOnce).topicFrom == 20)
  }
}

@Suite("Taking a partition over")
struct AcquisitionTests {
  let identity = PipelineIdentity(name: "p", generation: 1, stateHash: "aa", modelSet: "m")

  func facts(
    w: Int64?, t: Int64?, c: Int64?, low: Int64 = 0, high: Int64 = 100, mine: Bool = true
  ) -> PartitionFacts {
    let record = w.map { next in
      var record = PartitionRecord()
      record.nextOffset = next
      record.definition = "aa"
      record.clusterID = "k"
      record.partitionCount = 4
      record.partitioner = .murmur2
      record.lastOffsetPlusOne = next
      return record
    }
    return PartitionFacts(
      partition: 2, record: record, committed: c.map { CommittedOffset($0, firstOffset: mine ? 0 : nil) },
      table: t, bounds: LogBounds(low: low, high: high),
      log: LogIdentity(clusterID: "k", partitionCount: 4))
  }

  func acquire(_ facts: PartitionFacts, _ lost: OnLostState = .refuse) throws -> Acquisition {
    try TakeoverRules.acquire(facts, identity: identity, startAt: .earliest, onLostState: lost)
  }

  @Test("a new partition begins at the log's first record, or behind its last")
  func fresh() throws {
    let first = try acquire(facts(w: nil, t: nil, c: nil, low: 7))
    #expect(first.isNew && first.record.nextOffset == 7 && first.topicFrom == 7 && first.tableFrom == 7)
    let last = try TakeoverRules.acquire(
      facts(w: nil, t: nil, c: nil), identity: identity, startAt: .latest, onLostState: .refuse)
    #expect(last.record.nextOffset == 100)
  }

  @Test("work begins at W, verifies the record before it, and emits only past C and T")
  func resume() throws {
    let next = try acquire(facts(w: 10, t: 15, c: 8))
    #expect(next.readFrom == 9 && next.topicFrom == 10 && next.tableFrom == 15 && !next.isNew)
    let unread = try acquire(facts(w: 10, t: nil, c: nil, low: 10))
    #expect(unread.readFrom == 10 && unread.tableFrom == 10)
  }

  @Test(
    "contradictions are refused, naming all positions",
    arguments: [
      (10, 15, 11, 0, 100, .lostState), (10, 9, 8, 0, 100, .tableBehind), (10, 10, 8, 11, 100, .logTruncated),
      (10, 10, 8, 0, 9, .topicRecreated),
    ] as [(Int64, Int64, Int64, Int64, Int64, ErrorReason)])
  func contradictions(w: Int64, t: Int64, c: Int64, low: Int64, high: Int64, reason: ErrorReason) throws {
    let error = try #require(throws: PortError.self) {
      try acquire(facts(w: w, t: t, c: c, low: low, high: high))
    }
    #expect(error.code == .refused && error.reason == reason, "\(error)")
    #expect(error.detail.contains("W \(w), T \(t), C \(c), log \(low)..<\(high)"))
  }

  @Test("lost states are refused, or rebuilt without giving a score twice")
  func lostStates() throws {
    #expect(throws: PortError.self) { try acquire(facts(w: nil, t: 40, c: 30)) }
    let rebuilt = try acquire(facts(w: nil, t: 40, c: 30), .rebuild)
    #expect(rebuilt.isNew && rebuilt.record.nextOffset == 0 && rebuilt.record.rebuildingUntil == 40)
    #expect(rebuilt.topicFrom == 30 && rebuilt.tableFrom == 40)
    #expect(throws: PortError.self) { try acquire(facts(w: nil, t: 40, c: 30, low: 1), .rebuild) }
    // A crash in the middle of it: C is ahead of W, and rightly so.
    var middle = facts(w: 20, t: 40, c: 30)
    middle.record?.rebuildingUntil = 40
    #expect(try acquire(middle).topicFrom == 30)
  }

  @Test("a store that was rolled back goes on from its W when that is wanted, giving nothing twice")
  func olderStore() throws {
    let next = try acquire(facts(w: 10, t: 40, c: 30), .rebuild)
    #expect(next.record.nextOffset == 10 && next.readFrom == 9 && !next.isNew)
    #expect(next.topicFrom == 30 && next.tableFrom == 40)
  }

  @Test(
    "a C ahead of W that Tally has committed tells of a rollback; one of somebody else is refused"
  )
  func whoseOffset() throws {
    let next = try acquire(facts(w: 10, t: 40, c: 30), .rebuild)
    #expect(next.record.nextOffset == 10 && next.topicFrom == 30)
    #expect(throws: PortError.self) { try acquire(facts(w: 10, t: 40, c: 30, mine: false), .rebuild) }
    let reset = try #require(throws: PortError.self) {
      try acquire(facts(w: 10, t: 40, c: 30, mine: false), .rebuild)
    }
    #expect(reset.reason == .offsetsReset)
  }

  @Test("lost states with a reset group are refused")
  func lostAndReset() {
    #expect(throws: PortError.self) { try acquire(facts(w: nil, t: 40, c: 50), .rebuild) }
  }

  @Test("lost states begin where C's mark says they began")
  func lostBeginning() throws {
    var late = facts(w: nil, t: 40, c: 30, low: 20)
    late.committed = CommittedOffset(30, firstOffset: 25)
    let rebuilt = try acquire(late, .rebuild)
    #expect(rebuilt.record.firstOffset == 25 && rebuilt.readFrom == 25 && rebuilt.topicFrom == 30)
    late.bounds.low = 26
    #expect(throws: PortError.self) { try acquire(late, .rebuild) }
    late.committed = nil
    late.bounds.low = 20
    #expect(throws: PortError.self, "nobody knows where they began") { try acquire(late, .rebuild) }
  }

  @Test("another definition, partition count or cluster is refused")
  func strangers() throws {
    for change in [
      { $0.definition = "bb" }, { $0.partitionCount = 5 }, { $0.clusterID = "other" },
    ] as [(inout PartitionRecord) -> Void] {
      var strange = facts(w: 10, t: 10, c: 10)
      change(&strange.record!)
      #expect(throws: PortError.self) { try acquire(strange) }
    }
  }
}
