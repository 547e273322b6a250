import Dataflow
import Testing

@testable import Pipeline

/// The rules by which ranges of a partition are left out.
@Suite("Leaving out: rules") struct LeftOutRuleTests {
  private let base = AcquisitionTests()
  private let gap = LeftOut(from: 10, until: 20, cause: .deleted)
  private let order = LeftOut(from: 12, until: 15, cause: .skipped)

  private func acquire(
    _ facts: PartitionFacts, accepted: LeftOut? = nil, lost: OnLostState = .refuse,
    _ guarantee: DeliveryGuarantee = .effectivelyOnce
  ) throws -> Acquisition {
    try TakeoverRules.acquire(
      facts, identity: base.identity, startAt: .earliest, onLostState: lost, guarantee: guarantee,
      acceptedGap: accepted)
  }

  private func ranges(_ all: LeftOut...) -> LeftOutRanges { LeftOutRanges(all) }

  @Test("a gap is gone over when exactly it is accepted, and at no other time")
  func gaps() throws {
    let facts = base.facts(w: 10, t: 10, c: 10, low: 20)
    let refusal = try #require(throws: PortError.self) { try acquire(facts) }
    #expect(refusal.detail.contains("once: tally run --accept-gap 2:10-19"))
    for (from, until) in [(10, 19), (11, 20), (10, 21), (0, 20)] as [(Int64, Int64)] {
      let wrong = LeftOut(from: from, until: until, cause: .deleted)
      let refusal = try #require(throws: PortError.self) { try acquire(facts, accepted: wrong) }
      #expect(refusal.detail.contains("--accept-gap 2:10-19"))
    }
    let accepted = try acquire(facts, accepted: gap)
    #expect(accepted.isNew && accepted.record.nextOffset == 10 && accepted.record.nextRead == 20)
    #expect(accepted.record.leftOut == ranges(gap))
    // From then on it stands in the record, and nobody needs to say it again.
    var noted = facts
    noted.record?.leftOut = ranges(gap)
    #expect(try acquire(noted).record.nextRead == 20)
    #expect(try acquire(noted, accepted: gap).record.nextRead == 20)
    // What is missing further is another gap.
    noted.bounds.low = 25
    let more = try #require(throws: PortError.self) { try acquire(noted, accepted: gap) }
    #expect(more.detail.contains("--accept-gap 2:20-24"))
    // Where nothing is missing, a range ahead is not accepted in advance.
    #expect(throws: PortError.self) { try acquire(base.facts(w: 10, t: 10, c: 10), accepted: gap) }
    #expect(try acquire(base.facts(w: 20, t: 20, c: 20), accepted: gap).record.leftOut.isEmpty)
  }

  @Test("a crash on the way over a gap resumes, whatever has moved")
  func resumes() throws {
    // Effectively once, T moved; exactly once, T and C.
    var facts = base.facts(w: 10, t: 20, c: 10, low: 20)
    facts.tableLeftOut = ranges(gap)
    #expect(try acquire(facts).record.nextRead == 20)
    facts = base.facts(w: 10, t: 20, c: 20, low: 20)
    facts.record?.guarantee = .exactlyOnce
    facts.tableLeftOut = ranges(gap)
    facts.committed?.leftOut = ranges(gap)
    let next = try acquire(facts, .exactlyOnce)
    #expect(next.record.nextRead == 20 && next.topicFrom == 20 && next.tableFrom == 20)
  }

  @Test("states that lack scored events of a gap are refused, whatever is accepted")
  func scoredEventsAreGone() throws {
    let fellBack = base.facts(w: 10, t: 30, c: 30, low: 20)
    let refusal = try #require(throws: PortError.self) {
      try acquire(fellBack, accepted: gap, lost: .rebuild)
    }
    #expect(refusal.detail.contains("tally rebuild --accept-shorter-log"))
    var rebuilding = base.facts(w: 10, t: 12, c: 10, low: 20)
    rebuilding.record?.rebuildingUntil = 12
    #expect(throws: PortError.self) { try acquire(rebuilding, accepted: gap) }
    // Of a batch that was under way when everything stopped, the gap has taken the rest.
    #expect(try acquire(base.facts(w: 10, t: 12, c: 10, low: 20), accepted: gap).record.nextRead == 20)
  }

  @Test("lost states are refused, naming what was accepted as gone")
  func lostBehindAGap() throws {
    var facts = base.facts(w: nil, t: 30, c: 30, low: 20)
    facts.committed?.leftOut = ranges(gap)
    let refusal = try #require(throws: PortError.self) { try acquire(facts, lost: .rebuild) }
    #expect(refusal.detail.contains("accepted as gone: 10-19:deleted"))
    // States that began with the gap lack nothing.
    facts.committed?.firstOffset = 10
    let next = try acquire(facts, lost: .rebuild)
    #expect(next.record.nextOffset == 10 && next.record.nextRead == 20 && next.record.leftOut == ranges(gap))
  }

  @Test("orders are followed from wherever they stand")
  func orders() throws {
    var facts = base.facts(w: 10, t: 10, c: 10)
    facts.record?.leftOut = ranges(order)
    #expect(try acquire(facts).record.leftOut == ranges(order))
    // Of a store that has lost everything, or fell back.
    var lost = base.facts(w: nil, t: 30, c: 20)
    lost.tableLeftOut = ranges(order)
    #expect(try acquire(lost, lost: .rebuild).record.leftOut == ranges(order))
    lost.tableLeftOut = LeftOutRanges()
    lost.committed?.leftOut = ranges(order)
    #expect(try acquire(lost, lost: .rebuild).record.leftOut == ranges(order))
    var fellBack = base.facts(w: 11, t: 30, c: 20)
    fellBack.tableLeftOut = ranges(order)
    #expect(try acquire(fellBack, lost: .rebuild).record.leftOut == ranges(order))
  }

  @Test("what was delivered while an order to skip it was on its way stays")
  func tooLate() throws {
    var facts = base.facts(w: 10, t: 14, c: 10)
    facts.record?.leftOut = ranges(order)
    let rest = ranges(LeftOut(from: 14, until: 15, cause: .skipped))
    #expect(try acquire(facts).record.leftOut == rest)
    // Whoever moved T knew of it; what lies ahead of T is still an order.
    facts.tableLeftOut = ranges(order)
    #expect(try acquire(facts).record.leftOut == ranges(order))
    // Whoever committed C did, but C does not reach it: somebody else has moved T.
    facts.tableLeftOut = LeftOutRanges()
    facts.committed?.leftOut = ranges(order)
    #expect(try acquire(facts).record.leftOut == rest)
  }

  @Test("states that hold what was left out elsewhere are refused")
  func statesThatHoldIt() throws {
    var facts = base.facts(w: 20, t: 20, c: 20)
    facts.tableLeftOut = ranges(order)
    let refusal = try #require(throws: PortError.self) { try acquire(facts) }
    #expect(refusal.detail.contains("12-14:skipped") && refusal.detail.contains("tally rebuild"))
  }

  @Test("only what lies ahead and is in the log can be skipped")
  func skip() throws {
    let facts = base.facts(w: 10, t: 12, c: 10)
    #expect(try TakeoverRules.skip(order, facts).leftOut == ranges(order))
    for (from, until) in [(9, 11), (11, 12), (99, 101)] as [(Int64, Int64)] {
      let refusal = try #require(throws: PortError.self) {
        try TakeoverRules.skip(LeftOut(from: from, until: until, cause: .skipped), facts)
      }
      #expect(refusal.reason == .skipRefused)
    }
    #expect(throws: PortError.self) { try TakeoverRules.skip(order, base.facts(w: nil, t: nil, c: nil)) }
    // Given twice, it is there once.
    var given = facts
    given.record?.leftOut = ranges(order)
    #expect(try TakeoverRules.skip(order, given) == given.record)
    // As many as fit beside an offset.
    var full = base.facts(w: 10, t: 10, c: 10, high: 1000)
    for number in 0..<Int64(LeftOutRanges.ordersMax) {
      let from = 20 + number * 3
      full.record = try TakeoverRules.skip(LeftOut(from: from, until: from + 1, cause: .skipped), full)
    }
    let refusal = try #require(throws: PortError.self) {
      try TakeoverRules.skip(LeftOut(from: 900, until: 901, cause: .skipped), full)
    }
    #expect(refusal.detail.contains("64 ranges"))
  }

  @Test("a renewal leaves out what was left out, and a gap comes before it")
  func renewal() throws {
    var facts = base.facts(w: 20, t: 20, c: 20)
    facts.record?.leftOut = ranges(order)
    func renew(_ facts: PartitionFacts, begun: PartitionRecord? = nil) throws -> Renewal? {
      try TakeoverRules.renew(
        facts, begun: begun, identity: base.identity, acceptShorterLog: false, goesOn: true)
    }
    #expect(try renew(facts)?.record?.leftOut == ranges(order))
    // One that was interrupted goes on with an order that lies ahead of it, and begins anew behind it.
    var begun = try #require(try renew(facts)?.record)
    begun.generation = 2
    begun.leftOut = LeftOutRanges()
    begun.nextOffset = 11
    let goesOn = try #require(try renew(facts, begun: begun))
    #expect(goesOn.from == 11 && goesOn.record?.leftOut == ranges(order))
    begun.nextOffset = 13
    #expect(try renew(facts, begun: begun)?.from == 0)
    facts.bounds.low = 25
    facts.record?.firstOffset = 25
    let refusal = try #require(throws: PortError.self) { try renew(facts) }
    #expect(refusal.detail.contains("tally run --accept-gap 2:20-24"))
  }

  @Test("orders of the live generation are taken over until it has read beyond them")
  func takeOver() throws {
    var live = PartitionRecord()
    live.nextOffset = 14
    live.leftOut = ranges(order)
    var begun = PartitionRecord()
    begun.nextOffset = 11
    // What lies ahead of the live W is not decided yet.
    let decided = ranges(LeftOut(from: 12, until: 14, cause: .skipped))
    #expect(try TakeoverRules.takeOver(ordersOf: live, to: begun, partition: 2)?.leftOut == decided)
    begun.leftOut = decided
    #expect(try TakeoverRules.takeOver(ordersOf: live, to: begun, partition: 2) == nil)
    begun.leftOut = LeftOutRanges()
    begun.nextOffset = 13
    let refusal = try #require(throws: PortError.self) {
      try TakeoverRules.takeOver(ordersOf: live, to: begun, partition: 2)
    }
    #expect(refusal.detail.contains("--restart"))
  }
}
