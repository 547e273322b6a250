public import Dataflow
public import Tables
import Events

/// Scores, latest scores, dead letters and positions in PostgreSQL 15 or later. One connection, one thread.
///
/// It connects when first used, adds what tables and columns are missing, and copies each batch in one
/// transaction that first moves the positions. After any error the connection is thrown away and the next
/// call makes a new one: how long to wait between is the caller's. A write whose commit was not answered is
/// simply called again: it then answers `alreadyWritten`.
public final class PostgresTableSink: TableSink {
  private let configuration: PostgresConfiguration
  private let plan: TablePlan
  private var session: PostgresSession?
  private var rows = PostgresCopyBuffer()
  private var letters = PostgresCopyBuffer()

  /// A sink for batches of this context; does not connect. Throws `PortError.refused` for names that cannot
  /// be columns.
  public init(_ configuration: PostgresConfiguration, context: ScoreContext) throws {
    self.configuration = configuration
    plan = try TablePlan(context)
  }

  /// Connects and migrates now, if not connected: for a clear error at start. Throws `PortError`.
  public func connect() throws { try withSession { _ in } }

  /// T of the partitions, in the order asked; nil: none.
  public func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?] {
    try withSession { session in
      let found = try session.positions(plan.context.pipeline, topic)
      return partitions.map { found[$0] }
    }
  }

  /// Writes all rows and letters with `toTable`, and moves all positions, or nothing.
  public func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome {
    try plan.check(batch, moves)
    rows.stage(rowsOf: batch, plan)
    letters.stage(lettersOf: batch)
    guard !moves.isEmpty else { return .written }
    do {
      return try write(batch, moves)
    } catch let error as PortError where error.mayConcernData {
      guard let refused = try withSession({ try refusals(of: batch, $0) }) else { throw error }
      throw refused
    }
  }

  private func write(_ batch: ScoredBatch, _ moves: [PositionMove]) throws -> WriteOutcome {
    try withSession { session in
      guard try moveAll(moves, session) else {
        try session.run("ROLLBACK", "roll back")
        let found = try session.positions(plan.context.pipeline, plan.context.topic)
        return moves.allSatisfy { found[$0.partition]?.next == $0.new } ? .alreadyWritten : .conflict
      }
      try finish(batch, session)
      return .written
    }
  }

  /// Closes the connection; a later call makes a new one.
  public func close() { session = nil }

  /// Begins a transaction, stages the rows and moves the positions; false: not all were where they should be.
  ///
  /// The rows come first: while they are sent, no lock is held that a process which stands still could keep from others. From
  /// then on the server waits for no data, only for the next message, which has a limit.
  private func moveAll(_ moves: [PositionMove], _ session: PostgresSession) throws -> Bool {
    var (statements, copies) = staging(session)
    let before = statements.count
    // In one order for all workers, so that two cannot wait for each other.
    statements += moves.sorted { $0.partition < $1.partition }.map { session.statements.move($0) }
    var moved = 0
    try session.run(statements.joined(separator: "; "), "move positions", copies: copies) { number, result in
      if number >= before { moved += result.changed }
    }
    return moved == moves.count
  }

  /// Statements that begin a transaction and stage the batch, and their data.
  private func staging(_ session: PostgresSession) -> (statements: [String], copies: [PostgresCopyBuffer]) {
    var statements = session.statements.begin
    var copies: [PostgresCopyBuffer] = []
    if rows.rows > 0 {
      copies.append(rows)
      statements.append("COPY pg_temp.tally_rows FROM STDIN (FORMAT binary)")
    }
    if letters.rows > 0 {
      copies.append(letters)
      statements.append("COPY pg_temp.tally_letters FROM STDIN (FORMAT binary)")
    }
    return (statements, copies)
  }

  private func erasures(_ batch: ScoredBatch) -> [String] {
    batch.erasures.filter(\.toTable).flatMap { erasure in
      TableStatements.erase(
        batch.events.string(batch.events.events[Int(erasure.event)].entityID),
        pipeline: batch.context.pipeline)
    }
  }

  /// Erases, takes over what is staged, and commits, in one message to the server.
  private func finish(_ batch: ScoredBatch, _ session: PostgresSession) throws {
    var statements = erasures(batch)
    if rows.rows > 0 { statements += session.statements.takeRows(batch.context) }
    if letters.rows > 0 { statements += session.statements.takeLetters() }
    try session.run((statements + ["COMMIT"]).joined(separator: "; "), "write rows")
  }

  /// Looks for the rows and letters that the database refuses, by halves, without leaving anything. nil: none is refused by itself.
  private func refusals(of batch: ScoredBatch, _ session: PostgresSession) throws -> RefusedRows? {
    let (begin, copies) = staging(session)
    try session.run(begin.joined(separator: "; "), "stage once more", copies: copies)
    let before = erasures(batch) + ["SET CONSTRAINTS ALL IMMEDIATE"]
    try session.run(before.joined(separator: "; "), "look for what is refused")
    var found = RefusedRows(rows: [], letters: [])
    if rows.rows > 0 {
      try seek(0..<batch.rows.count, session, &found.rows) {
        session.statements.takeRows(batch.context, only: $0)
      }
    }
    if letters.rows > 0 {
      try seek(0..<batch.deadLetters.count, session, &found.letters) {
        session.statements.takeLetters(only: $0)
      }
    }
    try session.run("ROLLBACK", "look for what is refused")
    return found.rows.isEmpty && found.letters.isEmpty ? nil : found
  }

  private func seek(
    _ numbers: Range<Int>, _ session: PostgresSession, _ refused: inout [RefusedRows.Refusal],
    _ statements: (Range<Int>) -> [String]
  ) throws {
    let what = "look for what is refused"
    do {
      let all = ["SAVEPOINT tally_rows"] + statements(numbers) + ["RELEASE SAVEPOINT tally_rows"]
      try session.run(all.joined(separator: "; "), what)
    } catch let error as PortError where error.mayConcernData {
      try session.run("ROLLBACK TO SAVEPOINT tally_rows; RELEASE SAVEPOINT tally_rows", what)
      guard numbers.count > 1 else {
        refused.append(.init(index: numbers.lowerBound, why: error.cause))
        return
      }
      let middle = numbers.lowerBound + numbers.count / 2
      try seek(numbers.lowerBound..<middle, session, &refused, statements)
      try seek(middle..<numbers.upperBound, session, &refused, statements)
    }
  }

  private func withSession<Result>(_ body: (PostgresSession) throws -> Result) throws -> Result {
    do {
      let current = try session ?? PostgresSession(configuration, plan)
      session = current
      return try body(current)
    } catch {
      session = nil
      throw error
    }
  }
}
