internal import Events
internal import Foundation

/// Writes cells of CSV (RFC 4180, but lines end with a line feed alone).
enum CSVText {
  /// A text, quoted where it has to be.
  static func append(_ text: String, to bytes: inout [UInt8]) {
    let needsQuotes = text.utf8.contains { byte in
      byte == UInt8(ascii: ",") || byte == UInt8(ascii: "\"") || byte == 0x0a || byte == 0x0d
    }
    guard needsQuotes else { return bytes.append(contentsOf: text.utf8) }
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      if byte == UInt8(ascii: "\"") { bytes.append(byte) }
      bytes.append(byte)
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// The shortest text that reads as the same 32-bit float; nothing for NaN.
  static func append(_ value: Float, to bytes: inout [UInt8]) {
    if value.isNaN { return }
    // Most cells are counts: no exponent and no ".0" for them. Minus zero keeps its sign.
    let isWhole = value.magnitude < 0x1p24 && value == value.rounded(.towardZero)
    let isMinusZero = value == 0 && value.sign == .minus
    bytes.append(contentsOf: (isWhole && !isMinusZero ? String(Int(value)) : value.description).utf8)
  }

  /// RFC 3339 in UTC with six decimals, for times from 1970 to 9999.
  static func appendTime(_ time: EventTime, to bytes: inout [UInt8]) {
    var seconds = Int(time / Span.second)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func digits(_ number: Int, _ count: Int) {
      let text = String(number)
      for _ in 0..<max(count - text.utf8.count, 0) { bytes.append(UInt8(ascii: "0")) }
      bytes.append(contentsOf: text.utf8)
    }
    func sign(_ character: Unicode.Scalar) { bytes.append(UInt8(ascii: character)) }
    digits(Int(parts.tm_year) + 1900, 4)
    sign("-")
    digits(Int(parts.tm_mon) + 1, 2)
    sign("-")
    digits(Int(parts.tm_mday), 2)
    sign("T")
    digits(Int(parts.tm_hour), 2)
    sign(":")
    digits(Int(parts.tm_min), 2)
    sign(":")
    digits(Int(parts.tm_sec), 2)
    sign(".")
    digits(Int(time % Span.second), 6)
    sign("Z")
  }
}
