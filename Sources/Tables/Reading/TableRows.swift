/// Statements against either database, whose rows come as text, and its words for what the two say differently.
struct TableRows {
  /// Its words for types and columns.
  let dialect: TableDialect
  private let run: (String) throws -> [[String?]]

  /// `run` gives all rows of a statement.
  init(_ dialect: TableDialect, _ run: @escaping (String) throws -> [[String?]]) {
    self.dialect = dialect
    self.run = run
  }

  /// All rows of a statement, cells as text. Throws `PortError`.
  func callAsFunction(_ sql: String) throws -> [[String?]] { try run(sql) }

  /// Columns of a table; empty: there is none.
  func columns(of table: String) throws -> Set<String> {
    let name = TableStatements.literal(table)
    let sql =
      dialect == .sqlite
      ? "SELECT name FROM pragma_table_info(\(name))"
      : "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(\(name)) AND attnum > 0 AND NOT attisdropped"
    return Set(try run(sql).compactMap { $0[0] })
  }

  /// An expression for a moment's column as microseconds since 1970.
  func micros(_ column: String) -> String {
    dialect == .sqlite ? column : "(extract(epoch FROM \(column)) * 1000000)::bigint"
  }

  /// A moment given in microseconds since 1970, to compare such a column with.
  func moment(_ micros: Int64) -> String {
    dialect == .sqlite ? "\(micros)" : "'epoch'::timestamptz + \(micros) * interval '1 microsecond'"
  }

  /// Bytes, as a literal.
  func literal(_ bytes: [UInt8]) -> String {
    let hex = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return dialect == .sqlite ? "x'\(hex)'" : "decode('\(hex)', 'hex')"
  }
}
