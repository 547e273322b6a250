/// What `tally verify` found. It names nobody: places are partitions and offsets.
public struct VerificationReport: Equatable, Sendable, Encodable {
  /// How it ended.
  public let outcome: VerificationOutcome
  /// Whether nothing differs of what was compared.
  public let equal: Bool
  /// All that was not compared: entities, then rows and states.
  public let leftOut: [LeftOut]
  /// Entities of the sample.
  public let entities: Int
  /// Entities left out because the log no longer has all their events.
  public let entitiesOlderThanLog: Int
  /// Whether the log is compacted: it cannot show what states and rows lack that were made after records were removed.
  public let logIsCompacted: Bool
  /// Records of the log that were read.
  public let records: Int64
  /// Events of the sample that were scored again.
  public let events: Int64
  /// `scores` and `latest_scores` where there is a table, then `states`.
  public let comparisons: [Comparison]

  /// Names of `tally verify --json`, which scripts read: those of earlier versions stay.
  private enum CodingKeys: String, CodingKey {
    case outcome, equal, leftOut, entities = "people", entitiesOlderThanLog = "peopleOlderThanLog",
      logIsCompacted
    case records, events, comparisons
  }

  /// A report of what was recomputed and compared. `isWhole`: whether the log has everything that the sample is made of; if
  /// not, there may be entities of whom it has nothing, and no table tells of them.
  public init(_ recomputed: Recomputation, tables: [Comparison], isWhole: Bool) {
    entities = recomputed.entityCount
    entitiesOlderThanLog = recomputed.entitiesOlderThanLog
    logIsCompacted = recomputed.rules.logIsCompacted
    records = recomputed.recordsRead
    events = recomputed.eventsScored
    comparisons = tables + [recomputed.states]
    equal = comparisons.allSatisfy(\.holds)
    var leftOut = [
      LeftOut(what: "people", why: "the log no longer has all their events", count: entitiesOlderThanLog)
    ]
    for comparison in comparisons {
      leftOut += comparison.leftOut.sorted { $0.key < $1.key }.map {
        LeftOut(what: comparison.what, why: $0.key, count: $0.value)
      }
    }
    self.leftOut = leftOut.filter { $0.count > 0 }
    let reaches =
      isWhole && !logIsCompacted && entitiesOlderThanLog == 0
      && comparisons.allSatisfy { $0.leftOut[Comparison.olderThanLog] == nil }
    outcome = !equal ? .different : reaches ? .equal : .equalAsFarAsTheLogReaches
  }

  /// The report for readers.
  public var lines: [String] {
    var lines = ["\(entities) entities, \(events) scores from \(records) records"]
    for comparison in comparisons { lines += Self.lines(comparison) }
    var result = outcome.text
    if !leftOut.isEmpty { result += "; left out: " + leftOut.map(\.text).joined(separator: ", ") }
    if !equal { result += "; what to do: " + advice }
    return lines + [result]
  }

  private static func lines(_ comparison: Comparison) -> [String] {
    let count = comparison.leftOut.values.reduce(0, +)
    var lines = [
      "\(comparison.what): \(comparison.compared) compared, \(comparison.equal) equal, \(comparison.different) different, "
        + "\(comparison.missing) missing, \(comparison.unexpected) unexpected"
        + (count > 0 ? ", \(count) left out" : "")
    ]
    for column in comparison.columns {
      let size = column.largest.map { ", largest difference \($0)" } ?? ""
      lines.append("  \(column.column): \(column.count)\(size), \(places(column.examples, of: column.count))")
    }
    if comparison.missing > 0 {
      lines.append("  missing: \(places(comparison.missingAt, of: comparison.missing))")
    }
    if comparison.unexpected > 0 {
      lines.append("  unexpected: \(places(comparison.unexpectedAt, of: comparison.unexpected))")
    }
    return lines
  }

  /// `at 0/12, 1/33, …`.
  private static func places(_ places: [ScorePlace], of count: Int) -> String {
    let known = places.filter { $0.offset >= 0 }.map(\.text)
    if known.isEmpty { return "of entities without events in the log" }
    return "at " + known.joined(separator: ", ") + (count > known.count ? ", …" : "")
  }

  /// What to do next.
  private var advice: String {
    guard !logIsCompacted else {
      return
        "the log is compacted, so what it gives may be what is wrong: tally rebuild and tally replay cannot tell"
    }
    var steps: [String] = []
    if comparisons.contains(where: { $0.what == "states" && !$0.holds }) {
      steps.append("states are rebuilt by tally rebuild, or tally rebuild --entity ID for one entity")
    }
    if comparisons.contains(where: { $0.what != "states" && !$0.holds }) {
      steps.append(
        "tally replay --run NAME writes all rows as the log gives them into tables of their own: compare or copy them; "
          + "rows from before a change of decisions or table columns differ by right, since no version tells them apart"
      )
    }
    return steps.joined(separator: "; ")
  }
}
