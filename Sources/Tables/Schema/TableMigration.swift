import Dataflow

/// What must be done to a database so that a pipeline can write into it.
struct TableMigration {
  /// Version of the fixed columns; a database of a later one is refused.
  static let version = 2
  /// Holds the versions that a database has had.
  static let versionTable = "tally_schema"

  /// Statements to run, in order; empty: nothing is missing.
  private(set) var statements: [String] = []
  /// Columns of the tables that an earlier plan wrote and this one does not.
  private(set) var left: [String: [String]] = [:]

  /// A column that keeps Tally from writing rows.
  struct Blocking: Equatable {
    var table: String
    var column: String
    /// It must have a value, and gets none by itself.
    var isRequired: Bool
    /// The database makes its value.
    var isGenerated: Bool
  }

  /// Compares a plan with what is there: `found` has each table's (and view's) columns with their types in
  /// the database's own words, `made` what Tally has noted of them (nil: a version that noted nothing), `key` is that of `scores`. Throws
  /// `PortError.refused` for a table that is not Tally's, a column of another type, or one that cannot be written.
  init(
    _ plan: TablePlan, found: [String: [String: String]], made: TableMade? = nil, blocking: [Blocking] = [],
    key: ScoresKey.Found?, foundVersion: Int?, _ dialect: TableDialect, detail: String
  ) throws {
    let known = made ?? TableMade()
    var notes: [String] = []
    if let foundVersion, foundVersion > Self.version {
      throw PortError(
        .refused, detail,
        cause:
          "the tables are of version \(foundVersion), this program knows \(Self.version): run a newer Tally",
        reason: .newerVersion)
    }
    var types = found
    for table in plan.tables {
      guard let columns = found[table.name] else {
        statements.append(TableStatements.create(table, dialect))
        statements += TableStatements.indices(table)
        types[table.name] = Dictionary(
          table.columns.map { ($0.name, dialect.name($0.type)) }, uniquingKeysWith: { first, _ in first })
        notes += table.columns.map { TableMade.note(column: $0.name, of: table.name) }
        continue
      }
      try Self.check(blocking, table, dialect, detail)
      for column in table.columns {
        if let type = Self.type(of: column.name, in: columns, dialect) {
          try Self.check(column, type, table.name, dialect, detail)
        } else {
          guard !column.isRequired else {
            throw PortError(
              .refused, detail, cause: "table \(table.name) has no column \(column.name): it is not Tally's",
              reason: .tableForeign)
          }
          statements.append(TableStatements.add(column, to: table.name, dialect))
          types[table.name]?[column.name] = dialect.name(column.type)
        }
        if !known.has(column.name, of: table.name) {
          notes.append(TableMade.note(column: column.name, of: table.name))
        }
      }
      left[table.name] = columns.keys.filter { name in
        known.has(name, of: table.name) && !table.columns.contains { $0.name == name }
      }.sorted()
    }
    for table in plan.tables {
      for index in table.indices where !known.indices.contains(index.name) {
        statements.append(TableStatements.create(index, on: table.name, dialect))
        notes.append(TableMade.note(index: index.name))
      }
    }
    if made == nil { statements.append(TableMade.create) }
    statements += notes
    addViews(TableViews(types, dialect), found: found, known, dialect)
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

  /// A view is made when it is not there, and replaced when its definition is another than the noted one: grants and what depends on it
  /// stay. One that a version made which noted nothing is taken for what it would be now.
  private mutating func addViews(
    _ views: TableViews, found: [String: [String: String]], _ known: TableMade, _ dialect: TableDialect
  ) {
    for (name, select) in views.definitions {
      let isThere = found[name] != nil
      let isSame = known.views[name] == nil || known.views[name] == select
      if isThere && isSame {
        if known.views[name] == nil { statements.append(TableMade.note(view: name, select)) }
        continue
      }
      let quoted = TableStatements.quoted(name)
      switch dialect {
      case .postgres: statements.append("CREATE OR REPLACE VIEW \(quoted) AS \(select)")
      case .sqlite:
        if isThere { statements.append("DROP VIEW \(quoted)") }
        statements.append("CREATE VIEW \(quoted) AS \(select)")
      }
      statements.append(TableMade.note(view: name, select))
    }
  }

  private static func check(
    _ blocking: [Blocking], _ table: TableDefinition, _ dialect: TableDialect, _ detail: String
  ) throws {
    for found in blocking where found.table == table.name {
      let isOurs = table.columns.contains { $0.name == found.column }
      if isOurs && found.isGenerated {
        throw PortError(
          .refused, detail,
          cause:
            "column \(found.column) of table \(table.name) is generated by the database, and Tally writes it: rename yours",
          reason: .tableForeign
        )
      }
      if !isOurs && found.isRequired {
        let column = "ALTER TABLE \(table.name) ALTER COLUMN \(TableStatements.quoted(found.column))"
        throw PortError(
          .refused, detail,
          cause:
            "column \(found.column) of table \(table.name) is yours, NOT NULL and without a default: no row of Tally's could be "
            + "added; give it a default, or let it be null"
            + (dialect == .postgres ? ": \(column) DROP NOT NULL" : ""), reason: .tableForeign)
      }
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
        cause: "column \(column.name) of table \(table) is \(found), not \(wanted): rename it here or there",
        reason: .tableForeign)
    }
  }
}
