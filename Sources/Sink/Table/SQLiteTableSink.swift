public import Dataflow
import GRDB
public import Tables

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
  public func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?] {
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
    do {
      return try write(batch, moves, statements)
    } catch let error as PortError where error.mayConcernData {
      guard let refused = try refusals(of: batch, statements) else { throw error }
      throw refused
    }
  }

  /// Tries rows and letters one by one, without leaving anything. nil: none is refused by itself.
  private func refusals(of batch: ScoredBatch, _ statements: SQLiteStatements) throws -> RefusedRows? {
    try SQLiteProblem.catching("\(detail): look for what is refused") {
      try tables.queue.writeWithoutTransaction { database in
        var found = RefusedRows(rows: [], letters: [])
        var isWhole = false
        // A trigger may end the transaction: then once more, without what it has refused.
        while !isWhole {
          try database.execute(sql: "BEGIN IMMEDIATE")
          defer { if database.isInsideTransaction { try? database.execute(sql: "ROLLBACK") } }
          try statements.erase(batch, database)
          isWhole =
            try Self.attempt(batch.rows.indices, &found.rows, database) {
              try statements.insert(rowsOf: batch, only: $0..<($0 + 1), plan, database)
            }
            && Self.attempt(batch.deadLetters.indices, &found.letters, database) {
              try statements.insert(lettersOf: batch, only: $0..<($0 + 1), database)
            }
        }
        return found.rows.isEmpty && found.letters.isEmpty ? nil : found
      }
    }
  }

  /// Does something for each position that was not refused before, and notes what is refused. Returns false when the transaction has
  /// ended.
  private static func attempt(
    _ positions: Range<Int>, _ refused: inout [RefusedRows.Refusal], _ database: Database,
    _ body: (Int) throws -> Void
  ) throws -> Bool {
    let known = Set(refused.map(\.index))
    for position in positions where !known.contains(position) {
      try database.execute(sql: "SAVEPOINT tally_row")
      do {
        try body(position)
      } catch {
        let problem = error as? PortError ?? SQLiteProblem.error(error, "")
        guard problem.mayConcernData else { throw problem }
        refused.append(.init(index: position, why: problem.cause))
        guard database.isInsideTransaction else { return false }
        try database.execute(sql: "ROLLBACK TO tally_row")
      }
      try database.execute(sql: "RELEASE tally_row")
    }
    return true
  }

  private func write(
    _ batch: ScoredBatch, _ moves: [PositionMove], _ statements: SQLiteStatements
  ) throws -> WriteOutcome {
    try SQLiteProblem.catching("\(detail): write rows") {
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
        if isMoved {
          if batch.erasures.contains(where: { $0.toTable }) { SQLiteTables.emptyLog(database) }
          return .written
        }
        let isThere = try moves.allSatisfy {
          try statements.position($0.partition, topic: plan.context.topic, database)?.next == $0.new
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
