import Dataflow

/// What an error of PostgreSQL means for the caller, by SQLSTATE (PostgreSQL 15, appendix A).
enum PostgresProblem {
  /// The error as a port's error. `message` is the server's primary message: it is left out for classes whose
  /// messages may repeat data.
  /// `constraint`: the one that was violated; empty: none.
  static func error(
    sqlState: String, message: String, constraint: String = "", _ detail: String
  ) -> PortError {
    var problem = meaning(sqlState, message, detail)
    let family = String(sqlState.prefix(2))
    let isKey = sqlState == "23505" && constraint == TableStatements.scoresKey
    problem.mayConcernData = ofData.contains(family) && !isKey
    if problem.mayConcernData {
      problem.cause =
        constraint.isEmpty ? "SQLSTATE \(sqlState)" : "the constraint \(constraint) forbids it (\(sqlState))"
    }
    return problem
  }

  /// Classes of errors that a record's data may cause: values, constraints, a trigger's refusal, a view's.
  private static let ofData: Set = ["22", "23", "44", "P0"]

  private static func meaning(_ sqlState: String, _ message: String, _ detail: String) -> PortError {
    if let known = meanings[sqlState] {
      return PortError(
        known.code, detail, cause: "\(known.text) (\(sqlState))",
        reason: known.code == .unavailable ? .tableUnavailable : .tableRefused)
    }
    let family = String(sqlState.prefix(2))
    let isPassing = passing.contains(family)
    let isSpeaking = isPassing || speaking.contains(family)
    let cause = isSpeaking && !message.isEmpty ? "\(message) (\(sqlState))" : "SQLSTATE \(sqlState)"
    return PortError(
      isPassing ? .unavailable : .refused, detail, cause: cause,
      reason: isPassing ? .tableUnavailable : .tableRefused)
  }

  /// Classes of errors that pass: connection, resources, operator's intervention, system, transaction
  /// rollback.
  private static let passing: Set = ["08", "53", "57", "58", "40"]

  /// Classes whose messages name objects, never data: states, authorization, names and syntax, limits.
  private static let speaking: Set = ["0A", "25", "28", "2B", "3D", "3F", "42", "54", "55"]

  private static let meanings: [String: (code: PortError.Code, text: String)] = [
    "28P01": (.refused, "wrong user or password"),
    "28000": (.refused, "the server does not let this user in: see its pg_hba.conf"),
    "3D000": (.refused, "there is no such database"),
    "42501": (.refused, "the user lacks a permission; Tally creates and writes tables and temporary tables"),
    "25P03": (.unavailable, "the server has ended a transaction in which this process stood still"),
    "25006": (.unavailable, "this server takes no writes: a standby, or a failover is under way"),
    "55P03": (.unavailable, "a lock was not to be had"),
    "57014": (.unavailable, "a statement took longer than its timeout"),
    "57P01": (.unavailable, "an administrator ends this connection"),
    "57P03": (.unavailable, "the server is starting up or shutting down"),
    "53100": (.unavailable, "the server's disk is full"),
    "53300": (.unavailable, "the server has no connection left"),
    "23505": (.refused, TableStatements.rowIsThere),
    "22021": (.refused, "a text that is not valid in the database's encoding"),
    "22P05": (.refused, "a character that the database's encoding does not have: it must be UTF8"),
  ]
}
