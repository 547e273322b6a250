/// A column of a table.
public struct ParquetColumn: Equatable, Sendable {
  /// What its cells hold.
  public enum Kind: Sendable {
    /// 32-bit float.
    case float
    /// 64-bit float.
    case double
    /// 32-bit whole number.
    case int32
    /// 64-bit whole number.
    case int64
    /// Microseconds since 1970, UTC.
    case time
    /// UTF-8.
    case text
  }

  /// Name; different from all others of the table.
  public var name: String
  /// What its cells hold.
  public var kind: Kind
  /// Whether a cell may be empty.
  public var isOptional: Bool

  /// A column.
  public init(_ name: String, _ kind: Kind, isOptional: Bool = false) {
    self.name = name
    self.kind = kind
    self.isOptional = isOptional
  }
}

/// Numbers of the format (parquet-format, src/main/thrift/parquet.thrift).
enum ParquetNumber {
  static let plain = 0
  static let runLengths = 3
  static let dictionary = 8
  static let zstd = 6
  static let dataPage = 0
  static let dictionaryPage = 2
  static let required = 0
  static let optional = 1
  static let utf8 = 0
  static let timestampMicros = 10
}

extension ParquetColumn.Kind {
  /// Number of the physical type.
  var type: Int {
    switch self {
    case .int32: 1
    case .int64, .time: 2
    case .float: 4
    case .double: 5
    case .text: 6
    }
  }

  /// Bytes of a cell; nil: as many as it has.
  var width: Int? {
    switch self {
    case .int32, .float: 4
    case .int64, .time, .double: 8
    case .text: nil
    }
  }

  /// Whether `one` comes before `other`, both of this kind, little-endian, and no NaN.
  func isBefore(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .int32: one.loadUnaligned(as: Int32.self) < other.loadUnaligned(as: Int32.self)
    case .int64, .time: one.loadUnaligned(as: Int64.self) < other.loadUnaligned(as: Int64.self)
    case .float: one.loadUnaligned(as: Float.self) < other.loadUnaligned(as: Float.self)
    case .double: one.loadUnaligned(as: Double.self) < other.loadUnaligned(as: Double.self)
    case .text: one.lexicographicallyPrecedes(other)
    }
  }

  /// Whether a cell has no place in an order: NaN.
  func isUnordered(_ cell: UnsafeRawBufferPointer) -> Bool {
    switch self {
    case .float: cell.loadUnaligned(as: Float.self).isNaN
    case .double: cell.loadUnaligned(as: Double.self).isNaN
    case .int32, .int64, .time, .text: false
    }
  }
}
