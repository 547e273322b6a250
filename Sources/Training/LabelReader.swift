internal import Events
internal import Foundation

/// A labels file that cannot be read, with the line.
public struct LabelError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Path of the file.
  public var path: String
  /// Line, from 1; 0: the file as a whole.
  public var line: Int
  /// What is wrong; never an id or a value of the file.
  public var text: String

  /// An error at a line.
  public init(path: String, line: Int, text: String) {
    self.path = path
    self.line = line
    self.text = text
  }

  /// `path:line: text`.
  public var description: String { line == 0 ? "\(path): \(text)" : "\(path):\(line): \(text)" }
}

/// Reads labels from CSV (RFC 4180, but no line break within quotes), line by line.
///
/// The header is `entity_id,label_time_us,<label>…`. A label is a finite number, or empty: not known. Labels that no
/// model learns may be anything, words for example: they are passed over.
public enum LabelReader {
  /// Longest line, in bytes.
  public static let lineBytesMax = 1 << 16

  /// Reads a file. Labels of other names than `wanted` are not known in the table.
  public static func read(path: String, wanted: Set<String>) throws(LabelError) -> LabelTable {
    guard let file = fopen(path, "r") else {
      throw LabelError(path: path, line: 0, text: "the labels file cannot be opened")
    }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: lineBytesMax)
    var line = 0
    var table: LabelTable?
    while fgets(&buffer, CInt(buffer.count), file) != nil {
      line += 1
      let fields = try fields(of: buffer, path, line)
      if fields == [""] { continue }
      if let table {
        try append(fields, to: table, wanted, path, line)
      } else {
        table = LabelTable(names: try header(fields, path, line))
      }
    }
    guard ferror(file) == 0 else {
      throw LabelError(path: path, line: line + 1, text: "the file cannot be read on")
    }
    guard let table else { throw LabelError(path: path, line: 1, text: "the file is empty: no header") }
    return table
  }

  private static func fields(_ line: borrowing [CChar]) -> [String]? {
    var fields: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var isClosed = false
    var index = 0
    while line[index] != 0 {
      let byte = UInt8(bitPattern: line[index])
      index += 1
      if isQuoted {
        if byte != UInt8(ascii: "\"") {
          field.append(byte)
        } else if line[index] == CChar(bitPattern: UInt8(ascii: "\"")) {
          field.append(byte)
          index += 1
        } else {
          isQuoted = false
          isClosed = true
        }
      } else if byte == UInt8(ascii: ",") {
        guard let text = String(validating: field, as: UTF8.self) else { return nil }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
        isClosed = false
      } else if byte == UInt8(ascii: "\""), field.isEmpty, !isClosed {
        isQuoted = true
      } else if byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\r") {
        if isClosed || byte == UInt8(ascii: "\"") { return nil }
        field.append(byte)
      }
    }
    guard !isQuoted, let text = String(validating: field, as: UTF8.self) else { return nil }
    return fields + [text]
  }

  private static func fields(of buffer: [CChar], _ path: String, _ line: Int) throws(LabelError) -> [String] {
    // A line that fills the buffer without a line break was cut.
    let end = buffer.firstIndex(of: 0) ?? 0
    if end == buffer.count - 1 && buffer[end - 1] != CChar(bitPattern: 0x0a) {
      throw LabelError(path: path, line: line, text: "the line is longer than \(lineBytesMax) bytes")
    }
    guard var fields = fields(buffer) else {
      throw LabelError(
        path: path, line: line, text: "not CSV: quotes that do not match, or text that is not UTF-8")
    }
    if line == 1, fields[0].hasPrefix("\u{feff}") { fields[0].removeFirst() }
    return fields
  }

  private static func header(_ fields: [String], _ path: String, _ line: Int) throws(LabelError) -> [String] {
    let names = Array(fields.dropFirst(2))
    guard fields.count >= 3, fields[0] == "entity_id", fields[1] == "label_time_us",
      Set(names).count == names.count,
      names.allSatisfy({ !$0.isEmpty })
    else {
      throw LabelError(
        path: path, line: line,
        text: "the header is not entity_id,label_time_us,<label>… with labels of different names")
    }
    return names
  }

  private static func append(
    _ fields: [String], to table: LabelTable, _ wanted: Set<String>, _ path: String, _ line: Int
  ) throws(LabelError) {
    func error(_ text: String) -> LabelError { LabelError(path: path, line: line, text: text) }
    guard fields.count == table.names.count + 2 else {
      throw error("\(fields.count) fields; the header has \(table.names.count + 2)")
    }
    guard !fields[0].isEmpty else { throw error("entity_id is empty") }
    guard let time = Int64(fields[1]) else {
      throw error("label_time_us is not a whole number: microseconds since 1970 are expected")
    }
    if let doubt = EventTimeBounds.doubt(of: time) { throw error("label_time_us \(doubt)") }
    var values: [Float] = []
    for (name, field) in zip(table.names, fields.dropFirst(2)) {
      if field.isEmpty || !wanted.contains(name) {
        values.append(.nan)
      } else if let value = Float(field), value.isFinite {
        values.append(value)
      } else {
        throw error("\(name) is neither a finite number nor empty")
      }
    }
    table.append(entity: fields[0], time: time, values: values, line: line)
  }
}
