import Dataflow
import Events
import Sink
import Tables
import TestThreads
import Testing

/// What an erasure takes from the tables: all of one person, nothing of others, whatever the id is made of.
@Suite(.onThreads) struct TableErasureTests {
  /// Ids that are valid. In some of them the quote is no character of its own for Swift: it is joined to the one
  /// before (U+0600 is "prepended" to what follows) or the one behind it.
  static let ids = [
    "alice", "o'brien", "a'' OR ''='", "\\' OR true --", "x'\u{301}", "\u{600}' OR true --",
    "\u{600}'; DELETE FROM scores; --", "\u{110BD}'); DROP TABLE dead_letters; --", "e\u{301}", "\u{E9}",
  ]

  @Test(arguments: TableKind.allCases, ids)
  func takesOnePersonOnly(_ kind: TableKind, _ id: String) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    let sink = try backend.sink(context)
    defer { sink.close() }
    let others = Self.ids.filter { !$0.utf8.elementsEqual(id.utf8) }
    var inputs: [TableInput] = []
    for person in others + [id] {
      let first = Int64(inputs.count)
      var row = Self.input(person, first)
      inputs.append(row)
      row = Self.input(person, first + 1)
      row.reason = .wrongType
      row.key = Array(person.utf8)
      inputs.append(row)
      row = Self.input(person, first + 2)
      row.reason = .keyMismatch
      row.key = Array("somebody".utf8)
      row.letterEntity = person
      inputs.append(row)
    }
    let end = Int64(inputs.count)
    #expect(
      try TableBatch(context, inputs).write(to: sink, [PositionMove(partition: 0, old: nil, new: end)])
        == .written)
    var erasure = Self.input(id, end)
    erasure.isErasure = true
    #expect(
      try TableBatch(context, [erasure]).write(
        to: sink, [PositionMove(partition: 0, old: end, new: end + 1)]) == .written)
    for (table, rows) in [("scores", 1), ("latest_scores", 1), ("dead_letters", 2)] {
      #expect(
        try backend.query("SELECT count(*) FROM \(table)") == [["\(others.count * rows)"]], "\(table)")
    }
    let left = try backend.query("SELECT entity_id FROM scores").map { Array($0[0].utf8) }
    #expect(Set(left) == Set(others.map { Array($0.utf8) }))
  }

  private static func input(_ person: String, _ offset: Int64) -> TableInput {
    TableInput(
      entity: person, event: "e\(offset)", time: 1_767_225_600_000_000, asOf: 1_767_225_600_000_000,
      partition: 0, offset: offset, outputs: [0.5, 0.5], decisions: [0, 0],
      features: TableFixture.features.map { _ in 0 })
  }
}
