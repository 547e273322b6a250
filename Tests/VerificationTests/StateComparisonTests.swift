import Dataflow
import Events
import Features
import Tables
import Testing
@testable import Verification

/// Stored states against what the log gives, each as of its W.
@Suite struct StateComparisonTests {
  private let fixture: Fixture

  init() throws { fixture = try Fixture() }

  /// The stored form after some events.
  private func stored(_ values: [String]) throws -> [UInt8] {
    let recomputed = fixture.recomputation()
    try recomputed.add(
      fixture.batch(values.enumerated().map { fixture.record("a", $1, Int64($0)) }))
    let store = EntityState(fixture.program)
    let events = EventBatch(symbols: fixture.program.symbols)
    for value in values {
      let words = value.split(separator: " ")
      events.removeAll()
      events.begin()
      let id = Array(words[1].utf8).withUnsafeBytes { events.append($0) }
      let type = Array("login".utf8).withUnsafeBytes { events.symbols.lookup($0) }
      events.commit(
        kind: .engagement, type: type, eventID: id, entityID: id, source: .empty,
        time: (Int64(words[2]) ?? 0) * Fixture.day)
      _ = fixture.program.process(events.events[0], in: events, to: store)
    }
    var writer = WireWriter()
    store.encode(into: &writer)
    return writer.bytes
  }

  /// What is found when the store has `stored` as of `next`, and the log goes on.
  private func found(
    _ stored: [UInt8]?, next: Int64, rules: StateRules = StateRules()
  ) throws -> Recomputation {
    let recomputed = fixture.recomputation(rules: rules)
    try recomputed.add(
      fixture.batch([fixture.record("a", "login 1 1", 0), fixture.record("a", "login 2 2", 1)]))
    recomputed.expectState(
      of: Array("a".utf8), partition: 0, next: next, stored: stored)
    try recomputed.add(fixture.batch([fixture.record("a", "login 3 3", 5)]))
    try recomputed.add(fixture.batch([fixture.record("a", "login 4 4", 8)]))
    recomputed.finishStates()
    return recomputed
  }

  @Test func asOfItsOwnPosition() throws {
    let events = ["login 1 1", "login 2 2", "login 3 3", "login 4 4"]
    for (next, count) in [(2, 2), (5, 2), (6, 3), (8, 3), (9, 4), (100, 4)] {
      let states = try found(try stored(Array(events[..<count])), next: Int64(next)).states
      #expect(states.holds && states.equal == 1, "W \(next)")
    }
    let states = try found(try stored(Array(events[..<2])), next: 6).states
    #expect(states.different == 1 && states.equal == 0)
    #expect(states.columns.map(\.column) == ["logins", "days_since"])
    #expect(states.columns[0].largest == 1 && states.columns[0].examples.map(\.text) == ["0/5"])
  }

  @Test func missingUnreadable() throws {
    #expect(try found(nil, next: 6).states.missing == 1)
    let unreadable = try found(Array("nonsense".utf8), next: 6).states
    #expect(unreadable.columns.map(\.column) == ["(cannot be read)"])
    // The same numbers of another event: only what is remembered of ids differs.
    let other = try found(try stored(["login 1 1", "login x 2"]), next: 2).states
    #expect(other.columns.map(\.column) == ["(stored form)"])
    var rules = StateRules()
    rules.expiresBeforeMs = 2_000
    let expired = try found(nil, next: 6, rules: rules).states
    #expect(expired.holds && expired.leftOut == ["may have expired": 1])
    rules.expiresBeforeMs = 1_000
    #expect(try found(nil, next: 6, rules: rules).states.missing == 1)
  }

  @Test func whoIsErasedOrUnknownHasNone() throws {
    let recomputed = fixture.recomputation()
    try recomputed.add(
      fixture.batch([fixture.record("a", "login 1 1", 0), fixture.record("a", "erasure 2 1", 1)]))
    recomputed.expectState(of: Array("a".utf8), partition: 0, next: 2, stored: nil)
    recomputed.expectState(of: Array("b".utf8), partition: 0, next: 2, stored: nil)
    recomputed.finishStates()
    #expect(recomputed.states.holds && recomputed.states.compared == 0)
    for person in ["a", "b"] {
      recomputed.expectState(
        of: Array(person.utf8), partition: 0, next: 2, stored: try stored(["login 1 1"]))
    }
    recomputed.finishStates()
    #expect(recomputed.states.unexpected == 2)
  }

  /// The log lost its beginning: only those count whose state has as many events as the log has.
  @Test func aShorterLog() throws {
    var rules = StateRules()
    rules.logIsWhole = false
    let whole = try found(try stored(["login 1 1", "login 2 2", "login 3 3"]), next: 6, rules: rules)
    #expect(whole.states.equal == 1 && whole.entitiesOlderThanLog == 0)
    let older = try found(
      try stored(["login 0 1", "login 1 1", "login 2 2", "login 3 3"]), next: 6, rules: rules)
    #expect(older.states.holds && older.states.compared == 0 && older.entitiesOlderThanLog == 1)
    var comparison = fixture.comparison(.scores, older)
    comparison.add([fixture.row("a", "1", day: 1, offset: 0, count: 2)], of: [Array("a".utf8)])
    comparison.settle(firstOffsets: [:], refused: [:])
    #expect(comparison.result.holds && comparison.result.compared == 0)
    // As many events, and other ones: a difference.
    let other = try found(try stored(["login 1 1", "login 2 2", "login 3 9"]), next: 6, rules: rules)
    #expect(other.states.different == 1)
  }

  /// After a long silence a state begins anew: its count says nothing of what was before.
  @Test func aShorterLogAndASilence() throws {
    var rules = StateRules()
    rules.logIsWhole = false
    let recomputed = fixture.recomputation(rules: rules)
    try recomputed.add(
      fixture.batch([fixture.record("a", "login 1 1", 0), fixture.record("a", "login 2 90", 1)]))
    recomputed.expectState(
      of: Array("a".utf8), partition: 0, next: 2, stored: try stored(["login 2 90"]))
    recomputed.finishStates()
    #expect(recomputed.states.compared == 0 && recomputed.entitiesOlderThanLog == 1)
  }

  @Test func theReport() throws {
    let recomputed = try found(nil, next: 6)
    let report = VerificationReport(recomputed, tables: [], isWhole: true)
    #expect(!report.equal && report.outcome == .different)
    #expect(
      report.lines == [
        "1 entities, 4 scores from 4 records",
        "states: 0 compared, 0 equal, 0 different, 1 missing, 0 unexpected", "  missing: at 0/5",
        "different; what to do: states are rebuilt by tally rebuild, or tally rebuild --entity ID for one entity",
      ])
    let equal = VerificationReport(
      try found(try stored(["login 1 1", "login 2 2"]), next: 2), tables: [Comparison("scores")],
      isWhole: true)
    #expect(equal.equal && equal.lines.last == "equal" && equal.leftOut.isEmpty)
  }

  /// "equal" never hides what was not compared, and says apart what the log no longer has.
  @Test func whatIsLeftOutStandsInTheResult() throws {
    func report(_ why: [String], isWhole: Bool = true, differs: Bool = false) throws -> VerificationReport {
      var scores = Comparison("scores")
      for one in why { scores.note(one) }
      if differs { scores.isMissing(at: ScorePlace(partition: 0, offset: 1)) }
      let states = try found(try stored(["login 1 1", "login 2 2"]), next: 2)
      return VerificationReport(states, tables: [scores], isWhole: isWhole)
    }
    let models = try report(["of other models", "of other models", "of another definition"])
    #expect(models.outcome == .equal && models.outcome.exitCode == 0)
    #expect(
      models.lines.last
        == "equal; left out: 1 rows of scores (of another definition), 2 rows of scores (of other models)")
    #expect(
      models.lines[1] == "scores: 0 compared, 0 equal, 0 different, 0 missing, 0 unexpected, 3 left out")
    let old = try report([Comparison.olderThanLog])
    #expect(old.outcome == .equalAsFarAsTheLogReaches && old.outcome.exitCode == 3 && old.equal)
    #expect(
      old.lines.last?.hasPrefix("equal as far as the log reaches; left out: 1 rows of scores (older") == true)
    let cut = try report([], isWhole: false)
    #expect(cut.outcome.exitCode == 3 && cut.lines.last == "equal as far as the log reaches")
    let worse = try report([Comparison.olderThanLog], isWhole: false, differs: true)
    #expect(worse.outcome == .different && worse.outcome.exitCode == 1)
    #expect(worse.lines.last?.hasPrefix("different; left out: 1 rows of scores") == true)

    var rules = StateRules()
    rules.logIsWhole = false
    let recomputed = try found(
      try stored(["login 9 1", "login 1 1", "login 2 2", "login 3 3"]), next: 6, rules: rules)
    let people = VerificationReport(recomputed, tables: [], isWhole: true)
    #expect(people.outcome == .equalAsFarAsTheLogReaches)
    #expect(
      people.leftOut == [LeftOut(what: "people", why: "the log no longer has all their events", count: 1)])
  }
}
