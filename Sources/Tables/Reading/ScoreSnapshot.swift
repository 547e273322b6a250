import Dataflow

/// A pipeline's tables at one moment; valid inside `ScoreTable.snapshot`. All calls throw `PortError`.
public struct ScoreSnapshot {
  /// Most ids that are read, or asked for, at once.
  public static let idsMax = 500
  private static let lettersMax = 500

  private let plan: TablePlan
  private let rows: TableRows
  /// Columns of the tables that are there.
  private let columns: [String: Set<String>]

  init(_ plan: TablePlan, _ rows: TableRows) throws {
    self.plan = plan
    self.rows = rows
    columns = try Dictionary(
      plan.tables.map { ($0.name, try rows.columns(of: $0.name)) }, uniquingKeysWith: { first, _ in first })
  }

  /// T of the partitions, in the order asked; nil: none.
  public func positions(_ partitions: [Int32]) throws -> [Int64?] {
    guard has("positions") else { return partitions.map { _ in nil } }
    let found = try rows("SELECT \"partition\", next_offset FROM positions WHERE \(ours)")
    let byPartition = Dictionary(
      found.compactMap { row in Self.number(row[0]).map { ($0, Self.number(row[1])) } },
      uniquingKeysWith: { first, _ in first })
    return partitions.map { byPartition[Int64($0)] ?? nil }
  }

  /// Calls `body` with the id of everyone who has rows, a page of ids at a time, ascending. Reads one entry of the
  /// entities' index per id.
  public func forEachEntity(_ table: ScoreTable.Name, _ body: ([String]) throws -> Void) throws {
    guard has(table.rawValue) else { return }
    var last = ""
    while true {
      let page = try rows(nextIDs(table, after: last)).compactMap { $0[0] }
      if page.isEmpty { return }
      try body(page)
      guard page.count == Self.idsMax, let end = page.last else { return }
      last = end
    }
  }

  private func nextIDs(_ table: ScoreTable.Name, after last: String) -> String {
    func next(_ id: String) -> String {
      "SELECT min(entity_id) FROM \(table.rawValue) WHERE pipeline = \(pipeline) AND entity_id > \(id)"
    }
    return """
      WITH RECURSIVE ids(id, number) AS (
        SELECT (\(next(TableStatements.literal(last)))), 1
        UNION ALL
        SELECT (\(next("ids.id"))), number + 1 FROM ids WHERE id IS NOT NULL AND number < \(Self.idsMax)
      ) SELECT id FROM ids WHERE id IS NOT NULL
      """
  }

  /// Rows of at most `idsMax` entities. `from`: first offset of a partition that counts; rows of other partitions all do.
  public func rows(
    _ table: ScoreTable.Name, of ids: [String], from: [Int32: Int64] = [:]
  ) throws -> [StoredScore] {
    precondition(ids.count <= Self.idsMax)
    guard has(table.rawValue), !ids.isEmpty else { return [] }
    let values = plan.outputs + plan.decisions + (table == .latest ? plan.features : [])
    let names =
      ["entity_id", "event_id"] + ["event_time", "as_of"].map(rows.micros)
      + ["\"partition\"", "\"offset\"", "model_versions", "definition"]
      + values.map { select($0, table) }
    var terms = [ours, "entity_id IN (\(ids.map(TableStatements.literal).joined(separator: ", ")))"]
    if !from.isEmpty {
      let bounds = from.sorted { $0.key < $1.key }.map { "WHEN \($0.key) THEN \($0.value)" }
      terms.append("\"offset\" >= CASE \"partition\" \(bounds.joined(separator: " ")) ELSE 0 END")
    }
    let sql =
      "SELECT \(names.joined(separator: ", ")) FROM \(table.rawValue) WHERE \(terms.joined(separator: " AND "))"
    return try rows(sql).map { Self.score($0, values) }
  }

  private static func score(_ row: [String?], _ values: [TableColumn]) -> StoredScore {
    StoredScore(
      entityID: row[0] ?? "", eventID: row[1] ?? "", eventTime: number(row[2]) ?? 0,
      asOf: number(row[3]) ?? 0, partition: Int32(truncatingIfNeeded: number(row[4]) ?? -1),
      offset: number(row[5]) ?? -1, modelVersions: row[6] ?? "", definition: row[7] ?? "",
      cells: zip(row[8...], values).map { text, column in
        guard let text else { return .null }
        switch column.type {
        case .real: return Double(text).map { .number($0) } ?? .text(text)
        case .flag: return .number(text == "t" ? 1 : text == "f" ? 0 : Double(text) ?? .nan)
        default: return .text(text)
        }
      })
  }

  /// The lowest offset of a row of `scores`, by partition. Reads the whole table.
  public func firstOffsets() throws -> [Int32: Int64] {
    guard has("scores") else { return [:] }
    let found = try rows(
      "SELECT \"partition\", min(\"offset\") FROM scores WHERE \(ours) GROUP BY \"partition\"")
    return Dictionary(
      found.compactMap { row in
        guard let partition = Self.number(row[0]), let offset = Self.number(row[1]) else { return nil }
        return (Int32(truncatingIfNeeded: partition), offset)
      }, uniquingKeysWith: min)
  }

  /// Reasons of the dead letters at these addresses.
  public func letters(at addresses: [LetterAddress]) throws -> [LetterAddress: String] {
    var found: [LetterAddress: String] = [:]
    guard has("dead_letters") else { return found }
    for start in stride(from: 0, to: addresses.count, by: Self.lettersMax) {
      let places = addresses[start..<min(start + Self.lettersMax, addresses.count)].map {
        "(\($0.partition), \($0.offset))"
      }
      let sql = """
        SELECT "partition", "offset", reason FROM dead_letters
        WHERE \(ours) AND ("partition", "offset") IN (VALUES \(places.joined(separator: ", ")))
        """
      for row in try rows(sql) {
        guard let partition = Self.number(row[0]), let offset = Self.number(row[1]) else { continue }
        found[LetterAddress(partition: Int32(truncatingIfNeeded: partition), offset: offset)] = row[2] ?? ""
      }
    }
    return found
  }

  private var pipeline: String { TableStatements.literal(plan.context.pipeline) }

  private var ours: String {
    "pipeline = \(pipeline) AND topic = \(TableStatements.literal(plan.context.topic))"
  }

  private func has(_ table: String) -> Bool { columns[table]?.isEmpty == false }

  /// A column, or null where the table does not have it yet. A 32-bit float of PostgreSQL is widened, so that its text
  /// says which number it is.
  private func select(_ column: TableColumn, _ table: ScoreTable.Name) -> String {
    let isThere = columns[table.rawValue]?.contains { $0.lowercased() == column.name.lowercased() } == true
    guard isThere else { return "NULL" }
    let name = TableStatements.quoted(column.name)
    return rows.dialect == .postgres && column.type == .real ? "\(name)::double precision" : name
  }

  private static func number(_ text: String?) -> Int64? { text.flatMap { Int64($0) } }
}
