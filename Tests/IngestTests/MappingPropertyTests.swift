import TestNumbers
import Testing

/// Random documents, well-formed but for numbers and texts that JSON does not have, and what they may become on their way.
struct RandomDocument {
  static let keys = [
    "a", "b", "c", "d", "pid", "", "é", "a\"b", "back\\slash", "line\n", String(repeating: "k", count: 31),
    String(repeating: "k", count: 32), "a key of many more bytes than are compared at once",
  ]
  private static let scalars = [
    "null", "true", "false", "0", "-0", "7", "12", "1985", "123456", "12345678", "1234567890", "-5", "1.5",
    "-0.25e3",
    "9223372036854775808", "-9223372036854775809", "18446744073709551616", "1e400", "NaN", "-Infinity",
    "Infinity",
    "3.14159265358979323846264338327950288", "2e-330", "1E+2",
  ]
  private static let pieces = [
    "x", "plain text", "é", "😀", "\\n", "\\\"", "\\\\", "\\/", "\\u0041", "\\u00e9", "\\ud83d\\ude00", "{",
    "}", "[", ",", ":",
    "a text that is longer than sixty-four bytes, so that it does not lie in one block",
  ]
  var numbers: SeededGenerator

  private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &numbers) }
  private mutating func white() -> String { below(6) == 0 ? [" ", "\n", "\t ", "\r\n"][below(4)] : "" }

  private mutating func text() -> String {
    var text = (0..<below(4)).map { _ in Self.pieces[below(Self.pieces.count)] }.joined()
    if below(40) == 0 { text += "\\ud800" }
    return "\"\(text)\""
  }

  /// A text as JSON writes it, with more escapes than it needs.
  private mutating func escaped(_ text: String) -> String {
    var all = "\""
    for unit in text.utf16 {
      if unit < 0x20 || unit == 0x22 || unit == 0x5c || below(20) == 0 {
        let plain = unit == 0x22 || unit == 0x5c
        let hex = String(unit, radix: 16)
        all +=
          plain
          ? "\\" + String(UnicodeScalar(UInt8(unit)))
          : "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      } else if let scalar = Unicode.Scalar(UInt32(unit)) {
        all.unicodeScalars.append(scalar)
      } else {
        all += "\\u" + String(unit, radix: 16)
      }
    }
    return all + "\""
  }

  private mutating func value(_ depth: Int) -> String {
    switch below(depth > 3 ? 5 : 10) {
    case 0...2: return Self.scalars[below(Self.scalars.count)]
    case 3, 4: return text()
    case 5: return escaped(object(depth + 1))
    case 6, 7:
      let items = (0..<below(4)).map { _ in white() + value(depth + 1) + white() }
      return "[\(items.joined(separator: ","))]"
    default: return object(depth + 1)
    }
  }

  mutating func object(_ depth: Int = 0) -> String {
    var keys = Self.keys
    if below(3) > 0 { keys.shuffle(using: &numbers) }
    var fields = keys.prefix(below(8)).map { escaped($0) }
    if below(30) == 0, let first = fields.first { fields.append(first) }
    let all = fields.map { white() + $0 + white() + ":" + white() + value(depth) + white() }
    return "{\(all.joined(separator: ","))\(white())}"
  }

  /// The document with some bytes lost, changed or added.
  mutating func damaged(_ document: [UInt8]) -> [UInt8] {
    var bytes = document
    let others = Array("{}[]:,\"\\ 01-.eutn\u{1}é".utf8) + [0xff]
    for _ in 0...below(3) where !bytes.isEmpty {
      let at = below(bytes.count)
      switch below(5) {
      case 0: bytes.remove(at: at)
      case 1: bytes.insert(others[below(others.count)], at: at)
      case 2: bytes[at] = others[below(others.count)]
      case 3: bytes.removeLast(bytes.count - at)
      default: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + below(20))], at: below(bytes.count))
      }
    }
    return bytes
  }

  /// Declares some nodes below one.
  mutating func declare(_ bench: MappingBench, _ node: MappingNode, _ depth: Int = 0) {
    for _ in 0...below(4) {
      let child = bench.child(node, Self.keys[below(Self.keys.count)])
      if below(3) > 0 { bench.want(child) }
      if below(3) == 0 { bench.parseText(child) }
      if depth < 3 && below(2) == 0 { declare(bench, child, depth + 1) }
      if below(2) == 0, let elements = bench.elements(child) {
        if below(3) > 0 { bench.want(elements) }
        if below(4) == 0 { bench.parseText(elements) }
        if depth < 3 && below(2) == 0 { declare(bench, elements, depth + 1) }
      }
    }
  }
}

@Suite("Random documents for the mapping") struct MappingPropertyTests {
  @Test("are read as the oracle reads them", arguments: 0..<100)
  func agrees(_ seed: UInt64) throws {
    var random = RandomDocument(numbers: SeededGenerator(seed: seed))
    let bench = try #require(MappingBench())
    random.declare(bench, bench.root)
    for _ in 0..<30 {
      let document = Array(random.object().utf8)
      switch try Self.compare(bench, document, seed) {
      case .ok, .twice: break
      case let outcome: Issue.record("seed \(seed): \(outcome)")
      }
      for _ in 0..<4 { _ = try Self.compare(bench, random.damaged(document), seed) }
    }
  }

  private static func compare(_ bench: MappingBench, _ record: [UInt8], _ seed: UInt64) throws
    -> MappingOutcome
  {
    let expected = bench.expected(record)
    let found = bench.read(record)
    let text = String(decoding: record, as: UTF8.self)
    try #require(found.0 == expected.0, "seed \(seed): \(text)")
    try #require(found.1 == expected.1, "seed \(seed): \(text)")
    return expected.0
  }
}
