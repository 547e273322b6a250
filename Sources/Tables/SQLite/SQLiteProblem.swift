package import Dataflow
import GRDB
import GRDBSQLite

/// What an error of SQLite means for the caller. SQLite's own messages are left out: they may repeat data.
package enum SQLiteProblem {
  package static func catching<Result>(_ detail: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error as PortError {
      throw error
    } catch {
      throw Self.error(error, detail)
    }
  }

  package static func error(_ error: any Error, _ detail: String) -> PortError {
    guard let error = error as? DatabaseError else {
      return PortError(.refused, detail, cause: "\(type(of: error))", reason: .tableRefused)
    }
    return Self.error(code: error.extendedResultCode.rawValue, detail)
  }

  static func error(code: Int32, _ detail: String) -> PortError {
    var problem = meaning(code, detail)
    switch ResultCode(rawValue: code).primaryResultCode {
    // The key of `scores`: the positions are at fault.
    case .SQLITE_CONSTRAINT: problem.mayConcernData = code != ResultCode.SQLITE_CONSTRAINT_PRIMARYKEY.rawValue
    case .SQLITE_TOOBIG, .SQLITE_MISMATCH: problem.mayConcernData = true
    default: break
    }
    return problem
  }

  private static func meaning(_ code: Int32, _ detail: String) -> PortError {
    let result = ResultCode(rawValue: code).primaryResultCode
    switch result {
    case .SQLITE_FULL: return PortError(.unavailable, detail, cause: "the disk is full", reason: .diskFull)
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return PortError(.unavailable, detail, cause: "a reader blocks the writer", reason: .tableUnavailable)
    case .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_NOMEM, .SQLITE_INTERRUPT:
      return PortError(.unavailable, detail, cause: words(code), reason: .tableUnavailable)
    case .SQLITE_CONSTRAINT:
      return PortError(
        .refused, detail, cause: "\(words(code)): \(TableStatements.rowIsThere)", reason: .tableRefused)
    default: return PortError(.refused, detail, cause: words(code), reason: .tableRefused)
    }
  }

  static func words(_ code: Int32) -> String { "\(String(cString: sqlite3_errstr(code))) (\(code))" }
}
