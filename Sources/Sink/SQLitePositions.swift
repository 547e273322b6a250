internal import Dataflow
import GRDB
import Glibc

/// Positions in a SQLite database that another process may be writing: reads only, takes no lock.
public enum SQLitePositions {
  /// T of the partitions, in the order asked; nil: none, or no such database. Throws `PortError`.
  public static func read(
    path: String, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [Int64?] {
    guard access(path, R_OK) == 0 else { return partitions.map { _ in nil } }
    var configuration = Configuration()
    configuration.readonly = true
    do {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { database in
        guard try database.tableExists("positions") else { return partitions.map { _ in nil } }
        return try partitions.map { partition in
          try Int64.fetchOne(
            database,
            sql: #"SELECT next_offset FROM positions WHERE pipeline = ? AND topic = ? AND "partition" = ?"#,
            arguments: [pipeline, topic, partition])
        }
      }
    } catch {
      throw SQLiteProblem.error(error, "sqlite \(path): positions")
    }
  }
}
