/// A table of training rows that cannot be written or read, with the place.
public struct RowTableError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path of the file.
  public var path: String
  /// Line on which the record starts, from 1; 0: the file as a whole.
  public var line: Int
  /// Name of the column; empty: the whole record.
  public var column: String
  /// What is wrong; never an id or a value of the file.
  public var text: String

  init(path: String, line: Int = 0, column: String = "", text: String) {
    self.path = path
    self.line = line
    self.column = column
    self.text = text
  }

  /// `path:line: column: text`.
  public var description: String {
    (line == 0 ? "\(path): " : "\(path):\(line): ") + (column.isEmpty ? "" : "column \(column): ") + text
  }
}
