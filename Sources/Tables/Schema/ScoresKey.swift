import Dataflow

/// The key of `scores`: the record's place, so that every scored event has a row, also one whose id came before.
///
/// Tables of version 1 have one row per entity and event id. They get the new key in the migration's own transaction: a crash
/// leaves them as they were. All rows stay; what an id that repeated has overwritten does not come back.
enum ScoresKey {
  /// Columns of the key of version 1.
  static let former = ["pipeline", "entity_id", "event_id"]
  /// SQLite's table of version 1 while its rows are copied.
  private static let setAside = "tally_scores_1"

  /// What a database has.
  struct Found {
    /// Columns of the primary key, in order.
    var columns: [String]
    /// PostgreSQL: the constraint's name.
    var constraint = ""
    /// SQLite: the statement that made the table, and those that made its indices and triggers.
    var created = ""
    var belongings: [String] = []
    /// SQLite: columns that can be copied.
    var copied: [String] = []
  }

  /// Statements that exchange the key of version 1; empty: the table has another. Throws `PortError.refused` for a SQLite
  /// table that was made in other words than Tally's.
  static func migration(
    _ found: Found, _ table: TableDefinition, _ dialect: TableDialect, detail: String
  ) throws -> [String] {
    guard found.columns.map({ $0.lowercased() }) == former else { return [] }
    let name = TableStatements.quoted(table.name)
    let key = "PRIMARY KEY (\(TableStatements.list(table.primaryKey)))"
    switch dialect {
    case .postgres:
      return [
        "ALTER TABLE \(name) DROP CONSTRAINT \(TableStatements.quoted(found.constraint))",
        "ALTER TABLE \(name) ADD \(key)",
      ] + TableStatements.indices(table)
    case .sqlite:
      let pieces = found.created.split(
        separator: "PRIMARY KEY (\(TableStatements.list(former)))", omittingEmptySubsequences: false)
      guard pieces.count == 2 else {
        throw PortError(
          .refused, detail,
          cause: "table \(table.name) has the key of version 1 but was not made by Tally: make its key "
            + "(\(table.primaryKey.joined(separator: ", "))), with an index on "
            + "(\(table.index.joined(separator: ", ")))", reason: .tableForeign)
      }
      let columns = TableStatements.list(found.copied)
      let old = TableStatements.quoted(setAside)
      return [
        "ALTER TABLE \(name) RENAME TO \(old)", pieces.joined(separator: key),
        "INSERT INTO \(name) (\(columns)) SELECT \(columns) FROM \(old)", "DROP TABLE \(old)",
      ] + found.belongings + TableStatements.indices(table)
    }
  }
}
