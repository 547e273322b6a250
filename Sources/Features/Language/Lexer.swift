import Events

/// Cuts an expression into tokens.
struct Lexer {
  private let source: ExpressionSource
  private var offset = 0

  init(_ source: ExpressionSource) { self.source = source }

  /// All tokens, the last being `end`.
  mutating func tokens() throws(DeclarationError) -> [PlacedToken] {
    var result: [PlacedToken] = []
    while true {
      while let character = current, character.isWhitespace { offset += 1 }
      let start = offset
      guard let character = current else {
        result.append(PlacedToken(token: .end, offset: start))
        return result
      }
      let token: Token
      if Self.isDigit(character) {
        token = try number()
      } else if Self.isNameStart(character) {
        token = name()
      } else if character == "\"" {
        token = try text()
      } else {
        token = try symbol(character)
      }
      result.append(PlacedToken(token: token, offset: start))
    }
  }

  private var current: Character? { offset < source.characters.count ? source.characters[offset] : nil }

  private func peek(_ ahead: Int) -> Character? {
    offset + ahead < source.characters.count ? source.characters[offset + ahead] : nil
  }

  private mutating func name() -> Token {
    let start = offset
    while let character = current, Self.isNameStart(character) || Self.isDigit(character) { offset += 1 }
    return .name(String(source.characters[start..<offset]))
  }

  private mutating func digits() {
    while let character = current, Self.isDigit(character) { offset += 1 }
  }

  /// A number, or a duration when `h` or `d` follows at once.
  private mutating func number() throws(DeclarationError) -> Token {
    let start = offset
    digits()
    if current == ".", let next = peek(1), Self.isDigit(next) {
      offset += 1
      digits()
    }
    if current == "e" || current == "E" {
      let sign = peek(1) == "-" || peek(1) == "+" ? 1 : 0
      if let next = peek(1 + sign), Self.isDigit(next) {
        offset += 1 + sign
        digits()
      }
    }
    let text = String(source.characters[start..<offset])
    guard let value = Double(text), value.isFinite else {
      throw source.error(start, found: "number \(text)", allowed: "a finite number")
    }
    guard let unit = current, Self.isNameStart(unit) else { return .number(value) }
    return try duration(value, start: start)
  }

  private mutating func duration(_ value: Double, start: Int) throws(DeclarationError) -> Token {
    _ = name()
    let text = String(source.characters[start..<offset])
    let unit: EventTime? = text.hasSuffix("d") ? Span.day : text.hasSuffix("h") ? Span.hour : nil
    let micros = value * Double(unit ?? 0)
    guard let unit, micros > 0, micros <= 1e17, micros == ExactMath.floor(micros),
      Double(text.dropLast()) == value, unit > 0
    else {
      throw source.error(
        start, found: "\"\(text)\"", allowed: "a number, or a duration in hours or days such as 12h or 7d")
    }
    return .duration(EventTime(micros))
  }

  private mutating func text() throws(DeclarationError) -> Token {
    let start = offset
    offset += 1
    var value = ""
    while let character = current, character != "\"" {
      if character == "\\", let next = peek(1), next == "\"" || next == "\\" {
        value.append(next)
        offset += 2
      } else {
        value.append(character)
        offset += 1
      }
    }
    guard current != nil else {
      throw source.error(start, found: "text without its closing quote", allowed: "text such as \"mobile\"")
    }
    offset += 1
    return .text(value)
  }

  private mutating func symbol(_ character: Character) throws(DeclarationError) -> Token {
    let pair = String(character) + (peek(1).map { String($0) } ?? "")
    if ["==", "!=", "<=", ">="].contains(pair) {
      offset += 2
      return .symbol(pair)
    }
    guard "+-*/(),.<>".contains(character) else {
      throw source.error(
        offset, found: "\"\(character)\"",
        allowed: "numbers, names, \"text\", + - * / ( ) , . and == != < <= > >=, and, or, not, where")
    }
    offset += 1
    return .symbol(String(character))
  }

  private static func isDigit(_ character: Character) -> Bool {
    character.asciiValue.map { Features.isDigit($0) } ?? false
  }

  private static func isNameStart(_ character: Character) -> Bool {
    character.asciiValue.map { Features.isNameStart($0) } ?? false
  }
}
