import CLibpq
import Dataflow
import Glibc

/// One connection to PostgreSQL, libpq's. One thread.
///
/// It is non-blocking inside, so that a server that hangs becomes an error after a time. After an error it
/// must be thrown away.
struct PostgresConnection: ~Copyable {
  private let connection: OpaquePointer
  /// Where it leads, for error texts.
  let name: String
  private let answerTimeoutMs: Int
  private let scope = PostgresScope()
  /// Whether a pooler stands between that may give every transaction another server connection: PgBouncer tells a process id
  /// that is not the server's.
  var isPooled: Bool { scope.isPerTransaction }

  /// Connects. Throws `PortError`.
  static func opened(_ configuration: PostgresConfiguration) throws -> PostgresConnection {
    let connection = try PostgresConnection(configuration)
    try connection.lookForPooler()
    return connection
  }

  private init(_ configuration: PostgresConfiguration) throws {
    let options = try PostgresOptions(configuration)
    connection = try options.connect(timeoutMs: configuration.connectTimeoutMs)
    name = options.name
    // The server ends a long statement itself; this is for one that does not answer at all.
    answerTimeoutMs = configuration.statementTimeoutMs + 1_000
  }

  private borrowing func lookForPooler() throws {
    var serverPID: Int32?
    try run("SELECT pg_catalog.pg_backend_pid()", "look for a pooler") { _, result in
      serverPID = result[0, 0].flatMap { Int32($0) }
    }
    scope.isPerTransaction = serverPID != PQbackendPID(connection)
  }

  /// Makes settings hold from now on: for the session, or behind a pooler at the beginning of every transaction, since the next one
  /// may go to another session.
  borrowing func set(_ settings: [String]) throws {
    let scope = scope
    guard !scope.isPerTransaction else { return scope.add(settings.map { "SET LOCAL \($0)" }) }
    try run(settings.map { "SET \($0)" }.joined(separator: "; "), "set up")
  }

  /// Connects, and makes and enters the configuration's schema. Throws `PortError`.
  static func entered(_ configuration: PostgresConfiguration) throws -> PostgresConnection {
    let connection = try opened(configuration)
    guard let schema = configuration.schema else { return connection }
    let name = TableStatements.quoted(schema)
    try connection.set(["client_min_messages = warning"])
    try connection.run("CREATE SCHEMA IF NOT EXISTS \(name)", "schema")
    try connection.set(["search_path TO \(name)"])
    return connection
  }

  /// Connects for reading only: makes nothing, not even the schema that it enters. Throws `PortError`.
  static func reading(_ configuration: PostgresConfiguration) throws -> PostgresConnection {
    let connection = try opened(configuration)
    // Numbers in their shortest exact form, whatever the server's configuration says.
    var settings = ["standard_conforming_strings = on", "extra_float_digits = 1"]
    if let schema = configuration.schema {
      settings.append("search_path TO \(TableStatements.quoted(schema))")
    }
    try connection.set(settings)
    return connection
  }

  deinit { PQfinish(connection) }

  /// A parameter that the server reports, such as `server_encoding`.
  borrowing func parameter(_ name: String) -> String {
    PQparameterStatus(connection, name).map { String(cString: $0) } ?? ""
  }

  /// Runs one or more statements, sent at once; `copies` are the data of its COPY … FROM STDIN in order.
  ///
  /// `each` is called with every statement's number and result. Throws `PortError` of the first statement
  /// that fails; those after it are not run. `detail` says in an error what was tried, `timeoutMs` how long an answer may
  /// take (nil: as long as a statement may).
  borrowing func run(
    _ sql: String, _ detail: String, copies: [PostgresCopyBuffer] = [], timeoutMs: Int? = nil,
    each: (Int, PostgresResult) throws -> Void = { _, _ in }
  ) throws {
    let isFirst = PQtransactionStatus(connection) == PQTRANS_IDLE
    let (text, added) = isFirst ? scope.begin(sql) : (sql, 0..<0)
    guard PQsendQuery(connection, text) == 1 else { throw lost(detail) }
    try flush(detail)
    var (position, copied) = (0, 0)
    var failure: (any Error)?
    while let result = try next(detail, timeoutMs: timeoutMs.map { $0 + 1_000 } ?? answerTimeoutMs) {
      defer { PQclear(result) }
      switch PQresultStatus(result) {
      case PGRES_COMMAND_OK, PGRES_TUPLES_OK:
        if failure == nil && !added.contains(position) {
          let number = position < added.lowerBound ? position : position - added.count
          do { try each(number, PostgresResult(result)) } catch { failure = error }
        }
        position += 1
      case PGRES_COPY_IN:
        precondition(copied < copies.count, "a COPY without data")
        try send(copies[copied], detail)
        copied += 1
      default:
        if failure == nil { failure = error(result, detail) }
      }
    }
    if let failure { throw failure }
  }

  private borrowing func send(_ copy: PostgresCopyBuffer, _ detail: String) throws {
    // In pieces, so that libpq's own copy stays small.
    let pieceBytes = 1 << 18
    try copy.bytes.withUnsafeBytes { all in
      for start in stride(from: 0, to: all.count, by: pieceBytes) {
        let piece = all[start..<min(start + pieceBytes, all.count)]
        let base = UnsafeRawBufferPointer(rebasing: piece).baseAddress?.assumingMemoryBound(to: CChar.self)
        var status = PQputCopyData(connection, base, Int32(piece.count))
        while status == 0 {
          try flush(detail)
          status = PQputCopyData(connection, base, Int32(piece.count))
        }
        guard status == 1 else { throw lost(detail) }
        try flush(detail)
      }
    }
    guard PQputCopyEnd(connection, nil) == 1 else { throw lost(detail) }
    try flush(detail)
  }

  private borrowing func flush(_ detail: String) throws {
    while true {
      let status = PQflush(connection)
      if status == 0 { return }
      guard status == 1 else { throw lost(detail) }
      try wait(POLLIN | POLLOUT, detail, timeoutMs: answerTimeoutMs)
    }
  }

  /// nil: no more results.
  private borrowing func next(_ detail: String, timeoutMs: Int) throws -> OpaquePointer? {
    while PQisBusy(connection) == 1 { try wait(POLLIN, detail, timeoutMs: timeoutMs) }
    return PQgetResult(connection)
  }

  private borrowing func wait(_ events: Int32, _ detail: String, timeoutMs: Int) throws {
    guard Self.poll(PQsocket(connection), events, timeoutMs: timeoutMs) else {
      throw PortError(
        .unavailable, "\(name): \(detail)", cause: "no answer in time", reason: .tableUnavailable)
    }
    guard PQconsumeInput(connection) == 1 else { throw lost(detail) }
  }

  private borrowing func lost(_ detail: String) -> PortError {
    PortError(.unavailable, "\(name): \(detail)", cause: "the connection is lost", reason: .tableUnavailable)
  }

  private borrowing func error(_ result: OpaquePointer, _ detail: String) -> PortError {
    let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map { String(cString: $0) }
    guard let state else { return lost(detail) }
    func field(_ letter: UInt8) -> String {
      PQresultErrorField(result, Int32(letter)).map { String(cString: $0) } ?? ""
    }
    return PostgresProblem.error(
      sqlState: state, message: field(UInt8(ascii: "M")), constraint: field(UInt8(ascii: "n")),
      "\(name): \(detail)")
  }

  /// Waits for a socket; false: the time is up.
  static func poll(_ socket: Int32, _ events: Int32, timeoutMs: Int) -> Bool {
    var descriptor = pollfd(fd: socket, events: Int16(events), revents: 0)
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(timeoutMs)
    while true {
      let left = max(clock.now.duration(to: deadline) / .milliseconds(1), 0)
      let status = Glibc.poll(&descriptor, 1, Int32(left.rounded(.up)))
      if status > 0 { return true }
      if status == 0 || errno != EINTR { return false }
    }
  }
}

/// What must hold in every transaction.
private final class PostgresScope {
  var isPerTransaction = false
  private(set) var statements: [String] = []

  /// These hold at the beginning of every transaction from now on.
  func add(_ settings: [String]) { statements += settings }

  /// The text that begins a transaction with the settings, and which of its statements they are.
  func begin(_ sql: String) -> (text: String, added: Range<Int>) {
    guard isPerTransaction, !statements.isEmpty else { return (sql, 0..<0) }
    let settings = statements.joined(separator: "; ")
    // Several statements in one message are a transaction of their own.
    guard sql.hasPrefix("BEGIN") else { return ("\(settings); \(sql)", 0..<statements.count) }
    let end = sql.firstIndex(of: ";") ?? sql.endIndex
    return ("\(sql[..<end]); \(settings)\(sql[end...])", 1..<(1 + statements.count))
  }
}

/// One statement's result; valid inside `each` of `run`.
package struct PostgresResult {
  private let result: OpaquePointer

  fileprivate init(_ result: OpaquePointer) { self.result = result }

  /// Rows that it has.
  package var rows: Int { Int(PQntuples(result)) }
  /// Columns of each.
  package var columns: Int { Int(PQnfields(result)) }
  /// Rows that the statement changed.
  package var changed: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }

  /// A cell as text; nil: null.
  package subscript(row: Int, column: Int) -> String? {
    guard PQgetisnull(result, Int32(row), Int32(column)) == 0 else { return nil }
    return PQgetvalue(result, Int32(row), Int32(column)).map { String(cString: $0) }
  }
}
