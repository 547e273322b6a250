internal import Dataflow

/// The dead letters that a pipeline's table holds, for operators: works beside a running pipeline.
///
/// Reading takes no lock; marking is one short statement on its own, so it does not need the lock that keeps a second
/// scorer from a SQLite file. One thread. All calls throw `PortError`.
public final class DeadLetterTable {
  /// Letters read at once.
  private static let pageRows = 200
  private static let what = "dead letters"

  let rows: TableRows
  let pipeline: String
  private let topic: String
  private(set) var hasTable = false

  /// Opens the letters of a pipeline's topic in a SQLite database; there need be none.
  public init(sqlite path: String, pipeline: String, topic: String) throws {
    rows = try TableDatabase(sqlite: path, Self.what).rows
    self.pipeline = pipeline
    self.topic = topic
    try prepare()
  }

  /// Opens the letters of a pipeline's topic in PostgreSQL; there need be none.
  public init(postgres configuration: PostgresConfiguration, pipeline: String, topic: String) throws {
    rows = try TableDatabase(postgres: configuration, Self.what).rows
    self.pipeline = pipeline
    self.topic = topic
    try prepare()
  }

  /// Numbers of letters by reason, and how many of them were replayed, largest first.
  public func counts(_ filter: LetterFilter) throws -> [(reason: String, count: Int, replayed: Int)] {
    guard hasTable else { return [] }
    let found = try rows(
      "SELECT reason, count(*), count(replayed_at) FROM dead_letters WHERE \(condition(filter)) "
        + "GROUP BY reason ORDER BY count(*) DESC, reason")
    return found.map { (reason: $0[0] ?? "", count: Int($0[1] ?? "") ?? 0, replayed: Int($0[2] ?? "") ?? 0) }
  }

  /// Calls `body` with every letter in the order of the log until it returns false. What is written meanwhile may or may
  /// not be among them. `contents`: with key and value.
  public func forEach(
    _ filter: LetterFilter, contents: Bool, _ body: (StoredLetter) throws -> Bool
  ) throws {
    guard hasTable else { return }
    var after = LetterAddress(partition: -1, offset: -1)
    while true {
      // As one comparison the databases take the primary key's index for it; with OR every page reads all before it.
      let behind = "(\"partition\", \"offset\") > (\(after.partition), \(after.offset))"
      let page = try letters("\(condition(filter)) AND \(behind)", contents: contents, limit: Self.pageRows)
      for letter in page where try !body(letter) { return }
      guard page.count == Self.pageRows, let last = page.last else { return }
      after = last.address
    }
  }

  /// One letter with its contents; nil: there is none.
  public func letter(at address: LetterAddress) throws -> StoredLetter? {
    guard hasTable else { return nil }
    return try letters(
      "\(condition(LetterFilter())) AND \(Self.place(address))", contents: true, limit: 1
    ).first
  }

  /// Notes that a letter was appended to the log again.
  public func markReplayed(_ address: LetterAddress, at micros: Int64) throws {
    _ = try rows(
      "UPDATE dead_letters SET replayed_at = \(rows.moment(micros)), replays = coalesce(replays, 0) + 1 "
        + "WHERE \(condition(LetterFilter())) AND \(Self.place(address))")
  }

  static func place(_ address: LetterAddress) -> String {
    "\"partition\" = \(address.partition) AND \"offset\" = \(address.offset)"
  }

  /// `ofAllTopics`: also letters of topics that the pipeline read before.
  func condition(_ filter: LetterFilter, ofAllTopics: Bool = false) -> String {
    var terms = ["pipeline = \(TableStatements.literal(pipeline))"]
    if !ofAllTopics { terms.append("topic = \(TableStatements.literal(topic))") }
    if let reason = filter.reason { terms.append("reason = \(TableStatements.literal(reason))") }
    if let partition = filter.partition { terms.append("\"partition\" = \(partition)") }
    if let since = filter.since { terms.append("recorded_at >= \(rows.moment(since))") }
    if let until = filter.until { terms.append("recorded_at < \(rows.moment(until))") }
    if let replayed = filter.isReplayed { terms.append("replayed_at IS \(replayed ? "NOT " : "")NULL") }
    return terms.joined(separator: " AND ")
  }

  private func letters(_ condition: String, contents: Bool, limit: Int) throws -> [StoredLetter] {
    let bytes = contents ? [hex("key"), hex("value")] : ["NULL", "NULL"]
    let columns =
      ["\"partition\"", "\"offset\"", "reason", "detail"] + bytes
      + ["ingest_time", "recorded_at", "replayed_at"].map(rows.micros) + [
        "coalesce(replays, 0)", "key_bytes", "value_bytes",
      ]
    return try rows(
      "SELECT \(columns.joined(separator: ", ")) FROM dead_letters WHERE \(condition) "
        + "ORDER BY \"partition\", \"offset\" LIMIT \(limit)"
    ).map(Self.letter)
  }

  private static func letter(_ cells: [String?]) -> StoredLetter {
    func number(_ index: Int) -> Int64? { cells[index].flatMap { Int64($0) } }
    return StoredLetter(
      address: LetterAddress(partition: Int32(number(0) ?? 0), offset: number(1) ?? 0),
      reason: cells[2] ?? "",
      detail: cells[3] ?? "", key: cells[4].map(unhex), value: cells[5].map(unhex), ingestTime: number(6),
      recordedAt: number(7) ?? 0, replayedAt: number(8), replays: Int(number(9) ?? 0),
      keyBytes: number(10).map { Int($0) }, valueBytes: number(11).map { Int($0) })
  }

  private static func unhex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    func value(_ digit: UInt8) -> UInt8 { digit < 58 ? digit - 48 : (digit | 0x20) - 87 }
    return stride(from: 0, to: digits.count - 1, by: 2).map { value(digits[$0]) << 4 | value(digits[$0 + 1]) }
  }

  private func hex(_ column: String) -> String {
    switch rows.dialect {
    case .sqlite: "CASE WHEN \(column) IS NULL THEN NULL ELSE hex(\(column)) END"
    case .postgres: "encode(\(column), 'hex')"
    }
  }

  /// Looks whether the table is there, and adds the columns that an older one lacks.
  private func prepare() throws {
    let columns = try rows.columns(of: "dead_letters")
    hasTable = !columns.isEmpty
    guard hasTable else { return }
    for column in TablePlan.replayColumns + TablePlan.letterColumns
    where !column.isRequired && !columns.contains(column.name) {
      _ = try rows(TableStatements.add(column, to: "dead_letters", rows.dialect))
    }
  }
}
