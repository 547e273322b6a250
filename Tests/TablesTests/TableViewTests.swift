import Dataflow
import Declaration
import Foundation
import TestPlaces
import TestServers
import TestThreads
import Tables
import Testing

/// Views that a pipeline declares.
@Suite(.onThreads) struct TableViewTests {
  private static let people = TableView(
    name: "people", "SELECT entity_id AS person, engagement FROM latest_scores WHERE engagement >= 0.5")
  private static let counts = TableView(
    name: "counts", "SELECT pipeline, count(*) AS rows FROM scores GROUP BY pipeline")

  private static func write(_ backend: any TableBackend, _ context: ScoreContext, _ offset: Int64) throws {
    let row = TableInput(
      entity: "p", event: "e\(offset)", time: 1, asOf: 1, partition: 0, offset: offset,
      outputs: context.outputNames.map { _ in 0.75 }, decisions: context.decisionNames.map { _ in 1 },
      features: context.featureNames.map { _ in 1 })
    let move = PositionMove(partition: 0, old: offset == 0 ? nil : offset, new: offset + 1)
    #expect(try TableBatch(context, [row]).write(to: backend.sink(context), [move]) == .written)
  }

  private static func refusal(_ backend: any TableBackend, _ context: ScoreContext) throws -> PortError {
    let error = try #require(tableError { _ = try backend.sink(context).positions(topic: "events", [0]) })
    #expect(error.code == .refused)
    return error
  }

  @Test(arguments: TableKind.allCases)
  func viewsAnswer(_ kind: TableKind) throws {
    let backend = try kind.backend()
    var sum = TableView(name: "sum", postgres: nil, sqlite: nil)
    sum.sqlite = "SELECT 'sqlite' AS database, total(engagement) AS all_of_it FROM scores"
    sum.postgres = "SELECT 'postgres' AS database, sum(engagement) AS all_of_it FROM scores"
    let elsewhere = TableView(
      name: "elsewhere", postgres: kind == .sqlite ? "SELECT 1" : nil,
      sqlite: kind == .sqlite ? nil : "SELECT 1")
    try Self.write(backend, TableFixture.context(views: [Self.people, Self.counts, sum, elsewhere]), 0)
    #expect(try backend.query("SELECT person FROM people") == [["p"]])
    #expect(try backend.query("SELECT * FROM counts") == [["engagement", "1"]])
    #expect(
      try backend.query("SELECT database, round(CAST(all_of_it AS numeric), 2) FROM sum")
        == [[kind == .sqlite ? "sqlite" : "postgres", "0.75"]])
    #expect((try? backend.query("SELECT * FROM elsewhere")) == nil)
  }

  /// The views of the pipeline that ships.
  @Test(arguments: TableKind.allCases)
  func viewsOfEngagementAnswer(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let text = try String(contentsOfFile: Places.pipeline, encoding: .utf8)
    let context = TableFixture.context(
      decisions: [("engagement_category", ["high", "medium", "low"]), ("intervene", [])],
      views: try loadPipeline(yaml: text).views)
    func person(_ id: String, _ offset: Int64, _ engagement: Float, premium: Bool, risk: Float) -> TableInput
    {
      var features = context.featureNames.map { _ in 1 as Float }
      features[TableFixture.features.firstIndex(of: "account_type")!] = premium ? 1 : 0
      features[TableFixture.features.firstIndex(of: "churn_risk_score")!] = risk
      return TableInput(
        entity: id, event: "e\(offset)", time: 1, asOf: 1, partition: 0, offset: offset,
        outputs: [engagement, 0.1], decisions: [engagement >= 0.7 ? 0 : engagement >= 0.4 ? 1 : 2, 0],
        features: features)
    }
    let people = [
      person("best", 0, 0.7, premium: true, risk: 0), person("free", 1, 0.9, premium: false, risk: 0),
      person("less", 2, 0.4, premium: true, risk: 0.75), person("low", 3, 0.25, premium: true, risk: 0.5),
      person("mean", 4, 0.3, premium: true, risk: 0.5),
    ]
    let batch = TableBatch(context, people)
    #expect(try batch.write(to: backend.sink(context), [.init(partition: 0, old: nil, new: 5)]) == .written)
    #expect(
      try backend.query("SELECT pipeline, customer_id, location, account_type FROM high_value_customers")
        == [["engagement", "best", "south", "premium"]])
    #expect(
      try backend.query(
        "SELECT customer_id, round(CAST(predicted_churn AS numeric), 1) FROM at_risk_customers")
        == [["less", "0.1"], ["low", "0.1"]])
    let summary = """
      SELECT model_version, total_predictions, high_count, medium_count, low_count,
        round(CAST(avg_score AS numeric), 4), round(CAST(stddev_score AS numeric), 4) FROM model_performance
      """
    let mean = kind == .sqlite ? "0.51" : "0.5100"
    #expect(try backend.query(summary) == [["engagement=v1,churn=v1", "5", "2", "1", "2", mean, "0.2793"]])
  }

  /// A view is touched when its declaration changes, and replaced then, so that what others have made of it stays.
  @Test(arguments: [TableKind.postgres, .pooled])
  func grantsAndWhatDependsOnViewsStay(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(views: [Self.people, Self.counts]), 0)
    let reader = "reader\(UInt32.random(in: 0...UInt32.max))"
    for sql in [
      "CREATE ROLE \(reader)", "GRANT SELECT ON people TO \(reader)",
      "CREATE VIEW dashboard AS SELECT person FROM people", "COMMENT ON VIEW counts IS 'mine'",
    ] { _ = try backend.query(sql) }
    func oids() throws -> [[String]] {
      try backend.query("SELECT 'people'::regclass::oid, 'counts'::regclass::oid, 'dashboard'::regclass::oid")
    }
    let before = try oids()
    let wider = TableView(
      name: "people",
      "SELECT entity_id AS person, engagement, churn FROM latest_scores WHERE engagement >= 0.5")
    try Self.write(backend, TableFixture.context(views: [wider, Self.counts]), 1)
    #expect(try oids() == before)
    #expect(
      try backend.query(
        "SELECT has_table_privilege('\(reader)', 'people', 'SELECT'), obj_description('counts'::regclass)")
        == [["t", "mine"]])
    #expect(try backend.query("SELECT round(churn::numeric, 2) FROM people") == [["0.75"]])
    _ = try backend.query("DROP OWNED BY \(reader)")
    _ = try backend.query("DROP ROLE \(reader)")
    // A view that must lose a column cannot be replaced: said, and nothing is lost.
    let error = try Self.refusal(backend, TableFixture.context(views: [Self.people, Self.counts]))
    #expect(error.reason == .tableForeign && error.cause.contains("DROP VIEW \"people\" CASCADE"), "\(error)")
    #expect(try oids() == before)
  }

  /// A change reaches the view in either database, and a view that an operator has changed stays as it is otherwise.
  @Test(arguments: TableKind.allCases)
  func aChangedDeclarationIsMadeAnew(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context(views: [Self.people, Self.counts])
    try Self.write(backend, context, 0)
    _ = try backend.query("DROP VIEW counts")
    _ = try backend.query("CREATE VIEW counts AS SELECT 42 AS answer")
    let stricter = TableView(
      name: "people", "SELECT entity_id AS person, engagement FROM latest_scores WHERE engagement >= 0.8")
    try Self.write(backend, TableFixture.context(views: [stricter, Self.counts]), 1)
    #expect(try backend.query("SELECT count(*) FROM people") == [["0"]])
    #expect(try backend.query("SELECT answer FROM counts") == [["42"]])
    // One that is no longer declared stays for whoever reads it.
    try Self.write(backend, TableFixture.context(views: []), 2)
    #expect(try backend.query("SELECT count(*) FROM people") == [["0"]])
  }

  /// A view that another one's change breaks is named, and mended by its declaration.
  @Test func aViewThatIsBrokenIsNamed() throws {
    let backend = try TableKind.sqlite.backend()
    func views(_ first: String, _ second: String) -> ScoreContext {
      TableFixture.context(views: [TableView(name: "a", first), TableView(name: "b", second)])
    }
    let (wide, narrow) = ("SELECT entity_id, churn FROM latest_scores", "SELECT entity_id FROM latest_scores")
    try Self.write(backend, views(wide, "SELECT churn FROM a"), 0)
    let error = try Self.refusal(backend, views(narrow, "SELECT churn FROM a"))
    #expect(error.reason == .badPipeline && error.cause.contains("views.b"), "\(error)")
    // As nobody but Tally would leave it.
    _ = try backend.query("DROP VIEW a")
    _ = try backend.query("CREATE VIEW a AS \(narrow)")
    #expect(try Self.refusal(backend, views(wide, "SELECT churn FROM a")).cause.contains("views.b"))
    try Self.write(backend, views(wide, "SELECT entity_id FROM a"), 1)
    #expect(try backend.query("SELECT * FROM b") == [["p"]])
  }

  @Test(arguments: TableKind.allCases)
  func viewsOfSomebodyElseAreRefused(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(), 0)
    _ = try backend.query("CREATE VIEW people AS SELECT 1 AS mine")
    _ = try backend.query("CREATE TABLE counts (mine integer)")
    for view in [Self.people, Self.counts] {
      let error = try Self.refusal(backend, TableFixture.context(views: [view]))
      #expect(error.reason == .tableForeign && error.cause.contains("view \(view.name)"), "\(error)")
    }
    #expect(try backend.query("SELECT mine FROM people") == [["1"]])
  }

  /// What an earlier version made without noting it is adopted.
  @Test(arguments: TableKind.allCases)
  func viewsOfAnEarlierVersionAreAdopted(_ kind: TableKind) throws {
    let backend = try kind.backend()
    let context = TableFixture.context(views: [Self.people])
    try Self.write(backend, context, 0)
    _ = try backend.query("DELETE FROM tally_made WHERE kind = 'view_of'")
    try Self.write(backend, context, 1)
    _ = try backend.query("DROP TABLE tally_made")
    try Self.write(backend, context, 2)
    #expect(
      try backend.query("SELECT kind, detail FROM tally_made WHERE name = 'people' AND kind = 'view_of'")
        == [["view_of", "engagement"]])
  }

  @Test(arguments: TableKind.allCases)
  func twoPipelinesMustDeclareAViewAlike(_ kind: TableKind) throws {
    let backend = try kind.backend()
    try Self.write(backend, TableFixture.context(views: [Self.counts]), 0)
    try Self.write(backend, TableFixture.context(pipeline: "other", views: [Self.counts]), 0)
    #expect(try backend.query("SELECT pipeline FROM counts ORDER BY 1") == [["engagement"], ["other"]])
    let another = TableView(name: "counts", "SELECT count(*) AS rows FROM scores")
    let error = try Self.refusal(backend, TableFixture.context(pipeline: "third", views: [another]))
    #expect(error.reason == .tableForeign && error.cause.contains("engagement, other"), "\(error)")
    // Nor may one that has declared it alike change it under the others.
    let changed = try Self.refusal(backend, TableFixture.context(pipeline: "other", views: [another]))
    #expect(changed.reason == .tableForeign && changed.cause.contains("DROP VIEW \"counts\""), "\(changed)")
    _ = try backend.query("DROP VIEW counts")
    _ = try backend.sink(TableFixture.context(pipeline: "other", views: [another])).positions(
      topic: "events", [0])
    #expect(try backend.query("SELECT * FROM counts") == [["2"]])
  }

  /// Before there is a database, SQLite in memory is asked.
  @Test func viewsAreTriedInMemory() throws {
    let wrong = TableView(name: "wrong", "SELECT engagment FROM scores")
    let elsewhere = TableView(name: "elsewhere", postgres: "SELECT nothing", sqlite: nil)
    let context = TableFixture.context(views: [Self.people, wrong, Self.counts, elsewhere])
    let objections = try SQLiteTables.objections(toViewsOf: context)
    #expect(objections.count == 1 && objections[0].contains("views.wrong"), "\(objections)")
    #expect(objections.first?.contains("engagment") == true)
    let text = try String(contentsOfFile: Places.pipeline, encoding: .utf8)
    let shipped = TableFixture.context(
      decisions: [("engagement_category", ["high", "medium", "low"])],
      views: try loadPipeline(yaml: text).views)
    #expect(try SQLiteTables.objections(toViewsOf: shipped).isEmpty)
  }

  /// What the database says against a view names the declaration, and nothing else of the migration is kept.
  @Test(
    arguments: TableKind.allCases,
    [
      "SELECT engagment FROM scores", "SELECT 1 FROM nowhere", "SELECT FROM WHERE",
      "SELECT 1, 1 FROM scores)",
    ])
  func whatTheDatabaseRefusesIsSaid(_ kind: TableKind, select: String) throws {
    let backend = try kind.backend()
    let error = try Self.refusal(
      backend, TableFixture.context(views: [Self.people, TableView(name: "wrong", select)]))
    #expect(error.reason == .badPipeline && error.cause.contains("views.wrong"), "\(error)")
    if select.contains("engagment") { #expect(error.cause.contains("engagment"), "\(error)") }
    #expect((try? backend.query("SELECT * FROM people")) == nil)
    try Self.write(backend, TableFixture.context(views: [Self.people]), 0)
  }
}

extension TableView {
  fileprivate init(name: String, _ select: String) { self.init(name: name, postgres: select, sqlite: select) }
}
