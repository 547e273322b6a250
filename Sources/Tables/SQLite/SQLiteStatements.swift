package import Dataflow
import Events
package import GRDB
import GRDBSQLite

/// SQL text of a sink, and how a batch is put into it. The statements are prepared once and kept by the
/// connection.
package struct SQLiteStatements {
  private let pipeline: String
  private let topic: String
  private let scores: String
  private let latestScores: String

  /// `left`: the tables' columns that an earlier plan wrote.
  package init(_ plan: TablePlan, _ left: [String: [String]]) {
    pipeline = plan.context.pipeline
    topic = plan.context.topic
    // The position has moved in the same transaction, so no row of `scores` can be there already.
    scores = Self.insert(plan.scores)
    latestScores =
      Self.insert(plan.latestScores) + " "
      + TableStatements.keepLater(
        plan.latestScores, left: left[plan.latestScores.name] ?? [], byTime: !plan.context.keepsState)
  }

  /// T of a partition; nil: none.
  package func position(_ partition: Int32, topic: String, _ database: Database) throws -> TablePosition? {
    let row = try Row.fetchOne(
      database,
      sql:
        "SELECT next_offset, left_out FROM positions WHERE pipeline = ? AND topic = ? AND \"partition\" = ?",
      arguments: [pipeline, topic, partition])
    guard let row, let next = Int64.fromDatabaseValue(row[0]) else { return nil }
    let value: DatabaseValue = row[1]
    // A value that is no text is none that Tally has written.
    let text = value.isNull ? nil : String.fromDatabaseValue(value) ?? "?"
    return try TablePositions.position(next, text, partition: partition)
  }

  /// Moves a position; false: it is not where it should be.
  package func move(_ move: PositionMove, _ database: Database) throws -> Bool {
    if let old = move.old {
      try database.cachedStatement(
        sql: """
          UPDATE positions SET next_offset = ?, left_out = ?
          WHERE pipeline = ? AND topic = ? AND "partition" = ? AND next_offset = ?
          """
      ).execute(arguments: [move.new, move.leftOutText, pipeline, topic, move.partition, old])
    } else {
      try database.cachedStatement(
        sql: """
          INSERT INTO positions (pipeline, topic, "partition", next_offset, left_out) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT DO NOTHING
          """
      ).execute(arguments: [pipeline, topic, move.partition, move.new, move.leftOutText])
    }
    return database.changesCount == 1
  }

  /// Removes what the table has of the entities that the batch erases.
  package func erase(_ batch: ScoredBatch, _ database: Database) throws {
    for erasure in batch.erasures where erasure.toTable {
      let id = batch.events.string(batch.events.events[Int(erasure.event)].entityID)
      for table in TablePlan.tablesOfEntities {
        try database.cachedStatement(sql: "DELETE FROM \(table) WHERE pipeline = ? AND entity_id = ?")
          .execute(arguments: [pipeline, id])
      }
      // Both ways through an index; the whole key is compared, too.
      try database.cachedStatement(
        sql:
          "DELETE FROM dead_letters WHERE pipeline = ? AND substr(key, 1, 257) = CAST(? AS blob) AND key = CAST(? AS blob)"
      ).execute(arguments: [pipeline, id, id])
      try database.cachedStatement(sql: "DELETE FROM dead_letters WHERE pipeline = ? AND entity_id = ?")
        .execute(arguments: [pipeline, id])
    }
  }

  /// Adds the batch's rows with `toTable` to `scores` and `latest_scores`; `only` those at these positions.
  package func insert(
    rowsOf batch: ScoredBatch, only positions: Range<Int>? = nil, _ plan: TablePlan, _ database: Database
  ) throws {
    let positions = positions ?? 0..<batch.rows.count
    guard batch.rows[positions].contains(where: { $0.toTable }) else { return }
    let versions = Array(TablePlan.modelVersions(batch.context).utf8)
    let shared = Shared(
      pipeline: Array(pipeline.utf8), topic: Array(topic.utf8), versions: versions,
      definition: Array(batch.context.definition.utf8))
    var score = SQLiteCells(try database.cachedStatement(sql: scores))
    var latest = SQLiteCells(try database.cachedStatement(sql: latestScores))
    for index in positions where batch.rows[index].toTable {
      let row = batch.rows[index]
      bind(&score, row, index, batch, plan, shared)
      var status = score.step()
      if status == SQLITE_OK {
        bind(&latest, row, index, batch, plan, shared)
        bind(featuresOf: index, &latest, batch, plan)
        status = latest.step()
      }
      guard status == SQLITE_OK else { throw SQLiteProblem.error(code: status, "sqlite: insert scores") }
    }
  }

  /// Adds the batch's dead letters with `toTable`; `only` those at these positions.
  package func insert(
    lettersOf batch: ScoredBatch, only positions: Range<Int>? = nil, _ database: Database
  ) throws {
    let positions = positions ?? 0..<batch.deadLetters.count
    guard batch.deadLetters[positions].contains(where: { $0.toTable }) else { return }
    let columns = TablePlan.letterColumns
    let marks = columns.map { _ in "?" }.joined(separator: ", ")
    let names = TableStatements.list(columns.map(\.name))
    var cells = SQLiteCells(
      try database.cachedStatement(
        sql: "INSERT INTO dead_letters (\(names)) VALUES (\(marks)) ON CONFLICT DO NOTHING"))
    for letter in batch.deadLetters[positions] where letter.toTable {
      let record = batch.records[letter.record]
      let content = LetterContent(letter, record, bytesMax: LetterContent.bytesMax)
      cells.text(pipeline)
      cells.text(topic)
      cells.cell(Int64(record.partition))
      cells.cell(record.offset)
      cells.text(letter.reason.rawValue)
      cells.text(letter.detail)
      cells.blob(content.key)
      cells.blob(content.value)
      if record.ingestTimeMs < 0 { cells.null() } else { cells.cell(record.ingestTimeMs * 1_000) }
      cells.cell(batch.scoredAtMicros)
      if let id = letter.idText { cells.text(id) } else { cells.null() }
      cells.cell(Int64(record.key.count))
      cells.cell(Int64(record.value.count))
      if let hash = content.hash { hash.withUnsafeBytes { cells.blob($0) } } else { cells.null() }
      let status = cells.step()
      guard status == SQLITE_OK else {
        throw SQLiteProblem.error(code: status, "sqlite: insert dead letters")
      }
    }
  }

  /// What all rows of a batch share, as UTF-8.
  private struct Shared {
    var pipeline: [UInt8]
    var topic: [UInt8]
    var versions: [UInt8]
    var definition: [UInt8]
  }

  /// Binds the columns of `scores`, with which `latest_scores` begins.
  private func bind(
    _ cells: inout SQLiteCells, _ row: ScoredRow, _ index: Int, _ batch: ScoredBatch, _ plan: TablePlan,
    _ shared: Shared
  ) {
    let event = batch.events.events[Int(row.event)]
    let record = batch.records[row.record]
    cells.text(shared.pipeline)
    batch.events.withBytes(of: event.entityID) { cells.text($0) }
    batch.events.withBytes(of: event.eventID) { cells.text($0) }
    cells.cell(event.time)
    cells.cell(row.asOf)
    cells.text(shared.topic)
    cells.cell(Int64(record.partition))
    cells.cell(record.offset)
    let outputs = batch.outputs.row(index)
    for column in plan.outputs.indices { cells.cell(outputs[column]) }
    for column in plan.decisions.indices {
      let code = batch.decisions[index * plan.decisions.count + column]
      let labels = plan.decisionLabels[column]
      if labels.isEmpty {
        cells.cell(code == 0 ? 0 : 1 as Int64)
      } else if labels.indices.contains(Int(code)) {
        cells.text(labels[Int(code)])
      } else {
        cells.null()
      }
    }
    cells.text(shared.versions)
    cells.text(shared.definition)
    cells.cell(batch.scoredAtMicros)
  }

  private func bind(
    featuresOf index: Int, _ cells: inout SQLiteCells, _ batch: ScoredBatch, _ plan: TablePlan
  ) {
    guard !plan.features.isEmpty else { return }
    let features = batch.features.row(index)
    for (position, column) in plan.context.tableFeatures.enumerated() {
      let labels = plan.featureLabels[position]
      if labels.isEmpty {
        cells.cell(features[column])
      } else if let code = Int(exactly: features[column]), labels.indices.contains(code) {
        cells.text(labels[code])
      } else {
        cells.null()
      }
    }
  }

  private static func insert(_ table: TableDefinition) -> String {
    let marks = table.columns.map { _ in "?" }.joined(separator: ", ")
    return """
      INSERT INTO \(TableStatements.quoted(table.name)) (\(TableStatements.list(table.columns.map(\.name))))
      VALUES (\(marks))
      """
  }
}
