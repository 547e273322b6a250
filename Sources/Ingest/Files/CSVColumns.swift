import Dataflow

/// A CSV file's columns, as its first line names them, and lines as the JSON that a mapping reads (RFC 4180, without line breaks in
/// quotes): an object with a text for each field, but those that are empty and not quoted.
struct CSVColumns {
  /// The line itself: it may stand again where the next file begins.
  let line: [UInt8]
  /// `"NAME":` of each column.
  private let names: [[UInt8]]

  /// Columns of a first line; nil: it is none.
  init?(_ line: UnsafeRawBufferPointer) {
    self.line = Array(line)
    var names: [[UInt8]] = []
    var next = 0
    while let field = Self.field(line, &next) {
      var name: [UInt8] = []
      Self.append(field, to: &name)
      name.append(UInt8(ascii: ":"))
      guard field.range.count > 0, !names.contains(name) else { return nil }
      names.append(name)
    }
    guard next > line.count, !names.isEmpty else { return nil }
    self.names = names
  }

  /// A line's bytes, without what ends it.
  static func trimmed(_ line: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let line = JSONReader.withoutMark(line)
    return line.last == UInt8(ascii: "\r") ? UnsafeRawBufferPointer(rebasing: line.dropLast()) : line
  }

  /// Appends a line as JSON. Returns false, with nothing appended, when it has another number of fields, or a quote that is not closed.
  func append(_ line: UnsafeRawBufferPointer, to json: inout [UInt8]) -> Bool {
    let start = json.count
    json.append(UInt8(ascii: "{"))
    var next = 0
    var column = 0
    var isFirst = true
    while let field = Self.field(line, &next) {
      guard column < names.count else { break }
      if !field.range.isEmpty || field.isQuoted {
        if !isFirst { json.append(UInt8(ascii: ",")) }
        isFirst = false
        json.append(contentsOf: names[column])
        Self.append(field, to: &json)
      }
      column += 1
    }
    guard column == names.count, next > line.count else {
      json.removeLast(json.count - start)
      return false
    }
    json.append(UInt8(ascii: "}"))
    return true
  }

  private struct Field {
    var bytes: UnsafeRawBufferPointer
    var range: Range<Int>
    var isQuoted: Bool
  }

  /// The field that begins at `next`, which is moved behind its comma; behind the last one it is `line.count` + 1. nil: there is none, or
  /// its quotes are not in order.
  private static func field(_ line: UnsafeRawBufferPointer, _ next: inout Int) -> Field? {
    guard next <= line.count else { return nil }
    var end = next
    guard next < line.count, line[next] == UInt8(ascii: "\"") else {
      while end < line.count, line[end] != UInt8(ascii: ",") {
        if line[end] == UInt8(ascii: "\"") { return nil }
        end += 1
      }
      defer { next = end + 1 }
      return Field(bytes: line, range: next..<end, isQuoted: false)
    }
    let first = next + 1
    end = first
    while true {
      guard end < line.count else { return nil }
      if line[end] == UInt8(ascii: "\"") {
        guard end + 1 < line.count, line[end + 1] == UInt8(ascii: "\"") else { break }
        end += 1
      }
      end += 1
    }
    guard end + 1 == line.count || line[end + 1] == UInt8(ascii: ",") else { return nil }
    next = end + 2
    return Field(bytes: line, range: first..<end, isQuoted: true)
  }

  /// A field as a JSON text.
  private static func append(_ field: Field, to json: inout [UInt8]) {
    json.append(UInt8(ascii: "\""))
    var index = field.range.lowerBound
    while index < field.range.upperBound {
      let byte = field.bytes[index]
      index += 1
      switch byte {
      case UInt8(ascii: "\""):
        // Doubled within quotes.
        index += 1
        json.append(contentsOf: [UInt8(ascii: "\\"), byte])
      case UInt8(ascii: "\\"): json.append(contentsOf: [byte, byte])
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        json.append(contentsOf: Array("\\u00".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]])
      default: json.append(byte)
      }
    }
    json.append(UInt8(ascii: "\""))
  }
}
