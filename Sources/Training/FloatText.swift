/// Reads 32-bit floats of decimal text.
enum FloatText {
  /// Powers of ten that a double holds exactly.
  private static let powers: [Double] = {
    var all = [1.0]
    while all.count < 23 { all.append((all.last ?? 1) * 10) }
    return all
  }()

  /// The float nearest to a text, as Swift's `Float(_:)` reads it; nil: it is no number.
  static func value(of bytes: UnsafeRawBufferPointer) -> Float? {
    plain(bytes) ?? Float(String(decoding: bytes, as: UTF8.self))
  }

  /// Digits with perhaps a sign and a point, of which one division of exact doubles makes the nearest float; nil: another form, or one of
  /// the few that this would round twice.
  private static func plain(_ bytes: UnsafeRawBufferPointer) -> Float? {
    var index = 0
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { index = 1 }
    var whole: UInt64 = 0
    var digits = 0
    var decimals: Int?
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "."), decimals == nil, digits > 0, index + 1 < bytes.count {
        decimals = 0
      } else {
        guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), digits < 15 else { return nil }
        whole = whole * 10 + UInt64(byte - UInt8(ascii: "0"))
        digits += 1
        decimals = decimals.map { $0 + 1 }
      }
      index += 1
    }
    guard digits > 0 else { return nil }
    let value = Double(whole) / powers[decimals ?? 0]
    // Halfway between two floats it depends on what the division cut off; near zero floats are coarser.
    let isHalfway = value.bitPattern & 0x1fff_ffff == 0x1000_0000
    guard value == 0 || (!isHalfway && value >= 0x1p-126) else { return nil }
    return Float(isNegative ? -value : value)
  }
}
