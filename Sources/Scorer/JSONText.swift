/// A value of JSON (RFC 8259). Numbers are kept as they are written, so that whoever takes them rounds once.
indirect enum JSONText {
  /// Members in order; names are unique.
  case object([(name: String, value: JSONText)])
  case list([JSONText])
  case number(String)
  case text(String)
  case flag(Bool)
  case null

  /// Reads the whole of a text. Throws where it is no JSON, nests more than eight deep, or names a member twice.
  init(_ text: String) throws(PostprocessingError) {
    var reader = JSONTextReader(bytes: Array(text.utf8))
    self = try reader.value(depth: 0)
    try reader.end()
  }
}

private struct JSONTextReader {
  private static let depthMax = 8
  private let bytes: [UInt8]
  private var position = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private func error(_ expected: String) -> PostprocessingError {
    PostprocessingError(text: "no JSON at byte \(position): expected \(expected)")
  }

  /// The byte at the position; 0 at the end, which is never a part of JSON.
  private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private mutating func skipSpace() {
    while [0x20, 0x0a, 0x0d, 0x09].contains(next) { position += 1 }
  }

  private mutating func consume(_ word: StaticString) -> Bool {
    let count = word.utf8CodeUnitCount
    guard bytes.count - position >= count else { return false }
    for index in 0..<count where bytes[position + index] != word.utf8Start[index] { return false }
    position += count
    return true
  }

  mutating func end() throws(PostprocessingError) {
    skipSpace()
    guard position == bytes.count else { throw error("the end") }
  }

  mutating func value(depth: Int) throws(PostprocessingError) -> JSONText {
    guard depth < Self.depthMax else { throw error("less nesting") }
    skipSpace()
    if consume("{") { return try object(depth) }
    if consume("[") { return try list(depth) }
    if consume("\"") { return .text(try text()) }
    if consume("true") { return .flag(true) }
    if consume("false") { return .flag(false) }
    if consume("null") { return .null }
    return .number(try number())
  }

  private mutating func object(_ depth: Int) throws(PostprocessingError) -> JSONText {
    var members: [(name: String, value: JSONText)] = []
    var names: Set<[UInt8]> = []
    skipSpace()
    if consume("}") { return .object(members) }
    while true {
      skipSpace()
      guard consume("\"") else { throw error("a name") }
      let name = try text()
      guard names.insert(Array(name.utf8)).inserted else { throw error("each member once") }
      skipSpace()
      guard consume(":") else { throw error("\":\"") }
      members.append((name, try value(depth: depth + 1)))
      skipSpace()
      if consume("}") { return .object(members) }
      guard consume(",") else { throw error("\",\" or \"}\"") }
    }
  }

  private mutating func list(_ depth: Int) throws(PostprocessingError) -> JSONText {
    var elements: [JSONText] = []
    skipSpace()
    if consume("]") { return .list(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      skipSpace()
      if consume("]") { return .list(elements) }
      guard consume(",") else { throw error("\",\" or \"]\"") }
    }
  }

  /// Names are identifiers: no escapes are needed.
  private mutating func text() throws(PostprocessingError) -> String {
    let start = position
    while next != UInt8(ascii: "\"") {
      guard next >= 0x20, next != UInt8(ascii: "\\") else { throw error("a text without escapes") }
      position += 1
    }
    guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
      throw error("UTF-8")
    }
    position += 1
    return text
  }

  private mutating func digits() -> Int {
    let start = position
    while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next) { position += 1 }
    return position - start
  }

  private mutating func number() throws(PostprocessingError) -> String {
    let start = position
    _ = consume("-")
    if !consume("0"), digits() == 0 { throw error("a value") }
    if consume("."), digits() == 0 { throw error("a digit") }
    if consume("e") || consume("E") {
      if !consume("+") { _ = consume("-") }
      if digits() == 0 { throw error("a digit") }
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }
}
