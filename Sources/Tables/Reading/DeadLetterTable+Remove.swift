internal import Dataflow

extension DeadLetterTable {
  /// Letters that one statement removes: the locks that it takes are held for milliseconds.
  public static let removedAtOnce = 500

  /// Removes up to `removedAtOnce` of these letters in a transaction of their own. Returns how many; fewer than that: there are no
  /// more. `ofAllTopics`: also those of topics that the pipeline read before. Counters stay as they are.
  public func removeSome(_ filter: LetterFilter, ofAllTopics: Bool = false) throws -> Int {
    guard hasTable else { return 0 }
    let condition = condition(filter, ofAllTopics: ofAllTopics)
    return try rows(statement(condition, limit: Self.removedAtOnce)).count
  }

  /// Removes letters by their addresses. Returns how many were there.
  public func remove(_ addresses: [LetterAddress]) throws -> Int {
    guard hasTable else { return 0 }
    var removed = 0
    for start in stride(from: 0, to: addresses.count, by: Self.removedAtOnce) {
      let some = addresses[start..<min(start + Self.removedAtOnce, addresses.count)]
      let places = some.map { "(\($0.partition), \($0.offset))" }.joined(separator: ", ")
      let values = rows.dialect == .sqlite ? "VALUES \(places)" : places
      removed += try rows(
        "DELETE FROM dead_letters WHERE \(condition(LetterFilter())) AND (\"partition\", \"offset\") IN (\(values)) RETURNING 1"
      ).count
    }
    return removed
  }

  /// Addresses of letters, at most `limit`, that have these bytes somewhere in key, value or detail. Looks at every letter of the
  /// pipeline's topic.
  public func containing(_ bytes: [UInt8], limit: Int) throws -> [LetterAddress] {
    guard hasTable, !bytes.isEmpty else { return [] }
    let wanted = rows.literal(bytes)
    let has = ["key", "value", "detail"].map { column in
      switch rows.dialect {
      case .sqlite: "instr(CAST(\(column) AS blob), \(wanted)) > 0"
      case .postgres:
        "position(\(wanted) IN \(column == "detail" ? "convert_to(detail, 'UTF8')" : column)) > 0"
      }
    }
    return try rows(
      "SELECT \"partition\", \"offset\" FROM dead_letters WHERE \(condition(LetterFilter())) "
        + "AND (\(has.joined(separator: " OR "))) ORDER BY \"partition\", \"offset\" LIMIT \(limit)"
    ).compactMap { row in
      guard let partition = row[0].flatMap({ Int32($0) }), let offset = row[1].flatMap({ Int64($0) }) else {
        return nil
      }
      return LetterAddress(partition: partition, offset: offset)
    }
  }

  /// What others are removing is left to them.
  private func statement(_ condition: String, limit: Int) -> String {
    switch rows.dialect {
    case .sqlite:
      return """
        DELETE FROM dead_letters WHERE rowid IN (SELECT rowid FROM dead_letters WHERE \(condition) LIMIT \(limit))
        RETURNING 1
        """
    case .postgres:
      let key = "pipeline, topic, \"partition\", \"offset\""
      return """
        DELETE FROM dead_letters WHERE (\(key)) IN (
          SELECT \(key) FROM dead_letters WHERE \(condition) LIMIT \(limit) FOR UPDATE SKIP LOCKED) RETURNING 1
        """
    }
  }
}
