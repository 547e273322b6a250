internal import Dataflow
import GRDB
import Glibc

/// Positions in a table that another process may be writing: reads only, makes nothing, takes no lock.
public enum TablePositions {
  /// Longest wait for a writer that has the database to itself for a moment, as when it starts its log anew.
  private static let busyTimeoutSeconds = 10.0

  /// T of the partitions in a SQLite database, in the order asked; nil: none, or no such database. Throws `PortError`.
  public static func read(
    sqlite path: String, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [Int64?] {
    guard access(path, R_OK) == 0 else { return partitions.map { _ in nil } }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(busyTimeoutSeconds)
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

  /// T of the partitions in PostgreSQL, in the order asked; nil: none, or no such table. Throws `PortError`.
  public static func read(
    postgres configuration: PostgresConfiguration, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [Int64?] {
    let connection = try PostgresConnection.entered(configuration)
    var isThere = false
    try connection.run("SELECT to_regclass('positions') IS NOT NULL", "look for positions") { _, result in
      isThere = result[0, 0] == "t"
    }
    guard isThere else { return partitions.map { _ in nil } }
    let found = try connection.positions(pipeline, topic)
    return partitions.map { found[$0] }
  }
}

extension PostgresConnection {
  /// T of all partitions of a topic.
  borrowing func positions(_ pipeline: String, _ topic: String) throws -> [Int32: Int64] {
    var found: [Int32: Int64] = [:]
    let sql = """
      SELECT "partition", next_offset FROM positions
      WHERE pipeline = \(TableStatements.literal(pipeline)) AND topic = \(TableStatements.literal(topic))
      """
    try run(sql, "read positions") { _, result in
      for row in 0..<result.rows {
        if let partition = result[row, 0].flatMap({ Int32($0) }),
          let offset = result[row, 1].flatMap({ Int64($0) })
        {
          found[partition] = offset
        }
      }
    }
    return found
  }
}
