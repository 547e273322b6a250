/// Writing JSON (RFC 8259) into a reused buffer; allocates nothing once the buffer is large enough.
extension [UInt8] {
  /// ASCII as it stands.
  mutating func append(raw text: StaticString) {
    append(contentsOf: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// A string; `utf8` is valid UTF-8.
  mutating func append(json utf8: UnsafeRawBufferPointer) {
    append(UInt8(ascii: "\""))
    var begin = 0
    for index in 0..<utf8.count {
      let byte = utf8[index]
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
      append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[begin..<index]))
      append(escaped: byte)
      begin = index + 1
    }
    append(contentsOf: UnsafeRawBufferPointer(rebasing: utf8[begin...]))
    append(UInt8(ascii: "\""))
  }

  mutating func append(json text: String) {
    var copy = text
    copy.withUTF8 { append(json: UnsafeRawBufferPointer($0)) }
  }

  private mutating func append(escaped byte: UInt8) {
    append(UInt8(ascii: "\\"))
    switch byte {
    case UInt8(ascii: "\n"): append(UInt8(ascii: "n"))
    case UInt8(ascii: "\t"): append(UInt8(ascii: "t"))
    case UInt8(ascii: "\r"): append(UInt8(ascii: "r"))
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
    default:
      append(raw: "u00")
      append(Self.hexDigit(byte >> 4))
      append(Self.hexDigit(byte & 15))
    }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }

  mutating func append(decimal value: Int64) {
    if value < 0 { append(UInt8(ascii: "-")) }
    var digits = 1
    var bound: UInt64 = 10
    while digits < Self.digitsMax, value.magnitude >= bound {
      digits += 1
      bound *= 10
    }
    append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
    var rest = value.magnitude
    var at = count
    while rest > 0 {
      at -= 1
      self[at] += UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Digits of the largest Int64.
  private static var digitsMax: Int { 19 }

  /// The shortest decimal number that reads back as `value`; null for NaN and infinity.
  ///
  /// Swift's description of a Float is at most 15 bytes, which a String holds without memory of its own.
  mutating func append(shortest value: Float) {
    guard value.isFinite else { return append(raw: "null") }
    append(contentsOf: value.description.utf8)
  }

  /// Base64 in quotes (RFC 4648, with padding); null for no bytes at all.
  mutating func append(base64 bytes: UnsafeRawBufferPointer) {
    guard bytes.baseAddress != nil else { return append(raw: "null") }
    append(UInt8(ascii: "\""))
    var at = 0
    while at < bytes.count {
      let left = bytes.count - at
      let a = bytes[at]
      let b = left > 1 ? bytes[at + 1] : 0
      let c = left > 2 ? bytes[at + 2] : 0
      append(Self.base64Digit(a >> 2))
      append(Self.base64Digit((a & 3) << 4 | b >> 4))
      append(left > 1 ? Self.base64Digit((b & 15) << 2 | c >> 6) : UInt8(ascii: "="))
      append(left > 2 ? Self.base64Digit(c & 63) : UInt8(ascii: "="))
      at += 3
    }
    append(UInt8(ascii: "\""))
  }

  private static func base64Digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + value - 26
    case 52..<62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "+")
    default: UInt8(ascii: "/")
    }
  }
}
