internal import Dataflow

/// What a replay's tables hold of one pipeline. Times are microseconds UTC.
public struct RunRows: Equatable, Sendable {
  /// Rows of `scores`.
  public var scores = 0
  /// Rows of `latest_scores`.
  public var entities = 0
  /// Dead letters.
  public var letters = 0
  /// Partitions that were begun.
  public var partitions = 0
  /// Whether other pipelines have rows in the same place.
  public var hasOthers = false
  /// When the first score was written; nil: there is none.
  public var first: Int64?
  /// When the last one was.
  public var last: Int64?

  /// Nothing.
  public init() {}

  /// Whether the run has written nothing, not even where it stands.
  public var isEmpty: Bool { scores == 0 && entities == 0 && letters == 0 && partitions == 0 }
}

/// The tables of one replay run, for operators; beside a run that is under way, too. One thread; calls throw `PortError`.
public final class RunTables {
  private static let what = "tables of a replay"

  private let run: TableRows
  private let pipeline: String

  /// Opens a run's SQLite database, which must be there.
  public init(sqlite path: String, pipeline: String) throws {
    run = try TableDatabase(sqlite: path, Self.what).rows
    self.pipeline = pipeline
  }

  /// Opens a run's tables in PostgreSQL; the configuration names their schema.
  public init(postgres configuration: PostgresConfiguration, pipeline: String) throws {
    run = try TableDatabase(postgres: configuration, Self.what).rows
    self.pipeline = pipeline
  }

  /// Counts rows; looks at all of them.
  public func rows() throws -> RunRows {
    var found = RunRows()
    let condition = "pipeline = \(TableStatements.literal(pipeline))"
    if try !run.columns(of: "scores").isEmpty {
      let (first, last) = (run.micros("min(scored_at)"), run.micros("max(scored_at)"))
      let row = try run("SELECT count(*), \(first), \(last) FROM scores WHERE \(condition)")[0]
      found.scores = row[0].flatMap { Int($0) } ?? 0
      found.first = row[1].flatMap { Int64($0) }
      found.last = row[2].flatMap { Int64($0) }
    }
    found.entities = try count("latest_scores", condition)
    found.letters = try count("dead_letters", condition)
    found.partitions = try count("positions", condition)
    found.hasOthers = try count("positions", "NOT \(condition)") > 0
    return found
  }

  /// Removes what the tables have of an entity. Returns how many rows.
  public func erase(_ entityID: [UInt8]) throws -> Int {
    let pipeline = TableStatements.literal(pipeline)
    let id = TableStatements.literal(String(decoding: entityID, as: UTF8.self))
    var removed = 0
    for table in TablePlan.tablesOfEntities where try !run.columns(of: table).isEmpty {
      removed += try delete(table, "pipeline = \(pipeline) AND entity_id = \(id)")
    }
    let columns = try run.columns(of: "dead_letters")
    guard !columns.isEmpty else { return removed }
    removed += try delete("dead_letters", "pipeline = \(pipeline) AND key = \(run.literal(entityID))")
    if columns.contains("entity_id") {
      removed += try delete("dead_letters", "pipeline = \(pipeline) AND entity_id = \(id)")
    }
    return removed
  }

  private func delete(_ table: String, _ condition: String) throws -> Int {
    try run("DELETE FROM \(table) WHERE \(condition) RETURNING 1").count
  }

  private func count(_ table: String, _ condition: String) throws -> Int {
    guard try !run.columns(of: table).isEmpty else { return 0 }
    return try run("SELECT count(*) FROM \(table) WHERE \(condition)")[0][0].flatMap { Int($0) }
      ?? 0
  }
}

extension PostgresSchema {
  /// Names of the schemas that begin so, in order. Throws `PortError`.
  public static func names(_ configuration: PostgresConfiguration, prefix: String) throws -> [String] {
    let rows = try TableDatabase(postgres: configuration, "schemas").rows
    let sql =
      "SELECT nspname FROM pg_catalog.pg_namespace WHERE starts_with(nspname, \(TableStatements.literal(prefix))) "
      + "AND pg_catalog.has_schema_privilege(oid, 'USAGE') ORDER BY nspname COLLATE \"C\""
    return try rows(sql).compactMap { $0[0] }
  }
}
