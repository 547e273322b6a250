import Dataflow
import GRDB
import Glibc

/// A database as operators' commands use it: single statements, beside a running pipeline. One thread; calls throw `PortError`.
///
/// No statement holds a lock for longer than it runs, so none needs the lock that keeps a second scorer from a SQLite file.
final class OperatorDatabase {
  private enum Connection {
    case sqlite(DatabaseQueue)
    case postgres(PostgresHolder)
  }

  /// Longest wait for a writer, seconds.
  static let busyTimeoutSeconds = 10.0
  /// Longest wait for an answer of PostgreSQL, milliseconds: some statements look at every row.
  private static let answerTimeoutMs = 600_000

  /// Its words for types and columns.
  let dialect: TableDialect
  private let connection: Connection
  private let detail: String

  /// Opens a SQLite database, which must be there.
  init(sqlite path: String, _ what: String) throws {
    let detail = "sqlite \(path): \(what)"
    guard access(path, R_OK) == 0 else {
      throw PortError(
        .refused, detail, cause: "there is no such file: is the path right, and has tally run yet?")
    }
    var configuration = Configuration()
    configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
    configuration.prepareDatabase { try $0.execute(sql: SQLiteTables.overwriteWhatIsRemoved) }
    connection = .sqlite(
      try SQLiteProblem.catching(detail) { try DatabaseQueue(path: path, configuration: configuration) })
    self.detail = detail
    dialect = .sqlite
  }

  /// Opens a PostgreSQL.
  init(postgres configuration: PostgresConfiguration, _ what: String) throws {
    var patient = configuration
    patient.statementTimeoutMs = max(configuration.statementTimeoutMs, Self.answerTimeoutMs)
    connection = .postgres(PostgresHolder(try PostgresConnection.entered(patient)))
    detail = what
    dialect = .postgres
  }

  /// All rows of a statement, cells as text.
  func rows(_ sql: String) throws -> [[String?]] {
    switch connection {
    case .sqlite(let queue):
      return try SQLiteProblem.catching(detail) {
        try queue.writeWithoutTransaction { database in
          try Row.fetchAll(database, sql: sql).map { row in
            row.databaseValues.map {
              String.fromDatabaseValue($0) ?? Int64.fromDatabaseValue($0).map { "\($0)" }
            }
          }
        }
      }
    case .postgres(let held):
      var found: [[String?]] = []
      try held.connection.run(sql, detail) { _, result in
        for row in 0..<result.rows { found.append((0..<result.columns).map { result[row, $0] }) }
      }
      return found
    }
  }

  /// Columns of a table; empty: there is none.
  func columns(of table: String) throws -> Set<String> {
    let name = TableStatements.literal(table)
    let sql =
      dialect == .sqlite
      ? "SELECT name FROM pragma_table_info(\(name))"
      : "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(\(name)) AND attnum > 0 AND NOT attisdropped"
    return Set(try rows(sql).compactMap { $0[0] })
  }

  /// An expression for a moment's column as microseconds since 1970.
  func micros(_ column: String) -> String {
    dialect == .sqlite ? column : "(extract(epoch FROM \(column)) * 1000000)::bigint"
  }

  /// A moment given in microseconds since 1970, to compare such a column with.
  func moment(_ micros: Int64) -> String {
    dialect == .sqlite ? "\(micros)" : "'epoch'::timestamptz + \(micros) * interval '1 microsecond'"
  }

  /// Bytes, as a literal.
  func literal(_ bytes: [UInt8]) -> String {
    let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return dialect == .sqlite ? "x'\(hex)'" : "decode('\(hex)', 'hex')"
  }
}

/// Holds a connection, which cannot be copied.
private final class PostgresHolder {
  let connection: PostgresConnection

  init(_ connection: consuming PostgresConnection) { self.connection = connection }
}
