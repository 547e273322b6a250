import Dataflow
import Foundation
import Glibc

/// Folders that nobody else can write to, or make before we do.
package enum PrivateFolder {
  /// A new folder in the temporary one, of a name that nobody can know before. Throws `Failure`.
  package static func fresh(_ stem: String) throws -> String {
    var template = Array((NSTemporaryDirectory() + "\(stem)-XXXXXX").utf8CString)
    guard let made = mkdtemp(&template) else {
      throw Failure(
        "no folder can be made in \(NSTemporaryDirectory()): \(String(cString: strerror(errno)))",
        reason: .badFile)
    }
    return String(cString: made)
  }

  /// A folder that somebody has named; made when it is not there. Throws `Failure` when it belongs to somebody else, or
  /// others may write to it.
  package static func named(_ path: String) throws -> String {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Failure("the folder \(path) cannot be made: \(error.localizedDescription)", reason: .badFile)
    }
    if let problem = problem(of: path) {
      throw Failure("the folder \(path) \(problem): name another", reason: .badFile)
    }
    return path
  }

  /// Why somebody else may have put something there; nil: nobody can.
  package static func problem(of path: String) -> String? {
    var found = stat()
    guard stat(path, &found) == 0 else { return "cannot be looked at: \(String(cString: strerror(errno)))" }
    if found.st_uid != geteuid() && found.st_uid != 0 { return "belongs to another user" }
    return found.st_mode & 0o022 == 0 ? nil : "may be written by others"
  }
}
