import Dataflow
import GRDB
import TestServers
import Testing

import Sink
@testable import Tables

/// Tables of version 1, whose `scores` have one row per entity and event id, become tables with one row per event.
struct ScoresKeyTests {
  private static let context = TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"])

  /// What version 1 made, with three rows; an operator added a column, an index, a view and, in SQLite, a trigger.
  private static func tablesOfVersion1(_ backend: any TableBackend, _ kind: TableKind) throws {
    let (id, long, real, time) =
      kind != .sqlite
      ? ("text COLLATE \"C\"", "bigint", "real", "timestamp with time zone")
      : ("text", "integer", "real", "integer")
    let columns = """
      "pipeline" \(id) NOT NULL, "entity_id" \(id) NOT NULL, "event_id" \(id) NOT NULL, "event_time" \(time) NOT NULL,
      "as_of" \(time) NOT NULL, "topic" \(id) NOT NULL, "partition" integer NOT NULL, "offset" \(long) NOT NULL,
      "engagement" \(real), "model_versions" text NOT NULL, "definition" text NOT NULL, "scored_at" \(time) NOT NULL
      """
    let moment = kind != .sqlite ? "to_timestamp(1767225600)" : "1767225600000000"
    let row = "'engagement', '%', \(moment), \(moment), 'events', 0"
    let rows = [("p', 'a", 10), ("p', 'b", 11), ("q', 'a", 12)].map { ids, offset in
      "(\(row.split(separator: "%").joined(separator: ids)), \(offset), 0.5, 'm', 'd', \(moment), 'mine')"
    }
    var statements = [
      "CREATE TABLE \"scores\" (\(columns), PRIMARY KEY (\"pipeline\", \"entity_id\", \"event_id\"))",
      "CREATE TABLE tally_schema (version integer NOT NULL PRIMARY KEY)",
      "INSERT INTO tally_schema (version) VALUES (1)",
      "ALTER TABLE scores ADD COLUMN note text DEFAULT 'yours'",
      "CREATE INDEX of_note ON scores (note)",
      "CREATE VIEW of_p AS SELECT event_id, note FROM scores WHERE entity_id = 'p'",
      "CREATE VIEW of_view AS SELECT count(*) AS n FROM of_p",
      "INSERT INTO scores VALUES \(rows.joined(separator: ", "))",
    ]
    if kind == .sqlite {
      statements += [
        "CREATE TABLE seen (event_id text)",
        "CREATE TRIGGER see AFTER INSERT ON scores BEGIN INSERT INTO seen VALUES (new.event_id); END",
      ]
    }
    for statement in statements { _ = try backend.query(statement) }
  }

  private static func input(_ event: String, _ offset: Int64) -> TableInput {
    TableInput(
      entity: "p", event: event, time: 1_767_225_600_000_000, asOf: 1_767_225_600_000_000, partition: 0,
      offset: offset, outputs: [0.25], decisions: [], features: [1])
  }

  private static func names(_ kind: TableKind, _ backend: any TableBackend) throws -> Set<String> {
    let sql =
      kind != .sqlite
      ? "SELECT indexname FROM pg_indexes WHERE tablename = 'scores'"
      : "SELECT name FROM sqlite_master WHERE tbl_name = 'scores' AND type IN ('index', 'trigger')"
    return Set(try backend.query(sql).map { $0[0] })
  }

  private static func key(_ kind: TableKind, _ backend: any TableBackend) throws -> [String] {
    let sql =
      kind != .sqlite
      ? """
      SELECT a.attname FROM pg_index i CROSS JOIN unnest(i.indkey::int[]) WITH ORDINALITY AS u(number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.number
      WHERE i.indrelid = 'scores'::regclass AND i.indisprimary ORDER BY u.place
      """ : "SELECT name FROM pragma_table_info('scores') WHERE pk > 0 ORDER BY pk"
    return try backend.query(sql).map { $0[0] }
  }

  private static let place = ["pipeline", "topic", "partition", "offset"]

  @Test(arguments: TableKind.allCases)
  func keepsRowsAndWhatIsTheOperators(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.tablesOfVersion1(backend, kind)
    let sink = try backend.sink(Self.context)
    #expect(
      try TableBatch(Self.context, [Self.input("a", 40), Self.input("c", 41)]).write(
        to: sink, [PositionMove(partition: 0, old: nil, new: 42)]) == .written)
    let rows = try backend.query(
      "SELECT \"offset\", entity_id, event_id, note FROM scores ORDER BY \"offset\"")
    #expect(
      rows == [
        ["10", "p", "a", "mine"], ["11", "p", "b", "mine"], ["12", "q", "a", "mine"],
        ["40", "p", "a", "yours"], ["41", "p", "c", "yours"],
      ])
    #expect(try Self.key(kind, backend) == Self.place)
    #expect(try Self.names(kind, backend).isSuperset(of: ["of_note", "scores_by_entity"]))
    #expect(try backend.query("SELECT n FROM of_view") == [["4"]])
    #expect(try backend.query("SELECT version FROM tally_schema ORDER BY version") == [["1"], ["2"]])
    if kind == .sqlite {
      #expect(try backend.query("SELECT event_id FROM seen ORDER BY rowid").suffix(2) == [["a"], ["c"]])
    }
    // Once is enough.
    let before = try Self.names(kind, backend)
    #expect(try backend.sink(Self.context).positions(topic: "events", [0]) == [42])
    #expect(try Self.names(kind, backend) == before)
  }

  /// A migration that fails half way, or is cut off, has changed nothing; the next one does it all.
  @Test func aFullDiskInTheMiddleChangesNothing() throws {
    let backend = try SQLiteBackend()
    try Self.tablesOfVersion1(backend, .sqlite)
    for part in 0..<20 {
      let values = (0..<200).map {
        "('engagement', 'x', 'e\(part)-\($0)', 1, 1, 'events', 1, \(part * 200 + $0), 1, 'm', 'd', 1, 'n')"
      }
      _ = try backend.query("INSERT INTO scores VALUES \(values.joined(separator: ", "))")
    }
    let before = try backend.query("SELECT * FROM scores ORDER BY rowid")
    func limit(_ pages: String) throws {
      try backend.tables.queue.writeWithoutTransaction { database in
        _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages)")
      }
    }
    let pages = try backend.tables.queue.writeWithoutTransaction {
      try Int.fetchOne($0, sql: "PRAGMA page_count") ?? 0
    }
    try limit("\(pages + 5)")
    let failure = tableError { _ = try backend.sink(Self.context).positions(topic: "events", [0]) }
    #expect(failure?.code == .unavailable && failure?.cause == "the disk is full")
    #expect(try backend.query("SELECT * FROM scores ORDER BY rowid") == before)
    #expect(try Self.key(.sqlite, backend) == ScoresKey.former)
    #expect(try backend.query("SELECT n FROM of_view") == [["2"]])
    try limit("1000000")
    #expect(try backend.sink(Self.context).positions(topic: "events", [0]) == [nil])
    #expect(try Self.key(.sqlite, backend) == Self.place)
    #expect(try backend.query("SELECT count(*) FROM scores") == [["\(before.count)"]])
  }

  /// A view that needs the former key keeps the tables as they are, and is named as the reason.
  @Test func aViewOnTheFormerKeyIsNotDropped() throws {
    let backend = try #require(try TableKind.postgres.backend() as? PostgresBackend)
    try Self.tablesOfVersion1(backend, .postgres)
    _ = try backend.query(
      "CREATE VIEW grouped AS SELECT *, count(*) AS n FROM scores GROUP BY pipeline, entity_id, event_id")
    let failure = tableError { _ = try backend.sink(Self.context).positions(topic: "events", [0]) }
    #expect(failure?.code == .refused && failure?.cause.contains("other objects depend on it") == true)
    #expect(try Self.key(.postgres, backend) == ScoresKey.former)
    _ = try backend.query("DROP VIEW grouped")
    #expect(try backend.sink(Self.context).positions(topic: "events", [0]) == [nil])
    #expect(try Self.key(.postgres, backend) == Self.place)
  }

  /// Another key than version 1's is the operator's choice.
  @Test(arguments: TableKind.allCases)
  func anotherKeyStays(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.tablesOfVersion1(backend, kind)
    _ = try backend.query("DROP VIEW of_view")
    _ = try backend.query("DROP VIEW of_p")
    let made =
      kind != .sqlite
      ? "CREATE TABLE other (LIKE scores INCLUDING DEFAULTS)" : "CREATE TABLE other AS SELECT * FROM scores"
    let old = "scores"
    for statement in [made, "DROP TABLE \(old)", "ALTER TABLE other RENAME TO scores"] {
      _ = try backend.query(statement)
    }
    if kind == .sqlite { return }  // CREATE TABLE AS keeps no types that Tally accepts.
    let sink = try backend.sink(Self.context)
    let batch = TableBatch(Self.context, [Self.input("a", 40), Self.input("a", 41)])
    #expect(try batch.write(to: sink, [PositionMove(partition: 0, old: nil, new: 42)]) == .written)
    #expect(try Self.key(kind, backend) == [])
    #expect(try backend.query("SELECT count(*) FROM scores") == [["2"]])
  }

  /// Two programs that start at once after an upgrade.
  @Test func severalStartAtOnce() async throws {
    let backend = try TableKind.postgres.backend()
    try Self.tablesOfVersion1(backend, .postgres)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<4 {
        group.addTask { _ = try backend.sink(Self.context).positions(topic: "events", [0]) }
      }
      try await group.waitForAll()
    }
    #expect(try Self.key(.postgres, backend) == Self.place)
    #expect(try backend.query("SELECT count(*) FROM scores") == [["3"]])
  }
}
