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
      "PREPARE tally_scores (text, text) AS \(insert(plan.scores, distinct: ["entity_id", "event_id"]))",
      "PREPARE tally_latest (text, text) AS \(insert(plan.latestScores, distinct: ["entity_id"]))",
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

  /// An upsert may meet a row only once: of several staged rows of one key the last stays.
  private func insert(_ table: TableDefinition, distinct: [String]) -> String {
    let keys = TableStatements.list(distinct)
    let values = table.columns.map { column in
      switch column.name {
      case "pipeline": pipeline
      case "topic": topic
      case "model_versions": "$1"
      case "definition": "$2"
      default: TableStatements.quoted(column.name)
      }
    }
    return """
      INSERT INTO \(TableStatements.quoted(table.name)) (\(TableStatements.list(table.columns.map(\.name))))
      SELECT DISTINCT ON (\(keys)) \(values.joined(separator: ", ")) FROM pg_temp.tally_rows
      ORDER BY \(keys), seq DESC
      \(TableStatements.keepLater(table, others: others[table.name] ?? []))
      """
  }

  private var insertLetters: String {
    let columns = TableStatements.list(Self.stagedLetters.map(\.name))
    return """
      INSERT INTO dead_letters (pipeline, topic, \(columns))
      SELECT \(pipeline), \(topic), \(columns) FROM pg_temp.tally_letters ON CONFLICT DO NOTHING
      """
  }
}
