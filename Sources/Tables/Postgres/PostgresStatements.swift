package import Dataflow

/// SQL text of a connection: staging tables and prepared statements.
package struct PostgresStatements {
  private let plan: TablePlan
  private let left: [String: [String]]
  private let isPooled: Bool

  /// `left`: the tables' columns that an earlier plan wrote. `isPooled`: nothing may outlive a transaction.
  init(_ plan: TablePlan, _ left: [String: [String]], isPooled: Bool) {
    self.plan = plan
    self.left = left
    self.isPooled = isPooled
  }

  /// Columns of the staged rows. `seq` is the row's number in its batch.
  static func stagedRows(_ plan: TablePlan) -> [TableColumn] {
    [
      TableColumn(name: ScoreColumns.staging, type: .integer), TableColumn(name: "entity_id", type: .id),
      TableColumn(name: "event_id", type: .id), TableColumn(name: "event_time", type: .time),
      TableColumn(name: "as_of", type: .time), TableColumn(name: "partition", type: .integer),
      TableColumn(name: "offset", type: .long), TableColumn(name: "scored_at", type: .time),
    ] + plan.outputs + plan.decisions + plan.features
  }

  /// Columns of the staged dead letters.
  static let stagedLetters =
    [TableColumn(name: ScoreColumns.staging, type: .integer)] + letterColumns

  private static let letterColumns = TablePlan.letterColumns.filter {
    $0.name != "pipeline" && $0.name != "topic"
  }

  /// Statements for a new connection; none behind a pooler.
  var setUp: [String] {
    isPooled
      ? []
      : stages + [
        "PREPARE tally_move (integer, bigint, bigint, text) AS \(move("$1", from: "$2", to: "$3", without: "$4"))",
        "PREPARE tally_start (integer, bigint, text) AS \(start("$1", at: "$2", without: "$3"))",
        "PREPARE tally_scores (text, text) AS \(insertScores("$1", "$2"))",
        "PREPARE tally_latest (text, text) AS \(upsertLatest("$1", "$2"))",
        "PREPARE tally_dead AS \(insertLetters())",
      ]
  }

  /// What a transaction begins with.
  package var begin: [String] { ["BEGIN"] + (isPooled ? stages : []) }

  /// Moves a position.
  package func move(_ move: PositionMove) -> String {
    let (partition, new) = ("\(move.partition)", "\(move.new)")
    let leftOut = move.leftOutText.map(TableStatements.literal) ?? "NULL"
    guard let old = move.old else {
      return isPooled
        ? start(partition, at: new, without: leftOut)
        : "EXECUTE tally_start(\(partition), \(new), \(leftOut))"
    }
    return isPooled
      ? self.move(partition, from: "\(old)", to: new, without: leftOut)
      : "EXECUTE tally_move(\(partition), \(old), \(new), \(leftOut))"
  }

  /// Takes over the staged rows; `only` those of these numbers.
  package func takeRows(_ context: ScoreContext, only numbers: Range<Int>? = nil) -> [String] {
    let versions = TableStatements.literal(TablePlan.modelVersions(context))
    let definition = TableStatements.literal(context.definition)
    guard isPooled || numbers != nil else {
      return [
        "EXECUTE tally_scores(\(versions), \(definition))",
        "EXECUTE tally_latest(\(versions), \(definition))",
      ]
    }
    return [
      insertScores(versions, definition, only: numbers), upsertLatest(versions, definition, only: numbers),
    ]
  }

  /// Takes over the staged letters; `only` those of these numbers.
  package func takeLetters(only numbers: Range<Int>? = nil) -> [String] {
    isPooled || numbers != nil ? [insertLetters(only: numbers)] : ["EXECUTE tally_dead"]
  }

  private var stages: [String] {
    [stage("tally_rows", Self.stagedRows(plan)), stage("tally_letters", Self.stagedLetters)]
  }

  private func move(_ partition: String, from old: String, to new: String, without leftOut: String) -> String
  {
    """
    UPDATE positions SET next_offset = \(new), left_out = \(leftOut)
    WHERE pipeline = \(pipeline) AND topic = \(topic) AND "partition" = \(partition) AND next_offset = \(old)
    """
  }

  private func start(_ partition: String, at offset: String, without leftOut: String) -> String {
    """
    INSERT INTO positions (pipeline, topic, "partition", next_offset, left_out)
    VALUES (\(pipeline), \(topic), \(partition), \(offset), \(leftOut)) ON CONFLICT DO NOTHING
    """
  }

  private static func among(_ numbers: Range<Int>?) -> String {
    numbers.map { "WHERE seq >= \($0.lowerBound) AND seq < \($0.upperBound)" } ?? ""
  }

  private var pipeline: String { TableStatements.literal(plan.context.pipeline) }
  private var topic: String { TableStatements.literal(plan.context.topic) }

  private func stage(_ name: String, _ columns: [TableColumn]) -> String {
    let list = columns.map {
      "\(TableStatements.quoted($0.name)) \(TableDialect.postgres.declaration($0.type))"
    }
    return
      "CREATE TEMP TABLE \(name) (\(list.joined(separator: ", "))) ON COMMIT \(isPooled ? "DROP" : "DELETE ROWS")"
  }

  /// The position has moved in the same transaction, so no row can be there already.
  private func insertScores(
    _ versions: String, _ definition: String, only numbers: Range<Int>? = nil
  ) -> String {
    """
    INSERT INTO scores (\(TableStatements.list(plan.scores.columns.map(\.name))))
    SELECT \(values(plan.scores, versions, definition)) FROM pg_temp.tally_rows \(Self.among(numbers))
    ORDER BY "partition", "offset"
    """
  }

  /// An upsert may meet a row only once: of several staged rows of an entity the last stays, by the rule of the table.
  private func upsertLatest(
    _ versions: String, _ definition: String, only numbers: Range<Int>? = nil
  ) -> String {
    let table = plan.latestScores
    let lastFirst = plan.context.keepsState ? "seq DESC" : "as_of DESC, \"partition\" DESC, \"offset\" DESC"
    return """
      INSERT INTO latest_scores (\(TableStatements.list(table.columns.map(\.name))))
      SELECT DISTINCT ON (entity_id) \(values(table, versions, definition)) FROM pg_temp.tally_rows
      \(Self.among(numbers)) ORDER BY entity_id, \(lastFirst)
      \(TableStatements.keepLater(table, left: left[table.name] ?? [], byTime: !plan.context.keepsState))
      """
  }

  /// What a table's columns get of the staged rows and what all rows share.
  private func values(_ table: TableDefinition, _ versions: String, _ definition: String) -> String {
    let values = table.columns.map { column in
      switch column.name {
      case "pipeline": pipeline
      case "topic": topic
      case "model_versions": versions
      case "definition": definition
      default: TableStatements.quoted(column.name)
      }
    }
    return values.joined(separator: ", ")
  }

  private func insertLetters(only numbers: Range<Int>? = nil) -> String {
    let columns = TableStatements.list(Self.letterColumns.map(\.name))
    return """
      INSERT INTO dead_letters (pipeline, topic, \(columns))
      SELECT \(pipeline), \(topic), \(columns) FROM pg_temp.tally_letters \(Self.among(numbers))
      ON CONFLICT DO NOTHING
      """
  }
}
