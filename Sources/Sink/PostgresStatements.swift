import Dataflow

/// SQL text of a connection: staging tables and prepared statements.
struct PostgresStatements {
  private let plan: TablePlan
  private let others: [String: [String]]

  /// `others`: the tables' columns that the plan does not write.
  init(_ plan: TablePlan, _ others: [String: [String]]) {
    self.plan = plan
    self.others = others
  }

  /// Columns of the staged rows. `seq` is the row's number in its batch.
  static func stagedRows(_ plan: TablePlan) -> [TableColumn] {
    [
      TableColumn(name: "seq", type: .integer), TableColumn(name: "entity_id", type: .id),
      TableColumn(name: "event_id", type: .id), TableColumn(name: "event_time", type: .time),
      TableColumn(name: "as_of", type: .time), TableColumn(name: "partition", type: .integer),
      TableColumn(name: "offset", type: .long), TableColumn(name: "scored_at", type: .time),
    ] + plan.outputs + plan.decisions + plan.features
  }

  /// Columns of the staged dead letters.
  static let stagedLetters = TablePlan.letterColumns.filter {
    $0.name != "pipeline" && $0.name != "topic"
  }

  /// Statements for a new connection.
  var setUp: [String] {
    [
      stage("tally_rows", Self.stagedRows(plan)), stage("tally_letters", Self.stagedLetters),
      """
      PREPARE tally_move (integer, bigint, bigint) AS UPDATE positions SET next_offset = $3
      WHERE pipeline = \(pipeline) AND topic = \(topic) AND "partition" = $1 AND next_offset = $2
      """,
      """
      PREPARE tally_start (integer, bigint) AS
      INSERT INTO positions (pipeline, topic, "partition", next_offset)
      VALUES (\(pipeline), \(topic), $1, $2) ON CONFLICT DO NOTHING
      """,
      "PREPARE tally_scores (text, text) AS \(insertScores)",
      "PREPARE tally_latest (text, text) AS \(upsertLatest)",
      "PREPARE tally_dead AS \(insertLetters)",
    ]
  }

  private var pipeline: String { TableStatements.literal(plan.context.pipeline) }
  private var topic: String { TableStatements.literal(plan.context.topic) }

  private func stage(_ name: String, _ columns: [TableColumn]) -> String {
    let list = columns.map {
      "\(TableStatements.quoted($0.name)) \(TableDialect.postgres.declaration($0.type))"
    }
    return "CREATE TEMP TABLE \(name) (\(list.joined(separator: ", "))) ON COMMIT DELETE ROWS"
  }

  /// The position has moved in the same transaction, so no row can be there already.
  private var insertScores: String {
    """
    INSERT INTO scores (\(TableStatements.list(plan.scores.columns.map(\.name))))
    SELECT \(values(plan.scores)) FROM pg_temp.tally_rows ORDER BY "partition", "offset"
    """
  }

  /// An upsert may meet a row only once: of several staged rows of an entity the last stays.
  private var upsertLatest: String {
    let table = plan.latestScores
    return """
      INSERT INTO latest_scores (\(TableStatements.list(table.columns.map(\.name))))
      SELECT DISTINCT ON (entity_id) \(values(table)) FROM pg_temp.tally_rows ORDER BY entity_id, seq DESC
      \(TableStatements.keepLater(table, others: others[table.name] ?? []))
      """
  }

  /// What a table's columns get of the staged rows and the parameters.
  private func values(_ table: TableDefinition) -> String {
    let values = table.columns.map { column in
      switch column.name {
      case "pipeline": pipeline
      case "topic": topic
      case "model_versions": "$1"
      case "definition": "$2"
      default: TableStatements.quoted(column.name)
      }
    }
    return values.joined(separator: ", ")
  }

  private var insertLetters: String {
    let columns = TableStatements.list(Self.stagedLetters.map(\.name))
    return """
      INSERT INTO dead_letters (pipeline, topic, \(columns))
      SELECT \(pipeline), \(topic), \(columns) FROM pg_temp.tally_letters ON CONFLICT DO NOTHING
      """
  }
}
