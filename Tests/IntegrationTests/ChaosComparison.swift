import TestPlaces
import Foundation
import TestServers

/// Compares what a disturbed pipeline has left with what an undisturbed one makes of the same log: exactly.
struct ChaosComparison {
  private let disturbed: Rig
  private let undisturbed: Rig
  private let delivery: ChaosDelivery

  init(_ disturbed: Rig, _ undisturbed: Rig, _ delivery: ChaosDelivery) {
    self.disturbed = disturbed
    self.undisturbed = undisturbed
    self.delivery = delivery
  }

  /// Adds what differs.
  func compare(into finding: inout ChaosFinding) throws {
    let event = ["partition", "offset"]
    try compareRows("scores", by: event, into: &finding)
    try compareRows("dead_letters", by: event, into: &finding)
    try compareRows("latest_scores", by: ["entity_id"], into: &finding)
    for topic in ["scores", "dead-letters"] { try compareTopic(topic, into: &finding) }
    try compareStates(into: &finding)
    try compareCounters(into: &finding)
  }

  private func compareRows(_ table: String, by key: [String], into finding: inout ChaosFinding) throws {
    let expected = try rows(undisturbed, table, by: key)
    let found = try rows(disturbed, table, by: key)
    for (name, rows) in expected {
      guard let own = found[name] else {
        finding.lost += rows.count
        finding.remark("\(table): no row \(name)")
        continue
      }
      if own[0] != rows[0] {
        finding.differingScores += 1
        finding.remark("\(table) \(name):\n    \(own[0])\n    \(rows[0])")
      }
      finding.doubledInTable += own.count - rows.count
    }
    for (name, rows) in found where expected[name] == nil {
      finding.doubledInTable += rows.count
      finding.remark("\(table): a row \(name) that should not be")
    }
  }

  /// Rows of a table without the wall clock, by the text of their key.
  private func rows(_ rig: Rig, _ table: String, by key: [String]) throws -> [String: [String]] {
    Dictionary(grouping: try rig.table.contents(of: table, by: key), by: \.key).mapValues { $0.map(\.row) }
  }

  private func compareTopic(_ topic: String, into finding: inout ChaosFinding) throws {
    let expected = try values(undisturbed, topic, committed: true)
    let all = try values(disturbed, topic, committed: false)
    let isExact = delivery == .exactlyOnce
    let seen = isExact ? try values(disturbed, topic, committed: true) : all
    for (place, values) in expected {
      guard let found = seen[place] else {
        finding.lost += 1
        finding.remark("topic \(topic): no message of \(place)")
        continue
      }
      if found.contains(where: { $0 != values[0] }) {
        finding.differingScores += 1
        finding.remark("topic \(topic) \(place): another value")
      }
      if isExact && found.count > 1 {
        finding.doubledInTopic += found.count - 1
        finding.remark("topic \(topic) \(place): \(found.count) committed messages")
      }
      finding.repeats += (all[place]?.count ?? 1) - 1
    }
    for place in seen.keys where expected[place] == nil {
      finding.doubledInTopic += 1
      finding.remark("topic \(topic): a message of \(place) that should not be")
    }
  }

  /// Messages by the place of their event.
  private func values(_ rig: Rig, _ topic: String, committed: Bool) throws -> [String: [[UInt8]]] {
    var found: [String: [[UInt8]]] = [:]
    for message in try rig.broker.readAll(rig.marked(topic), committed: committed) {
      let json = try JSON(String(decoding: message.value ?? [], as: UTF8.self))
      guard let partition = json["partition"].whole, let offset = json["offset"].whole else {
        throw TestFailure("a message of \(topic) without its event's place")
      }
      found["\(partition)/\(offset)", default: []].append(message.value ?? [])
    }
    return found
  }

  private func compareStates(into finding: inout ChaosFinding) throws {
    let (expected, found) = (try undisturbed.states(), try disturbed.states())
    for key in Set(expected.keys).union(found.keys) where expected[key] != found[key] {
      finding.differingStates += 1
      finding.remark("state \(key): \(found[key] ?? "none") instead of \(expected[key] ?? "none")")
    }
  }

  private func compareCounters(into finding: inout ChaosFinding) throws {
    let expected = try counters(undisturbed, into: &finding)
    let found = try counters(disturbed, into: &finding)
    for (partition, (own, other)) in zip(found, expected).enumerated() where own != other {
      finding.differingCounters += 1
      finding.remark("counters of partition \(partition): \(own) instead of \(other)")
    }
  }

  /// Each partition's counters as text; those that do not add up are findings.
  private func counters(_ rig: Rig, into finding: inout ChaosFinding) throws -> [String] {
    try rig.ask(["status", "--json"]).output.split(separator: "\n").map { line in
      let json = try JSON(line)
      let letters = json["dead_lettered"]
      let names = ["scored", "duplicate", "erased"]
      let sum =
        names.reduce(0) { $0 + (json[$1].whole ?? 0) }
        + letters.keys.reduce(0) { $0 + (letters[$1].whole ?? 0) }
      if json["read"].whole != sum {
        finding.differingCounters += 1
        finding.remark("counters do not add up: \(line)")
      }
      let all = (["read"] + names).map { "\($0) \(json[$0].whole ?? -1)" }
      return (all + letters.keys.map { "\($0) \(letters[$0].whole ?? -1)" }).joined(separator: ", ")
    }
  }
}

extension TestTable {
  /// Columns that tell of the wall clock, and of no event.
  private static let wallClock: Set = ["scored_at", "recorded_at"]

  /// All rows of a table, every column but the wall clock's, with the text of their key.
  func contents(of table: String, by key: [String]) throws -> [(key: String, row: String)] {
    let names =
      switch kind {
      case .sqlite: try query("SELECT name FROM pragma_table_info('\(table)') ORDER BY 1")
      case .postgres:
        try query(
          "SELECT column_name FROM information_schema.columns WHERE table_name = '\(table)' "
            + "AND table_schema = current_schema() ORDER BY 1")
      }
    let columns = names.map { $0[0] }.filter { !Self.wallClock.contains($0) }
    guard columns.count > key.count else { throw TestFailure("no table \(table)") }
    let cells = (key + columns).map { column in
      let quoted = "\"\(column)\""
      guard kind == .sqlite else { return quoted }
      return "CASE typeof(\(quoted)) WHEN 'blob' THEN hex(\(quoted)) ELSE \(quoted) END"
    }
    return try query("SELECT \(cells.joined(separator: ", ")) FROM \(table)").map { row in
      (
        row[..<key.count].joined(separator: "/"),
        zip(columns, row[key.count...]).map { "\($0)=\($1)" }.joined(separator: "|")
      )
    }
  }
}
