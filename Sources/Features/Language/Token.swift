import Events

/// What an expression is made of.
enum Token: Equatable {
  case number(Double)
  /// Microseconds.
  case duration(EventTime)
  case text(String)
  /// Names and the words `and`, `or`, `not`, `where`.
  case name(String)
  /// Operators and punctuation.
  case symbol(String)
  case end

  /// For error texts.
  var description: String {
    switch self {
    case .number(let value): "number \(plain(value))"
    case .duration(let value): "duration \(durationText(value))"
    case .text(let value): "text \"\(value)\""
    case .name(let value): "\"\(value)\""
    case .symbol(let value): "\"\(value)\""
    case .end: "the end of the expression"
    }
  }
}

/// A token and its first character's offset.
struct PlacedToken {
  var token: Token
  var offset: Int
}

/// A number without a useless ".0".
func plain(_ value: Double) -> String {
  if value == ExactMath.floor(value) && abs(value) < 1e15 { return String(Int64(value)) }
  return String(value)
}

/// A span as days when whole, else hours, else microseconds.
func durationText(_ span: EventTime) -> String {
  if span % Span.day == 0 { return "\(span / Span.day)d" }
  if span % Span.hour == 0 { return "\(span / Span.hour)h" }
  return "\(plain(Double(span) / Double(Span.hour)))h"
}

/// Whether `name` is `[A-Za-z_][A-Za-z0-9_]*`, at most 63 bytes: what expressions and table columns can name.
func isIdentifier(_ name: String) -> Bool {
  guard let first = name.utf8.first, name.utf8.count <= 63 else { return false }
  return isNameStart(first) && name.utf8.allSatisfy { isNameStart($0) || isDigit($0) }
}

/// Words that the language keeps for itself.
let reservedWords = ["and", "or", "not", "where", "any", "profile"]

func isNameStart(_ byte: UInt8) -> Bool {
  (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || byte == 0x5f
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
