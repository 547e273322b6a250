public import Dataflow
import GRDB
import Glibc

/// Positions in a table that another process may be writing: reads only, makes nothing, takes no lock.
public enum TablePositions {
  /// Longest wait for a writer that has the database to itself for a moment, as when it starts its log anew.
  private static let busyTimeoutSeconds = 10.0

  /// T of the partitions in a SQLite database, in the order asked; nil: none, or no such database. Throws `PortError`.
  public static func read(
    sqlite path: String, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [TablePosition?] {
    guard access(path, R_OK) == 0 else { return partitions.map { _ in nil } }
    var configuration = Configuration()
    configuration.readonly = true
    configuration.busyMode = .timeout(busyTimeoutSeconds)
    return try SQLiteProblem.catching("sqlite \(path): positions") {
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { database in
        guard try database.tableExists("positions") else { return partitions.map { _ in nil } }
        // Tables of an earlier version have none.
        let hasLeftOut = try database.columns(in: "positions").contains { $0.name == "left_out" }
        return try partitions.map {
          try read(database, pipeline: pipeline, topic: topic, $0, hasLeftOut: hasLeftOut)
        }
      }
    }
  }

  static func read(
    _ database: Database, pipeline: String, topic: String, _ partition: Int32, hasLeftOut: Bool
  ) throws -> TablePosition? {
    let row = try Row.fetchOne(
      database,
      sql: """
        SELECT next_offset, \(hasLeftOut ? "left_out" : "NULL") FROM positions
        WHERE pipeline = ? AND topic = ? AND "partition" = ?
        """,
      arguments: [pipeline, topic, partition])
    guard let row, let next = Int64.fromDatabaseValue(row[0]) else { return nil }
    let value: DatabaseValue = row[1]
    // A value that is no text is none that Tally has written.
    let text = value.isNull ? nil : String.fromDatabaseValue(value) ?? "?"
    return try position(next, text, partition: partition)
  }

  /// T of the partitions in PostgreSQL, in the order asked; nil: none, or no such table. Throws `PortError`.
  public static func read(
    postgres configuration: PostgresConfiguration, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [TablePosition?] {
    let connection = try PostgresConnection.entered(configuration)
    var columns = 0
    // Tables of an earlier version have no column left_out.
    let looking = """
      SELECT count(*) FROM pg_attribute
      WHERE attrelid = to_regclass('positions') AND attname IN ('next_offset', 'left_out') AND NOT attisdropped
      """
    try connection.run(looking, "look for positions") { _, result in
      columns = result[0, 0].flatMap { Int($0) } ?? 0
    }
    guard columns > 0 else { return partitions.map { _ in nil } }
    let found = try connection.positions(pipeline, topic, hasLeftOut: columns > 1)
    return partitions.map { found[$0] }
  }

  /// Throws `PortError.refused` for a text that Tally has not written.
  static func position(_ next: Int64, _ text: String?, partition: Int32) throws -> TablePosition {
    guard let leftOut = LeftOutRanges(text: text ?? "") else {
      throw PortError(
        .refused,
        "partition \(partition): left_out of its row in the table positions cannot be read; what to do: restore it from a backup, or "
          + "set it to NULL if nothing was ever left out of the partition")
    }
    return TablePosition(next, leftOut: leftOut)
  }
}

extension PositionMove {
  /// What stands in `left_out`; nil: nothing is left out.
  var leftOutText: String? { leftOut.isEmpty ? nil : leftOut.text }
}

extension PostgresConnection {
  /// T of all partitions of a topic.
  borrowing func positions(
    _ pipeline: String, _ topic: String, hasLeftOut: Bool = true
  ) throws -> [Int32: TablePosition] {
    var found: [Int32: (next: Int64, text: String?)] = [:]
    let sql = """
      SELECT "partition", next_offset, \(hasLeftOut ? "left_out" : "NULL") FROM positions
      WHERE pipeline = \(TableStatements.literal(pipeline)) AND topic = \(TableStatements.literal(topic))
      """
    try run(sql, "read positions") { _, result in
      for row in 0..<result.rows {
        if let partition = result[row, 0].flatMap({ Int32($0) }),
          let offset = result[row, 1].flatMap({ Int64($0) })
        {
          found[partition] = (offset, result[row, 2])
        }
      }
    }
    var positions: [Int32: TablePosition] = [:]
    for (partition, row) in found {
      positions[partition] = try TablePositions.position(row.next, row.text, partition: partition)
    }
    return positions
  }
}
