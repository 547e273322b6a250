import Dataflow

/// A CSV file's columns, as its first line names them, and lines as the JSON that a mapping reads (RFC 4180, without line breaks in
/// quotes): an object with a text for each field, but those that are empty and not quoted.
struct CSVColumns {
  /// The line itself: it stands again where the next file begins.
  let line: [UInt8]
  /// `"NAME":` of each column; empty: it has no name, as that of row numbers, and is not read.
  private let names: [[UInt8]]

  /// What is wrong with a first line; never what stands there, which may be data.
  struct Problem: Error { var text: String }

  /// Columns of a first line.
  init(_ line: UnsafeRawBufferPointer) throws(Problem) {
    self.line = Array(line)
    var names: [[UInt8]] = []
    var fields = CSVFields(line)
    while let field = fields.next() {
      let column = names.count + 1
      guard !field.bytes.isEmpty else {
        names.append([])
        continue
      }
      var name: [UInt8] = []
      Self.append(field, to: &name)
      name.append(UInt8(ascii: ":"))
      guard !Self.isBlank(field.bytes.first), !Self.isBlank(field.bytes.last) else {
        throw Problem(text: "the name of column \(column) begins or ends with a blank")
      }
      if let first = names.firstIndex(of: name) {
        throw Problem(text: "columns \(first + 1) and \(column) have the same name")
      }
      names.append(name)
    }
    guard fields.state == .ended else { throw Problem(text: "its quotes are not in order") }
    guard names.contains(where: { !$0.isEmpty }) else { throw Problem(text: "no column has a name") }
    self.names = names
  }

  private static func isBlank(_ byte: UInt8?) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
  }

  /// A line's bytes, without what ends it.
  static func trimmed(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let line = JSONReader.withoutMark(line)
    return line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
  }

  /// Appends a line as JSON. Returns false, with nothing appended, when it has another number of fields, or its quotes are not in order.
  func append(_ line: UnsafeRawBufferPointer, to json: inout [UInt8]) -> Bool {
    let start = json.count
    json.append(UInt8(ascii: "{"))
    var fields = CSVFields(line)
    var column = 0
    var isFirst = true
    while column < names.count, let field = fields.next() {
      if !names[column].isEmpty, !field.bytes.isEmpty || field.isQuoted {
        if !isFirst { json.append(UInt8(ascii: ",")) }
        isFirst = false
        json.append(contentsOf: names[column])
        Self.append(field, to: &json)
      }
      column += 1
    }
    guard column == names.count, fields.next() == nil, fields.state == .ended else {
      json.removeLast(json.count - start)
      return false
    }
    json.append(UInt8(ascii: "}"))
    return true
  }

  /// A field as a JSON text.
  private static func append(_ field: CSVFields.Field, to json: inout [UInt8]) {
    json.append(UInt8(ascii: "\""))
    var index = 0
    while index < field.bytes.count {
      let byte = field.bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        // Doubled within quotes.
        index += 1
        json.append(UInt8(ascii: "\\"))
        json.append(byte)
      case UInt8(ascii: "\\"):
        json.append(byte)
        json.append(byte)
      case 0..<0x20:
        json.append(UInt8(ascii: "\\"))
        json.append(UInt8(ascii: "u"))
        json.append(UInt8(ascii: "0"))
        json.append(UInt8(ascii: "0"))
        json.append(UInt8(ascii: "0") + (byte >> 4))
        json.append((byte & 15) + ((byte & 15) < 10 ? UInt8(ascii: "0") : UInt8(ascii: "a") - 10))
      default: json.append(byte)
      }
    }
    json.append(UInt8(ascii: "\""))
  }
}
