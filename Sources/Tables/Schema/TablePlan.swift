package import Dataflow

/// What a pipeline's tables look like, and the words for its codes. Made once.
package struct TablePlan {
  /// PostgreSQL cuts longer names.
  static let columnNameBytesMax = 63

  package let context: ScoreContext
  let outputs: [TableColumn]
  let decisions: [TableColumn]
  let features: [TableColumn]
  /// Labels of each decision by code, as UTF-8; empty: a trigger.
  let decisionLabels: [[[UInt8]]]
  /// Labels of each table feature by code, as UTF-8; empty: a number.
  let featureLabels: [[[UInt8]]]

  /// Throws `PortError.refused` for names that cannot be columns.
  package init(_ context: ScoreContext) throws {
    self.context = context
    outputs = context.outputNames.map { TableColumn(name: $0, type: .real) }
    decisions = zip(context.decisionNames, context.decisionLabels).map {
      TableColumn(name: $0, type: $1.isEmpty ? .flag : .text)
    }
    features = context.tableFeatures.map {
      TableColumn(name: context.featureNames[$0], type: context.featureLabels[$0].isEmpty ? .real : .text)
    }
    decisionLabels = context.decisionLabels.map { $0.map { Array($0.utf8) } }
    featureLabels = context.tableFeatures.map { number in
      let labels = context.featureLabels[number]
      // The code after the last word means none of the words (Features: "other").
      return labels.isEmpty ? [] : (labels + ["other"]).map { Array($0.utf8) }
    }
    try checkNames()
  }

  /// Views that the pipeline declares for a database, with what they select.
  func views(_ dialect: TableDialect) -> [(name: String, select: String)] {
    context.views.compactMap { view in
      (dialect == .postgres ? view.postgres : view.sqlite).map { (view.name, $0) }
    }
  }

  var tables: [TableDefinition] { [scores, latestScores, Self.deadLetters, Self.positions] }

  /// Tables that have rows of an entity under its id; `dead_letters` has them also under the record's key.
  static let tablesOfEntities = ["scores", "latest_scores"]

  /// One row per event.
  var scores: TableDefinition {
    TableDefinition(
      name: "scores", columns: Self.eventColumns + outputs + decisions + Self.originColumns,
      primaryKey: ["pipeline", "topic", "partition", "offset"], index: ["pipeline", "entity_id", "topic"])
  }

  /// One row per entity.
  var latestScores: TableDefinition {
    TableDefinition(
      name: "latest_scores", columns: Self.eventColumns + outputs + decisions + Self.originColumns + features,
      primaryKey: ["pipeline", "entity_id"])
  }

  /// Whether a batch of this context has these columns.
  func fits(_ other: ScoreContext) -> Bool {
    context.pipeline == other.pipeline && context.topic == other.topic
      && context.outputNames == other.outputNames
      && context.decisionNames == other.decisionNames && context.decisionLabels == other.decisionLabels
      && context.featureNames == other.featureNames && context.featureLabels == other.featureLabels
      && context.tableFeatures == other.tableFeatures
  }

  /// Which model versions said so: `engagement=abc123,churn=def456`.
  package static func modelVersions(_ context: ScoreContext) -> String {
    var found: [String] = []
    for (name, version) in zip(context.modelNames, context.modelVersions)
    where !version.isEmpty && found.last != "\(name)=\(version)" {
      found.append("\(name)=\(version)")
    }
    return found.joined(separator: ",")
  }

  private func checkNames() throws {
    var taken = ScoreColumns.reserved
    for column in outputs + decisions + features {
      let bytes = column.name.utf8
      guard !bytes.isEmpty, bytes.count <= Self.columnNameBytesMax, !bytes.contains(0) else {
        throw PortError(
          .refused, "table columns",
          cause: "\(column.name) cannot be a column: a name has 1 to \(Self.columnNameBytesMax) bytes",
          reason: .tableForeign)
      }
      // SQLite's names are equal when they differ in case only.
      guard taken.insert(column.name.lowercased()).inserted else {
        throw PortError(
          .refused, "table columns",
          cause: "\(column.name) is the name of two columns: rename the output, the decision or the feature",
          reason: .tableForeign)
      }
    }
  }

  static let positions = TableDefinition(
    name: "positions",
    columns: [
      TableColumn(name: "pipeline", type: .id, isRequired: true),
      TableColumn(name: "topic", type: .id, isRequired: true),
      TableColumn(name: "partition", type: .integer, isRequired: true),
      TableColumn(name: "next_offset", type: .long, isRequired: true),
      // `LeftOutRanges.text`; null: nothing is left out.
      TableColumn(name: "left_out", type: .text),
    ],
    primaryKey: ["pipeline", "topic", "partition"])

  static let deadLetters = TableDefinition(
    name: "dead_letters", columns: letterColumns + replayColumns,
    primaryKey: ["pipeline", "topic", "partition", "offset"],
    indices: [
      TableIndex(
        name: "dead_letters_by_entity", postgres: "(pipeline, entity_id)", sqlite: "(pipeline, entity_id)"),
      // No more of a key than an index may hold, and one byte more than an id has.
      TableIndex(
        name: "dead_letters_by_key", postgres: "(pipeline, substring(key, 1, 257))",
        sqlite: "(pipeline, substr(key, 1, 257))"),
      TableIndex(
        name: "dead_letters_by_age", postgres: "(pipeline, recorded_at)", sqlite: "(pipeline, recorded_at)"),
    ])

  /// What the pipeline writes of a dead letter.
  static let letterColumns =
    [
      TableColumn(name: "pipeline", type: .id, isRequired: true),
      TableColumn(name: "topic", type: .id, isRequired: true),
      TableColumn(name: "partition", type: .integer, isRequired: true),
      TableColumn(name: "offset", type: .long, isRequired: true),
      TableColumn(name: "reason", type: .text, isRequired: true),
      TableColumn(name: "detail", type: .text, isRequired: true),
      TableColumn(name: "key", type: .bytes),
      TableColumn(name: "value", type: .bytes),
      TableColumn(name: "ingest_time", type: .time),
      TableColumn(name: "recorded_at", type: .time, isRequired: true),
      TableColumn(name: "entity_id", type: .id),
      // Of the record as it came: the letter may have only the beginning, and the hash of the whole value (SHA-256) then.
      TableColumn(name: "key_bytes", type: .long),
      TableColumn(name: "value_bytes", type: .long),
      TableColumn(name: "value_sha256", type: .bytes),
    ]

  /// What operators write of it, when they append it to the log once more.
  static let replayColumns = [
    TableColumn(name: "replayed_at", type: .time), TableColumn(name: "replays", type: .integer),
  ]

  /// The event: first in `scores` and `latest_scores`.
  static let eventColumns = [
    TableColumn(name: "pipeline", type: .id, isRequired: true),
    TableColumn(name: "entity_id", type: .id, isRequired: true),
    TableColumn(name: "event_id", type: .id, isRequired: true),
    TableColumn(name: "event_time", type: .time, isRequired: true),
    TableColumn(name: "as_of", type: .time, isRequired: true),
    TableColumn(name: "topic", type: .id, isRequired: true),
    TableColumn(name: "partition", type: .integer, isRequired: true),
    TableColumn(name: "offset", type: .long, isRequired: true),
  ]

  /// Who said so, and when: `scored_at` is the wall clock's, outside every digest.
  static let originColumns = [
    TableColumn(name: "model_versions", type: .text, isRequired: true),
    TableColumn(name: "definition", type: .text, isRequired: true),
    TableColumn(name: "scored_at", type: .time, isRequired: true),
  ]
}

extension TablePlan {
  /// Throws `PortError.misuse` for a batch of other columns, or rows without a move.
  package func check(_ batch: ScoredBatch, _ moves: [PositionMove]) throws {
    guard fits(batch.context) else {
      throw PortError(.misuse, "table sink", cause: "the batch has other columns than the sink was made for")
    }
    let hasRows =
      batch.rows.contains { $0.toTable } || batch.deadLetters.contains { $0.toTable }
      || batch.erasures.contains { $0.toTable }
    guard !moves.isEmpty || !hasRows else {
      throw PortError(.misuse, "table sink", cause: "rows without a position to move")
    }
    guard Set(moves.map(\.partition)).count == moves.count else {
      throw PortError(.misuse, "table sink", cause: "a partition is moved twice")
    }
  }
}
