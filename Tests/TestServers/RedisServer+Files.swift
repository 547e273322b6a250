import Glibc

/// What a Redis that writes an append-only file finds when it starts again after a crash.
extension RedisServer {
  /// Its files at that start.
  public enum Files: Sendable {
    /// All that it had written.
    case kept
    /// Nothing, as on a new disk.
    case none
    /// Those of the last `saveFiles`, as from an older copy of the disk.
    case saved
  }

  /// Copies the files of the running server aside; its end may be cut off in the midst of a write, as a disk's copy may.
  public func saveFiles() throws {
    try must("rm -rf '\(saved)' && cp -a '\(live)' '\(saved)'")
  }

  /// Kills the server as a crash would, puts files in the place of its own and starts it again.
  public func restart(on files: Files) throws {
    kill9()
    switch files {
    case .kept: break
    case .none: try must("rm -rf '\(live)'")
    case .saved: try must("rm -rf '\(live)' && cp -a '\(saved)' '\(live)'")
    }
    try restart()
  }

  private var live: String { folder + "/appendonlydir" }
  private var saved: String { folder + "/saved" }

  private func must(_ script: String) throws {
    let (status, output) = try run(["sh", "-c", script])
    guard status == 0 else { throw ServerFailure("files of redis: \(output)") }
  }
}
