import Dataflow
import GRDB
import Glibc

/// A database as readers and operators' commands use it: single statements, beside a running pipeline. One thread; calls throw
/// `PortError`.
///
/// No statement holds a lock for longer than it runs, so none needs the lock that keeps a second scorer from a SQLite file.
final class TableDatabase {
  /// What may be done.
  enum Use {
    /// Reads only, makes nothing.
    case reading
    /// An operator's command: also changes rows, and waits for statements that look at every row.
    case operating
  }

  private enum Connection {
    case sqlite(DatabaseQueue)
    case postgres(PostgresHolder)
  }

  /// Longest wait for a writer, seconds.
  static let busyTimeoutSeconds = 10.0
  /// Longest wait for an answer to an operator's statement from PostgreSQL, milliseconds.
  private static let answerTimeoutMs = 600_000

  private let connection: Connection
  private let detail: String

  /// Opens a SQLite database, which must be there. `what` says in errors what is looked at.
  init(sqlite path: String, _ what: String, for use: Use = .operating) throws {
    let detail = "sqlite \(path): \(what)"
    guard Self.isThere(path) else {
      throw PortError(
        .refused, detail, cause: "there is no such file: is the path right, and has tally run yet?",
        reason: .badFile)
    }
    var configuration = Configuration()
    configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
    switch use {
    case .reading: configuration.readonly = true
    case .operating:
      configuration.prepareDatabase { try $0.execute(sql: SQLiteTables.overwriteWhatIsRemoved) }
    }
    connection = .sqlite(
      try SQLiteProblem.catching(detail) { try DatabaseQueue(path: path, configuration: configuration) })
    self.detail = detail
  }

  /// Opens a PostgreSQL. An operator's command makes the configuration's schema when it is not there.
  init(postgres configuration: PostgresConfiguration, _ what: String, for use: Use = .operating) throws {
    switch use {
    case .reading: connection = .postgres(PostgresHolder(try PostgresConnection.reading(configuration)))
    case .operating:
      var patient = configuration
      patient.statementTimeoutMs = max(configuration.statementTimeoutMs, Self.answerTimeoutMs)
      connection = .postgres(PostgresHolder(try PostgresConnection.entered(patient)))
    }
    detail = what
  }

  /// Whether there is a SQLite database that can be read.
  static func isThere(_ path: String) -> Bool { access(path, R_OK) == 0 }

  /// Statements, each on its own.
  var rows: TableRows {
    switch connection {
    case .sqlite(let queue):
      TableRows(.sqlite) { [detail] sql in
        try SQLiteProblem.catching(detail) {
          try queue.writeWithoutTransaction { try Self.rows(sql, $0) }
        }
      }
    case .postgres(let held): TableRows(.postgres) { [detail] sql in try held.rows(sql, detail) }
    }
  }

  /// Calls `body` with statements that see the tables as they are at one moment: all that it reads belongs together.
  func atOneMoment<Result>(_ body: (TableRows) throws -> Result) throws -> Result {
    switch connection {
    case .sqlite(let queue):
      // Errors of `body` that are not the database's pass through as they are.
      return try queue.read { database in
        try body(
          TableRows(.sqlite) { sql in try SQLiteProblem.catching(self.detail) { try Self.rows(sql, database) }
          })
      }
    case .postgres(let held):
      try held.connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "begin")
      let result = try body(rows)
      try held.connection.run("COMMIT", "end")
      return result
    }
  }

  private static func rows(_ sql: String, _ database: Database) throws -> [[String?]] {
    try Row.fetchAll(database, sql: sql).map { $0.databaseValues.map(text) }
  }

  /// A value as text that gives the same value again; nil: null.
  private static func text(_ value: DatabaseValue) -> String? {
    switch value.storage {
    case .null: nil
    case .int64(let number): "\(number)"
    case .double(let number): "\(number)"
    case .string(let text): text
    case .blob(let data): String(decoding: data, as: UTF8.self)
    }
  }
}

/// Holds a connection, which cannot be copied.
private final class PostgresHolder {
  let connection: PostgresConnection

  init(_ connection: consuming PostgresConnection) { self.connection = connection }

  func rows(_ sql: String, _ detail: String) throws -> [[String?]] {
    var found: [[String?]] = []
    try connection.run(sql, detail) { _, result in
      for row in 0..<result.rows { found.append((0..<result.columns).map { result[row, $0] }) }
    }
    return found
  }
}
