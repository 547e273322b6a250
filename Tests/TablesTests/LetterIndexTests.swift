import Dataflow
import Events
import Sink
import Tables
import TestServers
import TestThreads
import Testing

/// An erasure finds a person's letters without looking at all others.
@Suite(.onThreads) struct LetterIndexTests {
  @Test(arguments: TableKind.allCases)
  func erasuresGoThroughIndices(_ kind: TableKind) throws {
    let backend = try kind.backend()
    _ = try backend.sink(TableFixture.context()).positions(topic: "events", [0])
    // So many that no planner would rather read all of them.
    let columns = "pipeline, topic, \"partition\", \"offset\", reason, detail, key, recorded_at, entity_id"
    if kind == .sqlite {
      _ = try backend.query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) INSERT INTO dead_letters "
          + "(\(columns)) SELECT 'engagement', 'events', 0, i, 'undecodable', '', CAST('k' || i AS blob), 0, 'e' || i FROM n"
      )
    } else {
      _ = try backend.query(
        "INSERT INTO dead_letters (\(columns)) SELECT 'engagement', 'events', 0, i, 'undecodable', '', "
          + "convert_to('k' || i, 'UTF8'), now(), 'e' || i FROM generate_series(1, 20000) i")
      _ = try backend.query("ANALYZE dead_letters")
    }
    let (cut, value) =
      kind == .sqlite ? ("substr", "CAST('k77' AS blob)") : ("substring", "convert_to('k77', 'UTF8')")
    for (condition, index) in [
      ("\(cut)(key, 1, 257) = \(value) AND key = \(value)", "dead_letters_by_key"),
      ("entity_id = 'e77'", "dead_letters_by_entity"),
      (kind == .sqlite ? "recorded_at < -1" : "recorded_at < 'epoch'::timestamptz", "dead_letters_by_age"),
    ] {
      let explain = kind == .sqlite ? "EXPLAIN QUERY PLAN" : "EXPLAIN"
      let plan = try backend.query(
        "\(explain) DELETE FROM dead_letters WHERE pipeline = 'engagement' AND \(condition)")
      #expect(plan.contains { $0.contains { $0.contains(index) } }, "\(plan)")
    }
  }

  /// A key that no index entry could hold is stored all the same.
  @Test(arguments: TableKind.allCases)
  func longKeys(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    var letter = TableInput(
      entity: "p", event: "e", time: 1, asOf: 1, partition: 0, offset: 0, outputs: [], decisions: [],
      features: [])
    letter.reason = .tooLarge
    letter.key = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
    let sink = try backend.sink(context)
    #expect(
      try TableBatch(context, [letter]).write(to: sink, [.init(partition: 0, old: nil, new: 1)]) == .written)
    #expect(try backend.query("SELECT key_bytes FROM dead_letters") == [["100000"]])
  }

  /// Tables of a version without them get the indices.
  @Test(arguments: TableKind.allCases)
  func standingTables(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    _ = try backend.sink(context).positions(topic: "events", [0])
    for sql in [
      "DROP INDEX dead_letters_by_key", "DROP INDEX dead_letters_by_entity", "DROP TABLE tally_made",
    ] {
      _ = try backend.query(sql)
    }
    _ = try backend.sink(context).positions(topic: "events", [0])
    let names =
      kind == .sqlite
      ? "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'dead_letters_by%' ORDER BY 1"
      : "SELECT indexname FROM pg_indexes WHERE indexname LIKE 'dead_letters_by%' ORDER BY 1"
    #expect(
      try backend.query(names) == [
        ["dead_letters_by_age"], ["dead_letters_by_entity"], ["dead_letters_by_key"],
      ])
  }
}
