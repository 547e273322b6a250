import Dataflow
import Events
import Features
import Tables
import Testing

@testable import Verification

/// Rows of the tables against what the log gives.
@Suite struct ScoreComparisonTests {
  private let fixture: Fixture

  init() throws { fixture = try Fixture() }

  /// Three logins of a, one of b; letters and a repeat among them.
  private func recomputed(from: [Int32: Int64] = [:]) throws -> Recomputation {
    let recomputed = fixture.recomputation(from: from)
    try recomputed.add(
      fixture.batch([
        fixture.record("a", "login 1 1", 0), fixture.record("b", "login 1 1", 1),
        fixture.record("a", "what", 2), fixture.record("a", "login 2 3", 3),
        fixture.record("a", "login 2 3", 4), fixture.record("c", "tick 1 3", 5),
      ]))
    try recomputed.add(fixture.batch([fixture.record("a", "login 3 2", 6)]))
    return recomputed
  }

  private var rows: [StoredScore] {
    [
      fixture.row("a", "1", day: 1, offset: 0, count: 1), fixture.row("b", "1", day: 1, offset: 1, count: 1),
      fixture.row("a", "2", day: 3, offset: 3, count: 2),
      fixture.row("a", "3", day: 2, offset: 6, count: 3, asOf: 3),
    ]
  }

  @Test func equalRows() throws {
    let recomputed = try recomputed()
    #expect(recomputed.recordsRead == 7 && recomputed.eventsScored == 4)
    let scores = fixture.compare(rows, with: recomputed)
    #expect(scores.holds && scores.compared == 4 && scores.equal == 4 && scores.leftOut.isEmpty)
    let latest = fixture.compare([rows[3], rows[1]], with: recomputed, .latest)
    #expect(latest.holds && latest.equal == 2)
  }

  @Test func everyColumnCounts() throws {
    var changed = rows
    changed[0].cells[0] = .number(1.5)
    changed[1].cells[0] = .number(0)
    changed[2].cells[1] = .null
    changed[2].cells[2] = .text("low")
    changed[3].cells[3] = .number(0)
    changed[3].asOf -= 7
    changed[3].eventTime += 9
    changed[3].eventID = "x"
    let found = fixture.compare(changed, with: try recomputed())
    #expect(found.compared == 4 && found.different == 4 && found.equal == 0 && !found.holds)
    let columns = Dictionary(uniqueKeysWithValues: found.columns.map { ($0.column, $0) })
    #expect(columns["score"]?.count == 2 && columns["score"]?.largest == 1)
    #expect(columns["score"]?.examples.map(\.text) == ["0/0", "0/1"])
    #expect(columns["twice"]?.count == 1 && columns["twice"]?.largest == nil)
    #expect(columns["level"]?.count == 1 && columns["level"]?.largest == nil)
    #expect(columns["many"]?.largest == 1 && columns["as_of"]?.largest == 7)
    #expect(columns["event_time"]?.largest == 9 && columns["event_id"]?.count == 1 && columns.count == 7)
  }

  /// The last bit of a float is a difference; the sign of zero, which SQLite does not keep, is none.
  @Test func bitForBit() throws {
    var changed = rows
    changed[0].cells[0] = .number(Double(Float(1).nextUp))
    let found = fixture.compare(changed, with: try recomputed())
    #expect(found.different == 1 && found.columns[0].largest == Double(Float(1).ulp))
    #expect(StoredCell.number(-0.0) == .number(0) && StoredCell.text("e\u{301}") != .text("\u{E9}"))
  }

  @Test func missingAndUnexpected() throws {
    var changed = rows
    changed.remove(at: 2)
    changed.append(fixture.row("b", "2", day: 1, offset: 2, count: 2))
    changed.append(fixture.row("ghost", "1", day: 1, offset: 5, count: 1))
    let found = fixture.compare(changed, with: try recomputed(), strangers: ["ghost"])
    #expect(found.missing == 1 && found.missingAt.map(\.text) == ["0/3"])
    #expect(found.unexpected == 2 && found.unexpectedAt.map(\.text) == ["0/2", "0/5"])
    #expect(found.compared == 3 && found.equal == 3 && !found.holds)
  }

  @Test func rowsOfOthersAreCountedApart() throws {
    var changed = rows
    changed[0].definition = "older"
    changed[0].cells[0] = .number(77)
    changed[1].modelVersions = "m=0"
    changed[1].cells[0] = .number(77)
    var ghost = fixture.row("a", "9", day: 1, offset: 2, count: 2)
    ghost.definition = "older"
    changed.append(ghost)
    let found = fixture.compare(changed, with: try recomputed())
    #expect(found.holds && found.compared == 2)
    #expect(found.leftOut == ["of another definition": 2, "of other models": 1])
  }

  @Test func absentRowsAreToldApart() throws {
    let recomputed = try recomputed()
    var comparison = fixture.comparison(.scores, recomputed)
    comparison.add([rows[3]], of: recomputed.ids.map(\.id))
    #expect(Set(comparison.absent.map(\.text)) == ["0/0", "0/1", "0/3"] && comparison.asksForFirstOffsets)
    comparison.settle(
      firstOffsets: [0: 1], refused: [LetterAddress(partition: 0, offset: 1): "corrupt-state"])
    let found = comparison.result
    #expect(found.missing == 1 && found.missingAt.map(\.text) == ["0/3"])
    #expect(
      found.leftOut == [
        "a dead letter then (corrupt-state)": 1, "from before the table's first row": 1,
      ])

    comparison = fixture.comparison(.scores, recomputed)
    comparison.add(rows.filter { $0.offset != 3 }, of: recomputed.ids.map(\.id))
    #expect(!comparison.asksForFirstOffsets, "rows before and behind are there")
  }

  @Test func latestRows() throws {
    let recomputed = try recomputed()
    let stale = fixture.compare([rows[2], rows[1]], with: recomputed, .latest)
    #expect(stale.different == 1 && stale.columns.map(\.column) == ["offset"] && stale.equal == 1)
    #expect(stale.columns[0].examples.map(\.text) == ["0/6"])
    var feature = rows[3]
    feature.cells[4] = .number(5)
    let changed = fixture.compare([feature], with: recomputed, .latest)
    #expect(changed.columns.map(\.column) == ["logins"] && changed.columns[0].largest == 2)
    #expect(changed.missing == 1 && changed.missingAt.map(\.text) == ["0/1"])
  }

  /// A pipeline without state has an entity's records on any partition, of which some may not be read from their beginning.
  @Test func latestRowsOfOtherPartitions() throws {
    let recomputed = try recomputed()
    for (first, holds) in [(Int64(8), true), (7, false)] {
      var comparison = fixture.comparison(.latest, recomputed, logFrom: [1: first])
      var row = rows[3]
      (row.partition, row.offset) = (1, 7)
      comparison.add([row, rows[1]], of: recomputed.ids.map(\.id))
      comparison.settle(firstOffsets: [:], refused: [:])
      #expect(comparison.result.holds == holds)
      #expect(comparison.result.leftOut == (holds ? [Comparison.olderThanLog: 1] : [:]))
    }
  }

  @Test func theLatestIsThatOfTheTable() throws {
    func latest(keepsState: Bool) throws -> [Int64] {
      let program = try FeatureProgram(
        FeatureSetDeclaration(profile: [], events: [], features: [], idleTTL: nil, keepsState: keepsState))
      let entity = SampledEntity([1], partition: 0, program: program)
      // Partition, offset and as-of time of records in the order that they are read in.
      return [(0, 1, 5), (1, 1, 4), (0, 2, 6), (0, 3, 3), (1, 2, 6)].map {
        (partition: Int32, offset: Int64, asOf: Int64) in
        let score = ExpectedScore(
          partition: partition, offset: offset, eventTime: asOf, asOf: asOf, eventID: Hash128(low: 0, high: 0)
        )
        entity.add(score, [], keeps: false, width: 0)
        return entity.latest.map { Int64($0.score.partition) * 10 + $0.score.offset } ?? -1
      }
    }
    #expect(try latest(keepsState: false) == [1, 1, 2, 2, 12])
    #expect(try latest(keepsState: true) == [1, 11, 2, 3, 12])
  }

  /// Only offsets from a bound on are kept; the latest row needs none.
  @Test func onlyTheLastOffsets() throws {
    let recomputed = try recomputed(from: [0: 3])
    #expect(fixture.compare(Array(rows[2...]), with: recomputed).equal == 2)
    #expect(fixture.compare([rows[3], rows[1]], with: recomputed, .latest).equal == 2)
  }

  /// An erasure takes what was before; an id that comes back after 32 others has a row of its own.
  @Test func erasedAndRepeated() throws {
    let recomputed = try recomputed()
    try recomputed.add(
      fixture.batch([fixture.record("a", "erasure e 3", 7), fixture.record("a", "login 1 4", 8)]))
    let left = [rows[1], fixture.row("a", "1", day: 4, offset: 8, count: 1)]
    #expect(fixture.compare(left, with: recomputed).equal == 2)
    #expect(fixture.compare(left, with: recomputed, .latest).holds)

    let many = (0..<33).map { fixture.record("d", "login n\($0) 1", 20 + $0) }
    try recomputed.add(fixture.batch(many + [fixture.record("d", "login n0 1", 60)]))
    let all =
      left + (0..<33).map { fixture.row("d", "n\($0)", day: 1, offset: 20 + $0, count: Double($0 + 1)) }
      + [fixture.row("d", "n0", day: 1, offset: 60, count: 34)]
    let found = fixture.compare(all, with: recomputed)
    #expect(found.holds && found.equal == all.count)
  }

  /// What lies on another partition than its key's is no event of anybody.
  @Test func strayRecordsSayNothing() throws {
    let recomputed = try recomputed()
    try recomputed.add(fixture.batch([fixture.record("a", "login 9 4", 0, partition: 1)]))
    let found = fixture.compare(rows, with: recomputed)
    #expect(found.holds && found.compared == rows.count)
  }

  /// Many differences: the first places of the log are told, whatever order they come in.
  @Test func examplesAreTheFirst() {
    var comparison = Comparison("scores")
    for offset in (0..<1_000 as Range<Int64>).shuffled() {
      comparison.isMissing(at: ScorePlace(partition: 0, offset: offset))
    }
    #expect(comparison.missing == 1_000 && comparison.missingAt.map(\.offset) == [0, 1, 2, 3, 4])
  }
}
