import Dataflow

/// What must be done to a database so that a pipeline can write into it.
struct TableMigration {
  /// Version of the fixed columns; a database of a later one is refused.
  static let version = 2
  /// Holds the versions that a database has had.
  static let versionTable = "tally_schema"

  /// Statements to run, in order; empty: nothing is missing.
  private(set) var statements: [String] = []
  /// Columns of the tables that this plan does not write.
  private(set) var others: [String: [String]] = [:]

  /// Compares a plan with what is there: `found` has each table's (and view's) columns with their types in
  /// the database's own words, `key` is that of `scores`. Throws `PortError.refused` for a table that is not Tally's or a column of
  /// another type.
  init(
    _ plan: TablePlan, found: [String: [String: String]], key: ScoresKey.Found?, foundVersion: Int?,
    _ dialect: TableDialect, detail: String
  ) throws {
    if let foundVersion, foundVersion > Self.version {
      throw PortError(
        .refused, detail,
        cause:
          "the tables are of version \(foundVersion), this program knows \(Self.version): run a newer Tally")
    }
    var types = found
    for table in plan.tables {
      guard let columns = found[table.name] else {
        statements.append(TableStatements.create(table, dialect))
        statements += TableStatements.indices(table)
        types[table.name] = Dictionary(
          table.columns.map { ($0.name, dialect.name($0.type)) }, uniquingKeysWith: { first, _ in first })
        continue
      }
      for column in table.columns {
        if let type = Self.type(of: column.name, in: columns, dialect) {
          try Self.check(column, type, table.name, dialect, detail)
        } else {
          guard !column.isRequired else {
            throw PortError(
              .refused, detail, cause: "table \(table.name) has no column \(column.name): it is not Tally's")
          }
          statements.append(TableStatements.add(column, to: table.name, dialect))
          types[table.name]?[column.name] = dialect.name(column.type)
        }
      }
      others[table.name] = columns.keys.filter { name in !table.columns.contains { $0.name == name } }
        .sorted()
    }
    addViews(TableViews(types, dialect), found: found)
    if let key {
      // First: what SQLite has of the table is text, in which columns that are added now are lacking.
      statements = try ScoresKey.migration(key, plan.scores, dialect, detail: detail) + statements
    }
    if found[Self.versionTable] == nil {
      statements.append("CREATE TABLE \(Self.versionTable) (version integer NOT NULL PRIMARY KEY)")
    }
    if foundVersion != Self.version {
      statements.append("INSERT INTO \(Self.versionTable) (version) VALUES (\(Self.version))")
    }
  }

  /// Views are made anew when columns came, since they show what is there.
  private mutating func addViews(_ views: TableViews, found: [String: [String: String]]) {
    let columnsCame = !statements.isEmpty
    for (name, select) in views.definitions where columnsCame || found[name] == nil {
      if found[name] != nil { statements.append("DROP VIEW \(TableStatements.quoted(name))") }
      statements.append("CREATE VIEW \(TableStatements.quoted(name)) AS \(select)")
    }
  }

  private static func type(
    of name: String, in columns: [String: String], _ dialect: TableDialect
  ) -> String? {
    if dialect == .postgres { return columns[name] }
    return columns.first { $0.key.lowercased() == name.lowercased() }?.value
  }

  private static func check(
    _ column: TableColumn, _ found: String, _ table: String, _ dialect: TableDialect, _ detail: String
  ) throws {
    let wanted = dialect.name(column.type)
    guard found == wanted else {
      throw PortError(
        .refused, detail,
        cause: "column \(column.name) of table \(table) is \(found), not \(wanted): rename it here or there")
    }
  }
}
