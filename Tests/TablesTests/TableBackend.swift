import Dataflow
import GRDB
import Glibc
import Sink
import TestServers
import Tables

/// A database with tables, and a way to look into it that is not the sink's.
protocol TableBackend: Sendable {
  func sink(_ context: ScoreContext) throws -> any TableSink
  /// All rows of a query, cells as text, "" for null.
  func query(_ sql: String) throws -> [[String]]
  /// A moment's column as microseconds since 1970.
  func micros(_ column: String) -> String
  /// A truth column as 0 or 1.
  func flag(_ column: String) -> String
  /// A bytes column in lower-case hexadecimal.
  func hex(_ column: String) -> String
}

/// Which database a test runs against.
enum TableKind: String, CaseIterable {
  case postgres
  /// Behind PgBouncer in transaction mode.
  case pooled
  case sqlite

  func backend() throws -> any TableBackend {
    switch self {
    case .postgres:
      let server = try PostgresServer.common()
      return PostgresBackend(server: server, database: try server.createDatabase())
    case .pooled:
      let server = try PostgresServer.common()
      return PostgresBackend(
        server: server, database: try server.createDatabase(), pooler: try PgBouncer.common())
    case .sqlite: return try SQLiteBackend()
    }
  }
}

struct PostgresBackend: TableBackend {
  let server: PostgresServer
  var database = "postgres"
  var pooler: PgBouncer?

  func sink(_ context: ScoreContext) throws -> any TableSink {
    let connection = pooler?.connection(database) ?? server.connection(database)
    return try PostgresTableSink(PostgresConfiguration(connection: connection), context: context)
  }

  func query(_ sql: String) throws -> [[String]] { try server.query(sql, database: database) }
  func micros(_ column: String) -> String { "(extract(epoch FROM \(column)) * 1000000)::bigint" }
  func flag(_ column: String) -> String { "\(column)::integer" }
  func hex(_ column: String) -> String { "coalesce(encode(\(column), 'hex'), 'none')" }
}

final class SQLiteBackend: TableBackend {
  let folder: String
  let tables: SQLiteTables
  private let reader: DatabaseQueue

  init() throws {
    var template = Array("/tmp/tally-sqlite-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw PortError(.unavailable, "mkdtemp") }
    folder = String(cString: made)
    tables = try SQLiteTables(path: folder + "/tally.db")
    reader = try DatabaseQueue(path: folder + "/tally.db")
  }

  deinit {
    for name in ["/tally.db", "/tally.db-wal", "/tally.db-shm", "/tally.db.lock"] { unlink(folder + name) }
    rmdir(folder)
  }

  func sink(_ context: ScoreContext) throws -> any TableSink { try SQLiteTableSink(tables, context: context) }

  func query(_ sql: String) throws -> [[String]] {
    try reader.writeWithoutTransaction { database in
      try Row.fetchAll(database, sql: sql).map { row in
        row.databaseValues.map { value in
          switch value.storage {
          case .null: ""
          case .int64(let number): "\(number)"
          case .double(let number): "\(Float(number))"
          case .string(let text): text
          case .blob(let data): String(decoding: data, as: UTF8.self)
          }
        }
      }
    }
  }

  func micros(_ column: String) -> String { column }
  func flag(_ column: String) -> String { column }
  func hex(_ column: String) -> String {
    "CASE WHEN \(column) IS NULL THEN 'none' ELSE lower(hex(\(column))) END"
  }
}

extension TableBackend {
  /// Throws nothing; returns what differs from the model, nil: nothing does.
  func difference(from model: TableModel) throws -> String? {
    let context = model.context
    let decisions = zip(context.decisionNames, context.decisionLabels).map { name, labels in
      labels.isEmpty ? flag("\"\(name)\"") : "\"\(name)\""
    }
    let scoreColumns =
      ["entity_id", "event_id", micros("event_time"), micros("as_of"), "\"partition\"", "\"offset\""]
      + context.outputNames.map { "\"\($0)\"" } + decisions
    let features = context.tableFeatures.map { number in
      "\""
        + context.featureNames[number].split(separator: "\"", omittingEmptySubsequences: false).joined(
          separator: "\"\"")
        + "\""
    }
    let letterColumns = [
      "\"partition\"", "\"offset\"", "reason", "detail", hex("key"), hex("value"), micros("ingest_time"),
    ]
    let pipeline = "WHERE pipeline = '\(context.pipeline)' AND topic = 'events'"
    func select(_ columns: [String], _ table: String) throws -> [[String]] {
      try query("SELECT \(columns.joined(separator: ", ")) FROM \(table) \(pipeline)").map {
        $0.map(Self.normal)
      }
    }
    for (table, columns, expected) in [
      ("scores", scoreColumns, model.scoreRows), ("latest_scores", scoreColumns + features, model.latestRows),
      ("dead_letters", letterColumns, model.letterRows),
    ] {
      let rows = try select(columns, table)
      let wanted = Set(expected.map { $0.map(Self.normal) })
      if rows.count != wanted.count || Set(rows) != wanted {
        let (missing, surplus) = (wanted.subtracting(rows).first, Set(rows).subtracting(wanted).first)
        return
          "\(table): \(rows.count) rows for \(wanted.count); missing \(missing ?? []), surplus \(surplus ?? [])"
      }
    }
    let positions = try select(["\"partition\"", "next_offset"], "positions")
    let wanted = Set(model.positions.map { ["\($0)", "\($1)"] })
    return Set(positions) == wanted ? nil : "positions: \(positions) for \(wanted)"
  }

  /// One spelling for numbers: the databases write floats in their own ways.
  private static func normal(_ cell: String) -> String {
    if Int64(cell) != nil { return cell }
    guard let number = Float(cell) else { return cell }
    return number == number.rounded() && abs(number) < 1e9 ? "\(Int64(number))" : "\(number)"
  }
}
