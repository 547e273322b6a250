import Events

/// Values that come as text. Numbers: an optional sign, digits, perhaps a point and digits; up to 15 digits in all, beyond which a decimal
/// need not have one double.
enum DecimalText {
  private static let digitsMax = 15

  /// `true` or `false`, in small letters or as Python and SQL write them.
  static func flag(of bytes: UnsafeRawBufferPointer) -> Bool? {
    if bytes.count == 4, matches(bytes, "true") { return true }
    return bytes.count == 5 && matches(bytes, "false") ? false : nil
  }

  private static func matches(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    for index in 0..<bytes.count where TextMatch.folded(bytes[index]) != word.utf8Start[index] {
      return false
    }
    return true
  }

  static func value(of bytes: UnsafeRawBufferPointer) -> Double? {
    var index = 0
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative || bytes.first == UInt8(ascii: "+") { index = 1 }
    var whole: Int64 = 0
    var digits = 0
    var scale = 1.0
    var isFraction = false
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "."), !isFraction, digits > 0, index < bytes.count {
        isFraction = true
        continue
      }
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < digitsMax else { return nil }
      whole = whole * 10 + Int64(byte - UInt8(ascii: "0"))
      digits += 1
      if isFraction { scale *= 10 }
    }
    guard digits > 0 else { return nil }
    // Both are exact, so that one division rounds once.
    let value = Double(whole) / scale
    return isNegative ? -value : value
  }
}
