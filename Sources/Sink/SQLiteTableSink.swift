public import Dataflow
import GRDB

/// Scores, latest scores, dead letters and positions in a SQLite file: the embedded default.
///
/// One worker's view of a shared `SQLiteTables`; one thread. Each batch is one transaction that first moves
/// the positions.
public final class SQLiteTableSink: TableSink {
  private let tables: SQLiteTables
  private let plan: TablePlan
  private let detail: String
  private var statements: SQLiteStatements?

  /// A sink for batches of this context. Throws `PortError.refused` for names that cannot be columns.
  public init(_ tables: SQLiteTables, context: ScoreContext) throws {
    self.tables = tables
    plan = try TablePlan(context)
    detail = "sqlite \(tables.path)"
  }

  /// Migrates now, if that is not done: for a clear error at start. Throws `PortError`.
  public func connect() throws { _ = try ready() }

  /// T of the partitions, in the order asked; nil: none.
  public func positions(topic: String, _ partitions: [Int32]) throws -> [Int64?] {
    let statements = try ready()
    return try SQLiteProblem.catching("\(detail): read positions") {
      try tables.queue.writeWithoutTransaction { database in
        try partitions.map { try statements.position($0, topic: topic, database) }
      }
    }
  }

  /// Writes all rows and letters with `toTable`, and moves all positions, or nothing.
  public func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome {
    try plan.check(batch, moves)
    guard !moves.isEmpty else { return .written }
    let statements = try ready()
    return try SQLiteProblem.catching("\(detail): write rows") {
      try tables.queue.writeWithoutTransaction { database in
        var isMoved = false
        try database.inTransaction(.immediate) {
          isMoved = try moves.allSatisfy { try statements.move($0, database) }
          guard isMoved else { return .rollback }
          try statements.erase(batch, database)
          try statements.insert(rowsOf: batch, plan, database)
          try statements.insert(lettersOf: batch, database)
          return .commit
        }
        if isMoved { return .written }
        let isThere = try moves.allSatisfy {
          try statements.position($0.partition, topic: plan.context.topic, database) == $0.new
        }
        return isThere ? .alreadyWritten : .conflict
      }
    }
  }

  /// Does nothing: the tables are shared.
  public func close() {}

  private func ready() throws -> SQLiteStatements {
    if let statements { return statements }
    let made = SQLiteStatements(plan, try tables.migrate(plan))
    statements = made
    return made
  }
}
