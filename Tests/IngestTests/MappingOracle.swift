/// What a mapping's reader finds at a place.
indirect enum MappedValue: Equatable, Sendable {
  case absent, null, flag(Bool), integer(Int64), unsigned(UInt64), real(UInt64), text([UInt8])
  case array, object, beyond, infinite, garbled
  case list(count: Int, run: [MappedElement])
}

struct MappedElement: Equatable, Sendable {
  var field: Int
  var index: Int
  var value: MappedValue
}

/// A declared node.
final class MappingNode {
  let number: Int32
  let isElement: Bool
  var place: Int?
  var hasText = false
  var children: [(key: [UInt8], node: MappingNode)] = []
  var elements: MappingNode?

  init(_ number: Int32, isElement: Bool) {
    self.number = number
    self.isElement = isElement
  }
}

enum MappingOutcome: Equatable, Error { case ok, undecodable, tooDeep, invalidUTF8, twice(Int32) }

/// Reads records as slowly and plainly as can be: byte by byte into tokens, then the tokens by the rules of
/// CSimdjsonMapping.h. In what is broken, tokens are those of all of simdjson's kernels but the fallback, which no
/// processor of today needs.
struct MappingOracle {
  private enum Token: Equatable { case mark(UInt8), text([UInt8]), scalar([UInt8]) }

  private(set) var values: [MappedValue]
  private var run: [MappedElement] = []
  private var twice: Int32?
  private var index = 0

  init(valuesCount: Int) { values = Array(repeating: .absent, count: valuesCount) }

  mutating func read(_ bytes: [UInt8], _ root: MappingNode) -> MappingOutcome {
    do {
      try walk(bytes, root)
      if let place = root.place { values[place] = .object }
      return twice.map { .twice($0) } ?? .ok
    } catch {
      return error
    }
  }

  private mutating func walk(_ bytes: [UInt8], _ node: MappingNode) throws(MappingOutcome) {
    let tokens = try Self.tokens(bytes)
    var rest = tokens[...]
    guard rest.first == .mark(UInt8(ascii: "{")) else { throw .undecodable }
    if node.children.isEmpty && !node.hasText { try skip(&rest) } else { try object(node, &rest) }
    if !rest.isEmpty { throw .undecodable }
  }

  private mutating func put(_ node: MappingNode, _ value: MappedValue) {
    guard let place = node.place else { return }
    if node.isElement {
      run.append(MappedElement(field: place, index: index, value: value))
    } else {
      values[place] = value
    }
  }

  private mutating func object(_ node: MappingNode, _ rest: inout ArraySlice<Token>) throws(MappingOutcome) {
    rest.removeFirst()
    var seen: Set<Int32> = []
    if try Self.takes("}", &rest) { return }
    repeat {
      guard case .text(let raw) = rest.popFirst() else { throw .undecodable }
      let key = try Self.unescaped(raw)
      guard try Self.takes(":", &rest) else { throw .undecodable }
      if let child = node.children.first(where: { $0.key == key })?.node {
        if !seen.insert(child.number).inserted && twice == nil { twice = child.number }
        try value(child, &rest)
      } else {
        try skip(&rest)
      }
    } while try Self.takes(",", &rest)
    guard try Self.takes("}", &rest) else { throw .undecodable }
  }

  private static func takes(_ mark: Unicode.Scalar, _ rest: inout ArraySlice<Token>) throws(MappingOutcome)
    -> Bool
  {
    guard let first = rest.first else { throw .undecodable }
    guard first == .mark(UInt8(ascii: mark)) else { return false }
    rest.removeFirst()
    return true
  }

  private mutating func value(_ node: MappingNode, _ rest: inout ArraySlice<Token>) throws(MappingOutcome) {
    switch rest.first {
    case .text(let raw):
      if node.place == nil && !node.hasText { return try skip(&rest) }
      rest.removeFirst()
      guard let text = try Self.unescaped(raw) else { return put(node, .garbled) }
      if !node.hasText || !holdsObject(node, text) { put(node, .text(text)) }
    case .mark(UInt8(ascii: "{")):
      put(node, .object)
      if node.children.isEmpty && !node.hasText { try skip(&rest) } else { try object(node, &rest) }
    case .mark(UInt8(ascii: "[")):
      guard let elements = node.elements else {
        put(node, .array)
        return try skip(&rest)
      }
      try list(node, elements, &rest)
    case .scalar(let token):
      if node.place == nil { return try skip(&rest) }
      put(node, try Self.scalar(token))
      rest.removeFirst()
    default: throw .undecodable
    }
  }

  private mutating func list(_ node: MappingNode, _ elements: MappingNode, _ rest: inout ArraySlice<Token>)
    throws(MappingOutcome)
  {
    rest.removeFirst()
    run = []
    var count = 0
    if try !Self.takes("]", &rest) {
      repeat {
        index = count
        count += 1
        try value(elements, &rest)
      } while try Self.takes(",", &rest)
      guard try Self.takes("]", &rest) else { throw .undecodable }
    }
    put(node, .list(count: count, run: run))
  }

  private mutating func holdsObject(_ node: MappingNode, _ text: [UInt8]) -> Bool {
    var inner = self
    inner.put(node, .object)
    guard (try? inner.walk(text, node)) != nil else { return false }
    self = inner
    return true
  }

  private func skip(_ rest: inout ArraySlice<Token>) throws(MappingOutcome) {
    var open: [UInt8] = []
    repeat {
      switch rest.popFirst() {
      case .none: throw .undecodable
      case .mark(let mark) where mark == UInt8(ascii: "{") || mark == UInt8(ascii: "["):
        if open.count == 64 { throw .tooDeep }
        open.append(mark)
      case .mark(let mark) where mark == UInt8(ascii: "}") || mark == UInt8(ascii: "]"):
        guard let last = open.popLast(), last + 2 == mark else { throw .undecodable }
      case .scalar(let token) where open.isEmpty:
        guard "-0123456789tfnNI".utf8.contains(token[0]) else { throw .undecodable }
      case .scalar(let token) where token[0] == 0: throw .undecodable
      case .mark where open.isEmpty: throw .undecodable
      default: break
      }
    } while !open.isEmpty
  }

  // MARK: Tokens

  private static func isWhite(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }
  private static func isMark(_ byte: UInt8) -> Bool { "{}[]:,".utf8.contains(byte) }

  private static func tokens(_ bytes: [UInt8]) throws(MappingOutcome) -> [Token] {
    var tokens: [Token] = []
    var scalar: [UInt8] = []
    var hasControl = false
    var at = 0
    func flush() {
      if !scalar.isEmpty { tokens.append(.scalar(scalar)) }
      scalar = []
    }
    // A backslash keeps a quote from being one, outside texts, too.
    func isQuote(_ index: Int) -> Bool {
      bytes[index] == UInt8(ascii: "\"")
        && bytes[..<index].reversed().prefix { $0 == UInt8(ascii: "\\") }.count.isMultiple(of: 2)
    }
    while at < bytes.count {
      let byte = bytes[at]
      if isQuote(at) {
        var end = at + 1
        while end < bytes.count && !isQuote(end) { end += 1 }
        guard end < bytes.count else { throw .undecodable }
        let raw = Array(bytes[(at + 1)..<end])
        if raw.contains(where: { $0 < 0x20 }) { hasControl = true }
        // What follows something else without a gap is part of it.
        if scalar.isEmpty { tokens.append(.text(raw)) } else { scalar += bytes[at...end] }
        flush()
        at = end
      } else if isWhite(byte) || isMark(byte) {
        flush()
        if isMark(byte) { tokens.append(.mark(byte)) }
      } else {
        scalar.append(byte)
      }
      at += 1
    }
    flush()
    if hasControl { throw .undecodable }
    if String(validating: bytes, as: UTF8.self) == nil { throw .invalidUTF8 }
    return tokens
  }

  /// A text without its escapes; nil: half a surrogate pair stands in it.
  private static func unescaped(_ raw: [UInt8]) throws(MappingOutcome) -> [UInt8]? {
    var units: [UInt8] = []
    var isGarbled = false
    var at = 0
    func unit(_ at: Int) -> UInt32? {
      guard at + 4 <= raw.count, raw[at..<(at + 4)].allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
      else { return nil }
      return UInt32(String(decoding: raw[at..<(at + 4)], as: UTF8.self), radix: 16)
    }
    let letters: [UInt8: UInt8] = [
      0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x6e: 0x0a, 0x74: 0x09, 0x72: 0x0d, 0x62: 0x08, 0x66: 0x0c,
    ]
    while at < raw.count {
      guard raw[at] == UInt8(ascii: "\\") else {
        units.append(raw[at])
        at += 1
        continue
      }
      if let letter = letters[raw[at + 1]] {
        units.append(letter)
        at += 2
        continue
      }
      guard raw[at + 1] == UInt8(ascii: "u"), let first = unit(at + 2) else { throw .undecodable }
      at += 6
      if let scalar = Unicode.Scalar(first) {
        units += Array(String(Character(scalar)).utf8)
      } else if first < 0xdc00, at + 1 < raw.count, raw[at] == UInt8(ascii: "\\"),
        raw[at + 1] == UInt8(ascii: "u"), let second = unit(at + 2), 0xdc00...0xdfff ~= second,
        let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) * 0x400 + (second - 0xdc00))
      {
        units += Array(String(Character(scalar)).utf8)
        at += 6
      } else {
        isGarbled = true
      }
    }
    return isGarbled ? nil : units
  }

  private static func scalar(_ token: [UInt8]) throws(MappingOutcome) -> MappedValue {
    let text = String(decoding: token, as: UTF8.self)
    switch text {
    case "true": return .flag(true)
    case "false": return .flag(false)
    case "null": return .null
    case "NaN", "Infinity", "-Infinity": return .infinite
    default: break
    }
    // The grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
    guard let match = text.wholeMatch(of: /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/) else {
      throw .undecodable
    }
    if match.1 == nil && match.2 == nil {
      return Int64(text).map { .integer($0) } ?? UInt64(text).map { .unsigned($0) } ?? .beyond
    }
    guard let real = Double(text) else { throw .undecodable }
    return real.isInfinite ? .infinite : .real(real.bitPattern)
  }
}
