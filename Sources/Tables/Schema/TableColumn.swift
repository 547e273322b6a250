/// What a column holds; each database has its own word for it.
enum TableColumnType: Equatable {
  case text
  /// An id: text that is compared by its bytes.
  case id
  /// 32-bit float.
  case real
  /// True or false.
  case flag
  /// 32-bit whole number.
  case integer
  /// 64-bit whole number.
  case long
  /// A moment, to the microsecond.
  case time
  case bytes
}

/// A column that Tally writes.
struct TableColumn: Equatable {
  var name: String
  var type: TableColumnType
  /// Never null; such columns are never added to an existing table.
  var isRequired = false
}

/// A table that Tally writes.
struct TableDefinition: Equatable {
  var name: String
  var columns: [TableColumn]
  var primaryKey: [String]
  /// Columns of an index beside the primary key's; empty: none.
  var index: [String] = []
  /// Further indices: a name, and what is indexed in either database's words.
  var indices: [TableIndex] = []
}

/// An index that a database may lack because an earlier version made the table.
struct TableIndex: Equatable {
  var name: String
  var postgres: String
  var sqlite: String
}

/// How the two databases differ in SQL.
enum TableDialect {
  case postgres
  case sqlite

  /// The type's name in CREATE TABLE.
  func declaration(_ type: TableColumnType) -> String {
    self == .postgres && type == .id ? "text COLLATE \"C\"" : name(type)
  }

  /// The type's name in the database's catalogue.
  func name(_ type: TableColumnType) -> String {
    switch (self, type) {
    case (_, .text), (_, .id): "text"
    case (_, .real): "real"
    case (.postgres, .flag): "boolean"
    case (.postgres, .integer), (.sqlite, .flag), (.sqlite, .integer), (.sqlite, .long), (.sqlite, .time):
      "integer"
    case (.postgres, .long): "bigint"
    case (.postgres, .time): "timestamp with time zone"
    case (.postgres, .bytes): "bytea"
    case (.sqlite, .bytes): "blob"
    }
  }
}
