import Dataflow

/// A connection that is ready for work: checked, tables migrated, staging tables made, statements prepared.
/// Thrown away after any error.
final class PostgresSession {
  /// Serialises the migrations of programs that start at the same time; any number that others do not use.
  private static let migrationLock: Int64 = 0x7461_6c6c_79

  private let connection: PostgresConnection

  /// Connects and makes everything ready. Throws `PortError`.
  init(_ configuration: PostgresConfiguration, _ plan: TablePlan) throws {
    connection = try PostgresConnection.entered(configuration)
    try checkServer(configuration)
    let others = try migrate(plan, timeoutMs: configuration.migrationTimeoutMs)
    try prepare(plan, others)
  }

  /// Runs statements; see `PostgresConnection.run`.
  func run(
    _ sql: String, _ detail: String, copies: [PostgresCopyBuffer] = [], timeoutMs: Int? = nil,
    each: (Int, PostgresResult) throws -> Void = { _, _ in }
  ) throws {
    try connection.run(sql, detail, copies: copies, timeoutMs: timeoutMs, each: each)
  }

  /// T of all partitions of a topic.
  func positions(_ pipeline: String, _ topic: String) throws -> [Int32: Int64] {
    try connection.positions(pipeline, topic)
  }

  private func checkServer(_ configuration: PostgresConfiguration) throws {
    let encoding = connection.parameter("server_encoding")
    guard encoding == "UTF8" else {
      throw PortError(
        .refused, "\(connection.name): encoding",
        cause: "the database's encoding is \(encoding), it must be UTF8: CREATE DATABASE … ENCODING 'UTF8'")
    }
    // A commit must be durable before the state moves.
    try run(
      """
      SET statement_timeout = \(configuration.statementTimeoutMs);
      SET idle_in_transaction_session_timeout = \(configuration.idleTimeoutMs);
      SET standard_conforming_strings = on;
      SET client_min_messages = warning;
      SET default_transaction_isolation = 'read committed';
      SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
      """, "set up")
  }

  /// Adds what is missing. Returns the tables' columns that the plan does not write.
  private func migrate(_ plan: TablePlan, timeoutMs: Int) throws -> [String: [String]] {
    let first = try inspect(plan)
    if first.statements.isEmpty { return first.others }
    try run(
      "BEGIN; SET LOCAL statement_timeout = \(timeoutMs); SELECT pg_advisory_xact_lock(\(Self.migrationLock))",
      "lock for migration", timeoutMs: timeoutMs)
    let migration = try inspect(plan)
    try run((migration.statements + ["COMMIT"]).joined(separator: ";\n"), "migrate", timeoutMs: timeoutMs)
    return migration.others
  }

  private func inspect(_ plan: TablePlan) throws -> TableMigration {
    var found: [String: [String: String]] = [:]
    let names = plan.tables.map(\.name) + TableViews.names + [TableMigration.versionTable]
    let sql = """
      SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
      WHERE c.relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
        AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        AND c.relname IN (\(names.map(TableStatements.literal).joined(separator: ", ")))
      """
    try run(sql, "read tables") { _, result in
      for row in 0..<result.rows {
        guard let table = result[row, 0], let column = result[row, 1] else { continue }
        found[table, default: [:]][column] = result[row, 2] ?? ""
      }
    }
    var version: Int?
    if found[TableMigration.versionTable] != nil {
      try run("SELECT max(version) FROM \(TableMigration.versionTable)", "read version") { _, result in
        version = result[0, 0].flatMap { Int($0) }
      }
    }
    return try TableMigration(
      plan, found: found, key: try scoresKey(plan.scores.name), foundVersion: version, .postgres,
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

  private func prepare(_ plan: TablePlan, _ others: [String: [String]]) throws {
    let statements = PostgresStatements(plan, others)
    try run(statements.setUp.joined(separator: ";\n"), "prepare")
  }
}
