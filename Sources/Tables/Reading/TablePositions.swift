public import Dataflow

/// Positions in a table that another process may be writing: reads only, makes nothing, takes no lock.
public enum TablePositions {
  private static let what = "positions"

  /// T of the partitions in a SQLite database, in the order asked; nil: none, or no such database. Throws `PortError`.
  public static func read(
    sqlite path: String, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [TablePosition?] {
    guard TableDatabase.isThere(path) else { return partitions.map { _ in nil } }
    let database = try TableDatabase(sqlite: path, what, for: .reading)
    return try read(database.rows, pipeline, topic, partitions)
  }

  /// T of the partitions in PostgreSQL, in the order asked; nil: none, or no such table. Throws `PortError`.
  public static func read(
    postgres configuration: PostgresConfiguration, pipeline: String, topic: String, _ partitions: [Int32]
  ) throws -> [TablePosition?] {
    let database = try TableDatabase(postgres: configuration, what, for: .reading)
    return try read(database.rows, pipeline, topic, partitions)
  }

  private static func read(
    _ rows: TableRows, _ pipeline: String, _ topic: String, _ partitions: [Int32]
  ) throws -> [TablePosition?] {
    let columns = try rows.columns(of: TablePlan.positions.name)
    guard !columns.isEmpty else { return partitions.map { _ in nil } }
    // Tables of an earlier version have no column left_out.
    let sql = select(pipeline, topic, hasLeftOut: columns.contains("left_out"))
    let found = try positions(try rows(sql))
    return partitions.map { found[$0] }
  }

  /// SQL of a topic's positions, for `positions`.
  static func select(_ pipeline: String, _ topic: String, hasLeftOut: Bool = true) -> String {
    """
    SELECT "partition", next_offset, \(hasLeftOut ? "left_out" : "NULL") FROM positions
    WHERE pipeline = \(TableStatements.literal(pipeline)) AND topic = \(TableStatements.literal(topic))
    """
  }

  /// T by partition, of the rows of `select`. Throws `PortError.refused` for a text that Tally has not written.
  static func positions(_ rows: [[String?]]) throws -> [Int32: TablePosition] {
    var found: [Int32: TablePosition] = [:]
    for row in rows {
      guard let partition = row[0].flatMap({ Int32($0) }), let next = row[1].flatMap({ Int64($0) }) else {
        continue
      }
      found[partition] = try position(next, row[2], partition: partition)
    }
    return found
  }

  /// Throws `PortError.refused` for a text that Tally has not written.
  static func position(_ next: Int64, _ text: String?, partition: Int32) throws -> TablePosition {
    guard let leftOut = LeftOutRanges(text: text ?? "") else {
      throw PortError(
        .refused,
        "partition \(partition): left_out of its row in the table positions cannot be read; what to do: restore it from a backup, or "
          + "set it to NULL if nothing was ever left out of the partition", reason: .tableBehind)
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
  borrowing func positions(_ pipeline: String, _ topic: String) throws -> [Int32: TablePosition] {
    var found: [[String?]] = []
    try run(TablePositions.select(pipeline, topic), "read positions") { _, result in
      for row in 0..<result.rows { found.append((0..<result.columns).map { result[row, $0] }) }
    }
    return try TablePositions.positions(found)
  }
}
