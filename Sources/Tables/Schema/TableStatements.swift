/// SQL text that both databases share.
package enum TableStatements {
  /// A name in quotes.
  static func quoted(_ name: String) -> String { enclosed(name, in: "\"") }

  /// A text in quotes; PostgreSQL must have `standard_conforming_strings` on.
  static func literal(_ text: String) -> String { enclosed(text, in: "'") }

  /// Text between quotes, those inside doubled. By scalars, as databases read it: for Swift a quote and a mark that joins
  /// it (U+0301 behind it, U+0600 before it) are one character, which is no quote.
  private static func enclosed(_ text: String, in quote: Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView()
    result.append(quote)
    for scalar in text.unicodeScalars {
      if scalar == quote { result.append(quote) }
      result.append(scalar)
    }
    result.append(quote)
    return String(result)
  }

  /// Names in quotes, with commas.
  static func list(_ names: [String]) -> String { names.map(quoted).joined(separator: ", ") }

  /// CREATE TABLE.
  static func create(_ table: TableDefinition, _ dialect: TableDialect) -> String {
    let columns = table.columns.map { declaration($0, dialect) }.joined(separator: ", ")
    return "CREATE TABLE \(quoted(table.name)) (\(columns), PRIMARY KEY (\(list(table.primaryKey))))"
  }

  /// CREATE INDEX, for one of the further ones.
  static func create(_ index: TableIndex, on table: String, _ dialect: TableDialect) -> String {
    let columns = dialect == .postgres ? index.postgres : index.sqlite
    return "CREATE INDEX IF NOT EXISTS \(quoted(index.name)) ON \(quoted(table)) \(columns)"
  }

  /// CREATE INDEX, for the index that a table has beside its key.
  static func indices(_ table: TableDefinition) -> [String] {
    guard !table.index.isEmpty else { return [] }
    let name = quoted("\(table.name)_by_entity")
    return ["CREATE INDEX IF NOT EXISTS \(name) ON \(quoted(table.name)) (\(list(table.index)))"]
  }

  /// ALTER TABLE … ADD COLUMN.
  static func add(_ column: TableColumn, to table: String, _ dialect: TableDialect) -> String {
    "ALTER TABLE \(quoted(table)) ADD COLUMN \(declaration(column, dialect))"
  }

  /// Why a row of `scores` may be refused.
  static let rowIsThere =
    "the table has a row of a record that lies behind its position: were the positions set back? Remove the rows from there "
    + "on, too; or an index or a constraint of your own forbids the row"

  /// Name that PostgreSQL gives the key of `scores`.
  static let scoresKey = "scores_pkey"

  /// What follows an INSERT's values: the row of the later event stays.
  ///
  /// Offsets of one partition tell which is later; a row of another partition or topic gives way to the new
  /// one. `byTime`: entities have records on any partition, which workers come to in any order; the row of the later as-of time
  /// stays. `left` are columns that an earlier pipeline of Tally wrote and this one does not: they become null. All others are
  /// somebody else's.
  static func keepLater(_ table: TableDefinition, left: [String], byTime: Bool) -> String {
    let name = quoted(table.name)
    let written = table.columns.map(\.name).filter { !table.primaryKey.contains($0) }
    let changes =
      written.map { "\(quoted($0)) = excluded.\(quoted($0))" } + left.map { "\(quoted($0)) = NULL" }
    let order = ["as_of", "partition", "offset"]
    let isLater =
      byTime
      ? "(\(order.map { "excluded.\(quoted($0))" }.joined(separator: ", "))) >= "
        + "(\(order.map { "\(name).\(quoted($0))" }.joined(separator: ", ")))"
      : "excluded.\"offset\" >= \(name).\"offset\" OR excluded.\"partition\" <> \(name).\"partition\""
    return """
      ON CONFLICT (\(list(table.primaryKey))) DO UPDATE SET \(changes.joined(separator: ", "))
      WHERE \(isLater) OR excluded."topic" <> \(name)."topic"
      """
  }

  /// Removes what a PostgreSQL table has of an entity.
  package static func erase(_ entityID: String, pipeline: String) -> [String] {
    let pipeline = literal(pipeline)
    let id = literal(entityID)
    return TablePlan.tablesOfEntities.map {
      "DELETE FROM \(quoted($0)) WHERE pipeline = \(pipeline) AND entity_id = \(id)"
    } + [
      // Both ways through an index; the whole key is compared, too.
      "DELETE FROM dead_letters WHERE pipeline = \(pipeline) AND substring(key, 1, 257) = convert_to(\(id), 'UTF8') "
        + "AND key = convert_to(\(id), 'UTF8')",
      "DELETE FROM dead_letters WHERE pipeline = \(pipeline) AND entity_id = \(id)",
    ]
  }

  private static func declaration(_ column: TableColumn, _ dialect: TableDialect) -> String {
    "\(quoted(column.name)) \(dialect.declaration(column.type))\(column.isRequired ? " NOT NULL" : "")"
  }
}
