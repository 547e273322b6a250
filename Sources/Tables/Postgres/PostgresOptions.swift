import CLibpq
import Dataflow
import Glibc

/// Keywords and values of a connection, and how one is made of them.
struct PostgresOptions {
  private var values: [String: String] = [:]

  /// Reads the connection string. Throws `PortError.misuse`, without libpq's words: they repeat parts of the
  /// string.
  init(_ configuration: PostgresConfiguration) throws {
    values = try PostgresText(configuration.connection).values
    values.merge(configuration.options) { _, new in new }
    if let password = configuration.password { values["password"] = password }
    values["client_encoding"] = "UTF8"
    let defaults = [
      "fallback_application_name": "tally", "keepalives": "1", "keepalives_idle": "10",
      "keepalives_interval": "5", "keepalives_count": "3",
      "tcp_user_timeout": "\(configuration.statementTimeoutMs + 1_000)",
    ]
    values.merge(defaults) { given, _ in given }
  }

  /// Where it leads.
  var name: String {
    let host = values["host"] ?? values["hostaddr"] ?? "localhost"
    return "postgres \(host):\(values["port"] ?? "5432")/\(values["dbname"] ?? values["user"] ?? "")"
  }

  /// Connects. Throws `PortError`.
  func connect(timeoutMs: Int) throws -> OpaquePointer {
    let pairs = values.map { (strdup($0.key), strdup($0.value)) }
    defer {
      for (keyword, value) in pairs {
        free(keyword)
        free(value)
      }
    }
    let keywords: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.0) } + [nil]
    let texts: [UnsafePointer<CChar>?] = pairs.map { UnsafePointer($0.1) } + [nil]
    guard let connection = PQconnectStartParams(keywords, texts, 0) else {
      throw PortError(.unavailable, "\(name): connect", cause: "out of memory", reason: .tableUnavailable)
    }
    do {
      try finish(connection, timeoutMs: timeoutMs)
      return connection
    } catch {
      PQfinish(connection)
      throw error
    }
  }

  private func finish(_ connection: OpaquePointer, timeoutMs: Int) throws {
    // Errors then end with their SQLSTATE, which does not depend on the server's language.
    PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE)
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(timeoutMs)
    var status = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
    while status != PGRES_POLLING_OK {
      guard status != PGRES_POLLING_FAILED else { throw failure(connection) }
      let left = Int(max(clock.now.duration(to: deadline) / .milliseconds(1), 0))
      let events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT
      guard left > 0, PostgresConnection.poll(PQsocket(connection), events, timeoutMs: left) else {
        throw PortError(
          .unavailable, "\(name): connect", cause: "no answer in time", reason: .tableUnavailable)
      }
      status = PQconnectPoll(connection)
    }
    guard PQsetnonblocking(connection, 1) == 0 else { throw failure(connection) }
  }

  private func failure(_ connection: OpaquePointer) -> PortError {
    let detail = "\(name): connect"
    if PQconnectionNeedsPassword(connection) == 1 {
      return PortError(.refused, detail, cause: "the server asks for a password", reason: .tableRefused)
    }
    let lines = String(cString: PQerrorMessage(connection)).split(separator: "\n")
    if let state = lines.last?.split(separator: " ").last, isSQLState(state),
      lines.last?.contains(":  ") == true
    {
      return PostgresProblem.error(sqlState: String(state), message: "", detail)
    }
    var cause = String(lines.first ?? "no connection")
    if let password = values["password"], !password.isEmpty {
      cause = cause.split(separator: password, omittingEmptySubsequences: false).joined(separator: "***")
    }
    // Trying again does not mend certificates.
    if cause.contains("certificate") {
      return PortError(.refused, detail, cause: cause, reason: .tableRefused)
    }
    // A value that libpq cannot read, such as a port that is no number.
    return PortError(
      cause.hasPrefix("invalid ") ? .misuse : .unavailable, detail, cause: cause,
      reason: cause.hasPrefix("invalid ") ? .badSetting : .tableUnavailable)
  }

  private func isSQLState(_ word: Substring) -> Bool {
    word.utf8.count == 5 && word.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
  }
}
