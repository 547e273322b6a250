#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Reads JSON (RFC 8259) as libxgboost writes it, that is, with NaN and Infinity as numbers, and never past its end.
struct JSONModelReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  /// The value of the whole of `bytes`, which end with a zero byte that is not part of it.
  static func read(zeroTerminated bytes: UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> ModelValue {
    var reader = JSONModelReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.position == bytes.count - 1 else { throw reader.error("the end") }
    return value
  }

  private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  private func error(_ expected: String) -> ModelFormatError {
    ModelFormatError(text: "not JSON at byte \(position): expected \(expected)")
  }

  /// The byte at the position; 0 at the end, which is never a part of JSON.
  private var next: UInt8 { bytes[position] }

  private mutating func skipSpace() {
    while next == 0x20 || next == 0x0a || next == 0x0d || next == 0x09 { position += 1 }
  }

  private mutating func consume(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - 1 - position >= count else { return false }
    for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
    position += count
    return true
  }

  private mutating func value(depth: Int) throws(ModelFormatError) -> ModelValue {
    guard depth < ModelValue.depthMax else { throw error("less nesting") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try list(depth)
    case UInt8(ascii: "\""): return .text(try text())
    case UInt8(ascii: "t"): if consume("true") { return .flag(true) }
    case UInt8(ascii: "f"): if consume("false") { return .flag(false) }
    case UInt8(ascii: "n"): if consume("null") { return .null }
    default: return .number(try number())
    }
    throw error("a value")
  }

  private mutating func object(_ depth: Int) throws(ModelFormatError) -> ModelValue {
    var members = ModelObjectBuilder()
    position += 1
    skipSpace()
    if next == UInt8(ascii: "}") {
      position += 1
      return members.object
    }
    while true {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw error("a name") }
      let name = try text()
      skipSpace()
      guard consume(":") else { throw error("\":\"") }
      try members.append(name, try value(depth: depth + 1))
      skipSpace()
      if consume("}") { return members.object }
      guard consume(",") else { throw error("\",\" or \"}\"") }
    }
  }

  private mutating func list(_ depth: Int) throws(ModelFormatError) -> ModelValue {
    var elements = ModelListBuilder()
    position += 1
    skipSpace()
    if next == UInt8(ascii: "]") {
      position += 1
      return elements.list
    }
    while true {
      elements.append(try value(depth: depth + 1))
      if elements.isTooLong { throw error("a shorter list") }
      skipSpace()
      if consume("]") { return elements.list }
      guard consume(",") else { throw error("\",\" or \"]\"") }
    }
  }

  /// A string. An escape that JSON does not know is kept as it is written.
  private mutating func text() throws(ModelFormatError) -> String {
    position += 1
    let start = position
    var hasEscapes = false
    while next != UInt8(ascii: "\"") {
      guard next >= 0x20, position < bytes.count - 1 else { throw error("the end of a string") }
      if next == UInt8(ascii: "\\") {
        hasEscapes = true
        position += 1
        guard next >= 0x20 else { throw error("an escaped character") }
      }
      position += 1
    }
    let written = bytes[start..<position]
    position += 1
    return hasEscapes
      ? String(decoding: Self.unescaped(written), as: UTF8.self) : String(decoding: written, as: UTF8.self)
  }

  private static let escapes: [UInt8: UInt8] = [
    UInt8(ascii: "\""): UInt8(ascii: "\""), UInt8(ascii: "\\"): UInt8(ascii: "\\"),
    UInt8(ascii: "/"): UInt8(ascii: "/"), UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0c,
    UInt8(ascii: "n"): 0x0a, UInt8(ascii: "r"): 0x0d, UInt8(ascii: "t"): 0x09,
  ]

  /// `\uXXXX` is left as it is written: XGBoost writes it for control characters only, which mean nothing to anybody.
  private static func unescaped(_ written: Slice<UnsafeBufferPointer<UInt8>>) -> [UInt8] {
    var text: [UInt8] = []
    var place = written.startIndex
    while place < written.endIndex {
      let byte = written[place]
      if byte == UInt8(ascii: "\\"), place + 1 < written.endIndex, let meant = escapes[written[place + 1]] {
        text.append(meant)
        place += 2
      } else {
        text.append(byte)
        place += 1
      }
    }
    return text
  }

  private mutating func number() throws(ModelFormatError) -> Double {
    if consume("NaN") { return .nan }
    if consume("Infinity") { return .infinity }
    if consume("-Infinity") { return -.infinity }
    let start = position
    var isWhole = true
    var whole: Int64 = 0
    while true {
      switch next {
      case 0x30...0x39: if position - start < 18 { whole = whole * 10 + Int64(next - 0x30) }
      case UInt8(ascii: "-"): if position > start { isWhole = false }
      case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isWhole = false
      default:
        let count = position - start
        guard count > 0 else { throw error("a value") }
        let isNegative = bytes[start] == UInt8(ascii: "-")
        if isWhole && count < 18 && !(isNegative && count == 1) { return Double(isNegative ? -whole : whole) }
        return try real(from: start)
      }
      position += 1
    }
  }

  private func real(from start: Int) throws(ModelFormatError) -> Double {
    guard let base = bytes.baseAddress else { throw error("a number") }
    return try UnsafeRawPointer(base + start).withMemoryRebound(to: CChar.self, capacity: 1) {
      (text: UnsafePointer<CChar>) throws(ModelFormatError) -> Double in
      var end: UnsafeMutablePointer<CChar>?
      // To a float at once, as the library does: by way of a double some would be rounded twice.
      let value = strtof(text, &end)
      guard let end, UnsafePointer(end) - text == position - start else { throw error("a number") }
      return Double(value)
    }
  }
}
