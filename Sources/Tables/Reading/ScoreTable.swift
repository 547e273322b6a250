public import Dataflow

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

  private static let what = "scores"

  private let database: TableDatabase
  private let plan: TablePlan

  /// Opens the tables of a pipeline in a SQLite database. nil: there is no such file.
  public init?(sqlite path: String, context: ScoreContext) throws {
    guard TableDatabase.isThere(path) else { return nil }
    plan = try TablePlan(context)
    database = try TableDatabase(sqlite: path, Self.what, for: .reading)
  }

  /// Connects to the tables of a pipeline in PostgreSQL.
  public init(postgres configuration: PostgresConfiguration, context: ScoreContext) throws {
    plan = try TablePlan(context)
    database = try TableDatabase(postgres: configuration, Self.what, for: .reading)
  }

  /// Calls `body` with the tables as they are at one moment: all that it reads belongs together.
  public func snapshot<Result>(_ body: (ScoreSnapshot) throws -> Result) throws -> Result {
    try database.atOneMoment { try body(try ScoreSnapshot(plan, $0)) }
  }
}
