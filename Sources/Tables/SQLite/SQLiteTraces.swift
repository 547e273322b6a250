internal import Dataflow
import Foundation

/// What a SQLite database leaves on disk of what was removed from it. One thread; calls throw `PortError`.
///
/// With `secure_delete` SQLite overwrites what it removes, but a page that was split keeps a copy of what went to its neighbour, and the
/// write-ahead log has pages as they were. Both are gone after `VACUUM` and a checkpoint.
public final class SQLiteTraces {
  /// Bytes read at once.
  private static let chunkBytes = 1 << 20

  /// Longest wait for readers, milliseconds.
  private static let readersWaitMs = 3_000

  private let path: String
  private let rows: TableRows

  /// Opens a database, which must be there; others may be working with it.
  public init(path: String) throws {
    self.path = path
    rows = try TableDatabase(sqlite: path, "what was removed").rows
  }

  /// Size of the database, bytes.
  public var bytes: Int64 {
    (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.int64Value ?? 0
  }

  /// Empties the write-ahead log; waits a while for readers. Returns false when one was in the way for too long.
  public func emptyLog() throws -> Bool {
    _ = try rows("PRAGMA busy_timeout = \(Self.readersWaitMs)")
    defer {
      _ = try? rows("PRAGMA busy_timeout = \(Int(TableDatabase.busyTimeoutSeconds) * 1000)")
    }
    return try rows("PRAGMA wal_checkpoint(TRUNCATE)").first?.first.flatMap { $0 } == "0"
  }

  /// Writes the database anew, without free space; nobody can write to it meanwhile.
  public func vacuum() throws { _ = try rows("VACUUM") }

  /// Whether the bytes are anywhere in the database or its write-ahead log: in rows, or in what is left of some.
  public func contain(_ wanted: [UInt8]) -> Bool {
    ["", "-wal", "-shm"].contains { Self.contains(wanted, in: path + $0) }
  }

  private static func contains(_ wanted: [UInt8], in path: String) -> Bool {
    guard !wanted.isEmpty, let file = FileHandle(forReadingAtPath: path) else { return false }
    defer { try? file.close() }
    let pattern = Data(wanted)
    var window = Data()
    while let chunk = try? file.read(upToCount: chunkBytes), !chunk.isEmpty {
      window.append(chunk)
      if window.range(of: pattern) != nil { return true }
      window = Data(window.suffix(wanted.count - 1))
    }
    return false
  }
}
