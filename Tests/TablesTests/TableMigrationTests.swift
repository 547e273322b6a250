import Dataflow
import Sink
import TestServers
import TestThreads
import Testing
import Tables

@Suite(.onThreads) struct TableMigrationTests {
  private static func input(_ context: ScoreContext, _ entity: String, _ offset: Int64) -> TableInput {
    TableInput(
      entity: entity, event: "e\(offset)", time: 1, asOf: 1, partition: 0, offset: offset,
      outputs: context.outputNames.map { _ in 0.8 }, decisions: context.decisionNames.map { _ in 1 },
      features: context.featureNames.map { _ in 1 })
  }

  private static func write(_ backend: any TableBackend, _ context: ScoreContext, _ offset: Int64) throws {
    let move = PositionMove(partition: 0, old: offset == 0 ? nil : offset, new: offset + 1)
    let batch = TableBatch(context, [input(context, "p", offset)])
    #expect(try batch.write(to: backend.sink(context), [move]) == .written)
  }

  @Test(arguments: TableKind.allCases)
  func addsColumnsToOlderTables(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(
      backend, TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"]), 0)
    try Self.write(backend, TableFixture.context(), 1)
    #expect(
      try backend.query(
        "SELECT event_id, level, \(backend.flag("intervene")) FROM scores ORDER BY \"offset\"")
        == [["e0", "", ""], ["e1", "medium", "1"]])
    #expect(try backend.query("SELECT count(churn), count(engagement) FROM scores") == [["1", "2"]])
    #expect(try backend.query("SELECT location, account_type FROM latest_scores") == [["south", "premium"]])
    #expect(try backend.query("SELECT version FROM tally_schema") == [["2"]])
  }

  /// A pipeline that drops a feature must not leave the old value beside new ones.
  @Test(arguments: TableKind.allCases)
  func columnsThatAreNoLongerWrittenBecomeNull(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(), 0)
    try Self.write(
      backend, TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"]), 1)
    #expect(
      try backend.query("SELECT event_id, location, churn, level FROM latest_scores") == [["e1", "", "", ""]])
    #expect(try backend.query("SELECT count(churn) FROM scores") == [["1"]])
  }

  /// Tally writes the columns that it has made and no others, whatever somebody has done to the tables.
  @Test(arguments: TableKind.allCases)
  func columnsOfSomebodyElseAreTheirs(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    try Self.write(backend, context, 0)
    for sql in [
      "ALTER TABLE latest_scores ADD COLUMN crm_note text", "UPDATE latest_scores SET crm_note = 'call back'",
      "ALTER TABLE latest_scores ADD COLUMN stage text NOT NULL DEFAULT 'new'",
      "ALTER TABLE scores ADD COLUMN reviewed integer DEFAULT 7",
      kind == .sqlite
        ? "ALTER TABLE latest_scores ADD COLUMN band text GENERATED ALWAYS AS (CASE WHEN churn > 0.5 THEN 'high' ELSE 'low' END)"
        : "ALTER TABLE latest_scores ADD COLUMN band text GENERATED ALWAYS AS (CASE WHEN churn > 0.5 THEN 'high' ELSE 'low' END) STORED",
    ] { _ = try backend.query(sql) }
    try Self.write(backend, context, 1)
    let columns = "SELECT event_id, crm_note, stage, band FROM latest_scores"
    #expect(try backend.query(columns) == [["e1", "call back", "new", "high"]])
    // Also when the pipeline writes fewer columns than before.
    try Self.write(
      backend, TableFixture.context(outputs: ["engagement", "churn"], decisions: [], features: ["age"]), 2)
    #expect(try backend.query(columns) == [["e2", "call back", "new", "high"]])
    #expect(try backend.query("SELECT level, location FROM latest_scores") == [["", ""]])
    #expect(try backend.query("SELECT reviewed FROM scores ORDER BY \"offset\"").allSatisfy { $0 == ["7"] })
  }

  /// What no row could be written beside is said at the start, with what to do.
  @Test(arguments: TableKind.allCases)
  func columnsThatForbidRowsAreRefused(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context()
    _ = try backend.sink(context).positions(topic: "events", [0])
    // SQLite adds no such column to a table that is there.
    if kind == .sqlite {
      _ = try backend.query("DROP TABLE positions")
      _ = try backend.query(
        "CREATE TABLE positions (pipeline text NOT NULL, topic text NOT NULL, \"partition\" integer NOT NULL, "
          + "next_offset integer NOT NULL, owner text NOT NULL, PRIMARY KEY (pipeline, topic, \"partition\"))"
      )
    } else {
      _ = try backend.query("ALTER TABLE positions ADD COLUMN owner text NOT NULL")
    }
    let error = try #require(tableError { _ = try backend.sink(context).positions(topic: "events", [0]) })
    #expect(error.code == .refused)
    #expect(
      error.cause.contains("column owner of table positions is yours, NOT NULL and without a default"),
      "\(error)")
    guard kind != .sqlite else { return }
    _ = try backend.query("ALTER TABLE positions ALTER COLUMN \"owner\" DROP NOT NULL")
    try Self.write(backend, context, 0)
  }

  @Test(arguments: TableKind.allCases)
  func aColumnThatTheDatabaseMakesIsRefused(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(
      backend, TableFixture.context(outputs: ["engagement"], decisions: [], features: ["age"]), 0)
    let stored = kind == .sqlite ? "" : " STORED"
    _ = try backend.query(
      "ALTER TABLE latest_scores ADD COLUMN churn real GENERATED ALWAYS AS (engagement / 2)\(stored)")
    let error = try #require(
      tableError { _ = try backend.sink(TableFixture.context()).positions(topic: "events", [0]) })
    #expect(error.cause.contains("column churn of table latest_scores is generated"), "\(error)")
  }

  @Test(arguments: TableKind.allCases)
  func pipelinesShareTheTables(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(), 0)
    try Self.write(
      backend,
      TableFixture.context(
        pipeline: "age", outputs: ["years"], decisions: [("adult", [])], features: ["age"]), 0)
    let sql = """
      SELECT pipeline, count(engagement), count(years), count(*) FROM latest_scores
      GROUP BY pipeline ORDER BY pipeline
      """
    #expect(try backend.query(sql) == [["age", "0", "1", "1"], ["engagement", "1", "0", "1"]])
    #expect(try backend.query("SELECT pipeline, next_offset FROM positions ORDER BY pipeline").count == 2)
  }

  @Test(arguments: TableKind.allCases)
  func aColumnOfAnotherTypeIsRefused(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(), 0)
    let clash = TableFixture.context(outputs: ["level"], decisions: [], features: ["age"])
    let error = try #require(tableError { _ = try backend.sink(clash).positions(topic: "events", [0]) })
    #expect(error.code == .refused)
    #expect(error.cause.contains("column level of table scores is text, not real"))
  }

  @Test(arguments: TableKind.allCases)
  func foreignAndNewerTablesAreRefused(_ kind: TableKind) throws {
    let foreign = try kind.backend()
    _ = try foreign.query("CREATE TABLE scores (player text, points integer)")
    let error = tableError { _ = try foreign.sink(TableFixture.context()).positions(topic: "t", [0]) }
    #expect(error?.code == .refused)
    #expect(error?.cause.contains("scores") == true)
    #expect(try foreign.query("SELECT count(*) FROM scores") == [["0"]])
    let newer = try kind.backend()
    try Self.write(newer, TableFixture.context(), 0)
    _ = try newer.query("INSERT INTO tally_schema (version) VALUES (99)")
    let refusal = tableError { _ = try newer.sink(TableFixture.context()).positions(topic: "t", [0]) }
    #expect(refusal?.code == .refused)
    #expect(refusal?.cause.contains("99") == true)
  }

  @Test(arguments: [
    TableFixture.context(outputs: ["entity_id"]), TableFixture.context(outputs: ["Age"]),
    TableFixture.context(outputs: [""]), TableFixture.context(outputs: [String(repeating: "x", count: 64)]),
    TableFixture.context(outputs: ["level"]),
  ])
  func impossibleColumnsAreRefused(_ context: ScoreContext) throws {
    #expect(
      tableError { _ = try PostgresTableSink(PostgresConfiguration(connection: ""), context: context) }?.code
        == .refused)
  }
}
