package import Dataflow

/// A connection that is ready for work: checked, tables migrated, staging tables made, statements prepared.
/// Thrown away after any error.
package final class PostgresSession {
  /// Serialises the migrations of programs that start at the same time; any number that others do not use.
  private static let migrationLock: Int64 = 0x7461_6c6c_79

  private let connection: PostgresConnection
  /// SQL text for this connection.
  package private(set) var statements: PostgresStatements

  /// Connects and makes everything ready. Throws `PortError`.
  package init(_ configuration: PostgresConfiguration, _ plan: TablePlan) throws {
    connection = try PostgresConnection.entered(configuration)
    statements = PostgresStatements(plan, [:], isPooled: connection.isPooled)
    try checkServer(configuration)
    let left = try migrate(plan, timeoutMs: configuration.migrationTimeoutMs)
    statements = PostgresStatements(plan, left, isPooled: connection.isPooled)
    let setUp = statements.setUp
    if !setUp.isEmpty { try run(setUp.joined(separator: ";\n"), "prepare") }
  }

  /// Runs statements; see `PostgresConnection.run`.
  package func run(
    _ sql: String, _ detail: String, copies: [PostgresCopyBuffer] = [], timeoutMs: Int? = nil,
    each: (Int, PostgresResult) throws -> Void = { _, _ in }
  ) throws {
    try connection.run(sql, detail, copies: copies, timeoutMs: timeoutMs, each: each)
  }

  /// T of all partitions of a topic.
  package func positions(_ pipeline: String, _ topic: String) throws -> [Int32: TablePosition] {
    try connection.positions(pipeline, topic)
  }

  private func checkServer(_ configuration: PostgresConfiguration) throws {
    let encoding = connection.parameter("server_encoding")
    guard encoding == "UTF8" else {
      throw PortError(
        .refused, "\(connection.name): encoding",
        cause: "the database's encoding is \(encoding), it must be UTF8: CREATE DATABASE … ENCODING 'UTF8'",
        reason: .tableRefused)
    }
    var settings = [
      "statement_timeout = \(configuration.statementTimeoutMs)",
      "idle_in_transaction_session_timeout = \(configuration.idleTimeoutMs)",
      "standard_conforming_strings = on", "client_min_messages = warning",
    ]
    var isAsynchronous = false
    try run("SELECT current_setting('synchronous_commit')", "set up") { _, result in
      isAsynchronous = result[0, 0] == "off"
    }
    // A commit must be durable before the state moves.
    if isAsynchronous { settings.append("synchronous_commit = on") }
    // A transaction that has begun cannot change what it begins with.
    settings.append(
      connection.isPooled
        ? "transaction_isolation = 'read committed'" : "default_transaction_isolation = 'read committed'")
    try connection.set(settings)
  }

  /// Adds what is missing. Returns the tables' columns that an earlier plan wrote and this one does not.
  private func migrate(_ plan: TablePlan, timeoutMs: Int) throws -> [String: [String]] {
    let first = try inspect(plan)
    if first.isEmpty { return first.left }
    try run(
      "BEGIN; SET LOCAL statement_timeout = \(timeoutMs); SELECT pg_advisory_xact_lock(\(Self.migrationLock))",
      "lock for migration", timeoutMs: timeoutMs)
    let migration = try inspect(plan)
    if !migration.statements.isEmpty {
      try run(migration.statements.joined(separator: ";\n"), "migrate", timeoutMs: timeoutMs)
    }
    for view in migration.views {
      try make(view.name, isThere: view.isThere, view.statements, timeoutMs: timeoutMs)
    }
    try run("COMMIT", "migrate", timeoutMs: timeoutMs)
    return migration.left
  }

  private func make(_ view: String, isThere: Bool, _ statements: [String], timeoutMs: Int) throws {
    let detail = "\(connection.name): views"
    do {
      for statement in statements { try run(statement, "make the view \(view)", timeoutMs: timeoutMs) }
    } catch let error as PortError where isThere && error.cause.contains("42P16") {
      throw PortError(
        .refused, detail,
        cause:
          "view \(view) must get other columns, which CREATE OR REPLACE VIEW cannot do: drop it with what depends on it "
          + "(DROP VIEW \(TableStatements.quoted(view)) CASCADE), start again, and make anew what you had made over it; "
          + error.cause, reason: .tableForeign)
    } catch let error as PortError {
      throw TableMigration.refused(view: view, error, detail)
    }
  }

  private func inspect(_ plan: TablePlan) throws -> TableMigration {
    var found: [String: [String: String]] = [:]
    var blocking: [TableMigration.Blocking] = []
    let names =
      plan.tables.map(\.name) + plan.views(.postgres).map(\.name) + [
        TableMigration.versionTable, TableMade.table,
      ]
    let sql = """
      SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
        a.attnotnull AND NOT a.atthasdef AND a.attidentity = '', a.attgenerated <> '' OR a.attidentity = 'a'
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname IN (\(names.map(TableStatements.literal).joined(separator: ", ")))
      """
    try run(sql, "read tables") { _, result in
      for row in 0..<result.rows {
        guard let table = result[row, 0], let column = result[row, 1] else { continue }
        found[table, default: [:]][column] = result[row, 2] ?? ""
        let isRequired = result[row, 3] == "t"
        let isGenerated = result[row, 4] == "t"
        if isRequired || isGenerated {
          blocking.append(
            .init(table: table, column: column, isRequired: isRequired, isGenerated: isGenerated))
        }
      }
    }
    var version: Int?
    if found[TableMigration.versionTable] != nil {
      try run("SELECT max(version) FROM \(TableMigration.versionTable)", "read version") { _, result in
        version = result[0, 0].flatMap { Int($0) }
      }
    }
    var made = TableMade()
    if found[TableMade.table] != nil {
      try run(TableMade.select, "read what was made") { _, result in
        for row in 0..<result.rows {
          made.add(kind: result[row, 0] ?? "", name: result[row, 1] ?? "", detail: result[row, 2] ?? "")
        }
      }
    }
    return try TableMigration(
      plan, found: found, made: found[TableMade.table] == nil ? nil : made, blocking: blocking,
      key: try scoresKey(plan.scores.name), foundVersion: version, .postgres,
      detail: "\(connection.name): tables")
  }

  /// The key of `scores`; nil: there is none.
  private func scoresKey(_ table: String) throws -> ScoresKey.Found? {
    var found: ScoresKey.Found?
    let sql = """
      SELECT k.conname, a.attname
      FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
        CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS u(number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.number
      WHERE k.contype = 'p' AND c.relname = \(TableStatements.literal(table))
        AND c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
      ORDER BY u.place
      """
    try run(sql, "read the key of \(table)") { _, result in
      for row in 0..<result.rows {
        found = found ?? ScoresKey.Found(columns: [], constraint: result[row, 0] ?? "")
        found?.columns.append(result[row, 1] ?? "")
      }
    }
    return found
  }
}
