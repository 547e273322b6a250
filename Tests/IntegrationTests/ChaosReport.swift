import Foundation

/// What a trial, or all trials of one fault, found.
struct ChaosFinding: Sendable {
  /// Faults made, by kind, and those that struck while events were being scored.
  var made: [ChaosFault: Int] = [:]
  var madeWhileScoring: [ChaosFault: Int] = [:]
  /// Rows and messages that are not there.
  var lost = 0
  /// Rows that are there twice, or that should not be.
  var doubledInTable = 0
  /// Messages that a reader of committed messages gets twice, or that should not be. Effectively once allows repeats.
  var doubledInTopic = 0
  /// Rows and messages with other values.
  var differingScores = 0
  /// Stored states with other bytes.
  var differingStates = 0
  /// Partitions whose counters are others, or do not add up.
  var differingCounters = 0
  /// Scorers that ended without being told to, or badly.
  var endings: [String] = []
  /// Byte-identical repeats in the topic: allowed when it is read without transactions.
  var repeats = 0
  /// What went wrong with the trial itself.
  var failures: [String] = []
  /// The first findings in words.
  private(set) var remarks: [String] = []
  private static let remarksMax = 20

  /// Number of things that should not be.
  var count: Int {
    lost + doubledInTable + doubledInTopic + differingScores + differingStates + differingCounters
      + endings.count + failures.count
  }

  /// Counts a fault.
  mutating func note(_ kind: ChaosFault, whileScoring: Bool) {
    made[kind, default: 0] += 1
    if whileScoring { madeWhileScoring[kind, default: 0] += 1 }
  }

  /// Keeps a finding in words.
  mutating func remark(_ text: String) { if remarks.count < Self.remarksMax { remarks.append(text) } }

  /// Adds another's.
  mutating func add(_ other: ChaosFinding) {
    made.merge(other.made, uniquingKeysWith: +)
    madeWhileScoring.merge(other.madeWhileScoring, uniquingKeysWith: +)
    lost += other.lost
    doubledInTable += other.doubledInTable
    doubledInTopic += other.doubledInTopic
    differingScores += other.differingScores
    differingStates += other.differingStates
    differingCounters += other.differingCounters
    endings += other.endings
    repeats += other.repeats
    failures += other.failures
    for remark in other.remarks { self.remark(remark) }
  }
}

/// The table of faults and findings.
struct ChaosReport {
  private struct Line {
    var delivery: ChaosDelivery
    var fault: ChaosFault
    var finding: ChaosFinding
    var skipped: String?
  }
  private var lines: [Line] = []

  /// Adds a trial's findings to its fault's line.
  mutating func add(_ finding: ChaosFinding, _ fault: ChaosFault, _ delivery: ChaosDelivery) {
    if let index = lines.firstIndex(where: { $0.fault == fault && $0.delivery == delivery }) {
      lines[index].finding.add(finding)
    } else {
      lines.append(Line(delivery: delivery, fault: fault, finding: finding))
    }
  }

  /// A fault that could not be made.
  mutating func skip(_ fault: ChaosFault, _ delivery: ChaosDelivery, why: String) {
    lines.append(Line(delivery: delivery, fault: fault, finding: ChaosFinding(), skipped: why))
  }

  /// Whether no fault was made.
  var isEmpty: Bool { lines.allSatisfy { $0.finding.made.isEmpty } }

  /// Everything that should not be.
  var findings: Int { lines.reduce(0) { $0 + $1.finding.count } }

  /// The table and what was found, as text.
  var text: String {
    var rows = [
      [
        "delivery", "fault", "injected", "while scoring", "lost", "doubled table", "doubled topic",
        "scores differ", "states differ", "counters differ", "ended", "failed", "repeats",
      ]
    ]
    rows += lines.map(Self.row)
    // Why something was skipped needs no column as wide as itself.
    let widths = rows[0].indices.map { column in
      rows.filter { $0.count == rows[0].count || column < 2 }.map { $0[column].count }.max() ?? 0
    }
    var text = rows.map { row in
      row.enumerated().map { column, cell in
        // What was skipped tells why behind the last column that it has.
        row.count < rows[0].count && column == row.count - 1
          ? cell : cell.padding(toLength: widths[column], withPad: " ", startingAt: 0)
      }.joined(separator: "  ")
    }.joined(separator: "\n")
    text += "\n\n" + totals
    for line in lines where line.finding.count > 0 {
      text += "\n\n\(line.delivery.rawValue) \(line.fault.rawValue):"
      let found = line.finding.remarks + line.finding.endings + line.finding.failures
      for remark in found { text += "\n  " + remark.replacingOccurrences(of: "\n", with: "\n    ") }
    }
    return text + "\n"
  }

  private static func row(_ line: Line) -> [String] {
    let start = [line.delivery.rawValue, line.fault.rawValue]
    if let skipped = line.skipped { return start + ["skipped: \(skipped)"] }
    let finding = line.finding
    return start
      + [finding.made.values.reduce(0, +), finding.madeWhileScoring.values.reduce(0, +)].map(String.init)
      + [finding.lost, finding.doubledInTable, finding.doubledInTopic].map(String.init)
      + [finding.differingScores, finding.differingStates, finding.differingCounters].map(String.init)
      + ["\(finding.endings.count)", "\(finding.failures.count)", "\(finding.repeats)"]
  }

  private var totals: String {
    var all = ChaosFinding()
    for line in lines { all.add(line.finding) }
    let made = ChaosFault.allCases.compactMap { kind in
      all.made[kind].map { "\(kind.rawValue) \($0)" }
    }
    return "\(findings) finding(s). Made, also as part of mixed: "
      + (made.isEmpty ? "nothing" : made.joined(separator: ", "))
      + "\nRepeats are byte-identical copies in the topic, for readers of uncommitted messages; only effectively once, "
      + "readers of committed ones see them too."
  }

  /// Tells of the run while it lasts.
  static func tell(_ text: String) {
    FileHandle.standardError.write(Data("chaos: \(text)\n".utf8))
  }
}
