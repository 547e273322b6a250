import Dataflow

/// What must be done to a database so that a pipeline can write into it.
struct TableMigration {
  /// Version of the fixed columns; a database of a later one is refused.
  static let version = 2
  /// Holds the versions that a database has had.
  static let versionTable = "tally_schema"

  /// Statements to run, in order; empty: nothing is missing.
  private(set) var statements: [String] = []
  /// What makes or replaces views, behind the statements.
  private(set) var views: [(name: String, isThere: Bool, statements: [String])] = []
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

  /// Whether nothing is to be done.
  var isEmpty: Bool { statements.isEmpty && views.isEmpty }

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
    for table in plan.tables {
      guard let columns = found[table.name] else {
        statements.append(TableStatements.create(table, dialect))
        statements += TableStatements.indices(table)
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
    try addViews(plan, found: found, known, isNoted: made != nil, dialect, detail)
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

  /// A view is made when it is not there, and replaced when its declaration is another than the noted one: grants and what depends on
  /// it stay. One of the same declaration stays as it is, even if an operator has changed it. Throws for one that is not this
  /// pipeline's. `isNoted`: the database tells what is Tally's; an earlier version noted nothing.
  private mutating func addViews(
    _ plan: TablePlan, found: [String: [String: String]], _ known: TableMade, isNoted: Bool,
    _ dialect: TableDialect, _ detail: String
  ) throws {
    let pipeline = plan.context.pipeline
    for (name, select) in plan.views(dialect) {
      let isThere = found[name] != nil
      let noted = known.views[name]
      let others = (isThere ? known.viewOwners[name] ?? [] : []).subtracting([pipeline])
      if isThere { try Self.check(view: name, others, noted, select, isNoted, detail) }
      var makes: [String] = []
      if !isThere || (noted ?? select) != select {
        let quoted = TableStatements.quoted(name)
        switch dialect {
        case .postgres: makes.append("CREATE OR REPLACE VIEW \(quoted) AS \(select)")
        case .sqlite:
          if isThere { makes.append("DROP VIEW \(quoted)") }
          makes.append("CREATE VIEW \(quoted) AS \(select)")
        }
      }
      let owners = others.union([pipeline])
      if noted != select || known.viewOwners[name] != owners {
        makes += TableMade.note(view: name, select, pipelines: owners)
      }
      if !makes.isEmpty { views.append((name, isThere, makes)) }
    }
  }

  /// Throws unless a view that is there may be made anew by this pipeline. `others`: pipelines that have declared it, too.
  private static func check(
    view name: String, _ others: Set<String>, _ noted: String?, _ select: String, _ isNoted: Bool,
    _ detail: String
  ) throws {
    guard noted != nil || !isNoted else {
      throw PortError(
        .refused, detail,
        cause:
          "the pipeline declares the view \(name), and there is one, or a table, that Tally has not made: rename yours or the "
          + "pipeline's", reason: .tableForeign)
    }
    guard let noted, noted != select, !others.isEmpty else { return }
    throw PortError(
      .refused, detail,
      cause:
        "the pipeline declares the view \(name) otherwise than \(others.sorted().joined(separator: ", ")), and a database has "
        + "each name once; rename one, or declare it alike in all of them and drop it (DROP VIEW \(TableStatements.quoted(name))), "
        + "which the next start makes anew", reason: .tableForeign)
  }

  /// What a database says against a view, in the words of whoever declared it.
  static func refused(view name: String, _ error: PortError, _ detail: String) -> PortError {
    guard error.code == .refused else { return error }
    return PortError(
      .refused, detail,
      cause: "view \(name), as views.\(name) of the pipeline's file declares it: \(error.cause)",
      reason: .badPipeline)
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
