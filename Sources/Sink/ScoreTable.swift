public import Dataflow
import GRDB
import Glibc

/// The scores that a pipeline's tables hold, for looking back: reads only, makes nothing, works beside a running pipeline.
///
/// One thread. All calls throw `PortError`.
public final class ScoreTable {
  /// A table with rows of entities.
  public enum Name: String, CaseIterable, Sendable {
    /// One row per event.
    case scores
    /// One row per entity.
    case latest = "latest_scores"
  }

  private enum Database {
    case sqlite(DatabaseQueue)
    case postgres(PostgresReader)
  }

  private static let busyTimeoutSeconds = 10.0

  /// `model_versions` of rows that the context's models give.
  public let modelVersions: String
  private let database: Database
  private let plan: TablePlan
  private let detail: String

  /// Opens the tables of a pipeline in a SQLite database. nil: there is no such file.
  public init?(sqlite path: String, context: ScoreContext) throws {
    guard access(path, R_OK) == 0 else { return nil }
    detail = "sqlite \(path): scores"
    plan = try TablePlan(context)
    modelVersions = TablePlan.modelVersions(context)
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(Self.busyTimeoutSeconds)
    database = .sqlite(
      try SQLiteProblem.catching(detail) { try DatabaseQueue(path: path, configuration: configuration) })
  }

  /// Connects to the tables of a pipeline in PostgreSQL.
  public init(postgres configuration: PostgresConfiguration, context: ScoreContext) throws {
    plan = try TablePlan(context)
    modelVersions = TablePlan.modelVersions(context)
    let connection = try PostgresConnection.opened(configuration)
    detail = "scores"
    // Numbers in their shortest exact form, whatever the server's configuration says.
    var settings = ["standard_conforming_strings = on", "extra_float_digits = 1"]
    if let schema = configuration.schema {
      settings.append("search_path TO \(TableStatements.quoted(schema))")
    }
    try connection.set(settings)
    database = .postgres(PostgresReader(connection: connection))
  }

  /// Calls `body` with the tables as they are at one moment: all that it reads belongs together.
  public func snapshot<Result>(_ body: (ScoreSnapshot) throws -> Result) throws -> Result {
    switch database {
    case .sqlite(let queue):
      // Errors of `body` that are not the database's pass through as they are.
      return try queue.read { database in
        try body(
          try ScoreSnapshot(plan, .sqlite) { sql in
            try SQLiteProblem.catching(self.detail) {
              try Row.fetchAll(database, sql: sql).map { $0.databaseValues.map(Self.text) }
            }
          })
      }
    case .postgres(let reader):
      try reader.connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "begin")
      let result = try body(
        try ScoreSnapshot(plan, .postgres) { sql in
          var found: [[String?]] = []
          try reader.connection.run(sql, self.detail) { _, result in
            for row in 0..<result.rows { found.append((0..<result.columns).map { result[row, $0] }) }
          }
          return found
        })
      try reader.connection.run("COMMIT", "end")
      return result
    }
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
private final class PostgresReader {
  let connection: PostgresConnection

  init(connection: consuming PostgresConnection) { self.connection = connection }
}
