/// Bytes as text that goes through everything that takes text (RFC 4648, with padding).
enum Base64 {
  private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")

  /// The text of bytes.
  static func text(of bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var bits = 0
      for place in 0..<3 { bits = bits << 8 | (place < count ? Int(bytes[start + place]) : 0) }
      for place in 0..<4 { text.append(place <= count ? digits[bits >> (18 - 6 * place) & 63] : padding) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes of a text; nil: it is none that `text(of:)` gives.
  static func bytes(of text: some StringProtocol) -> [UInt8]? {
    let all = Array(text.utf8)
    guard all.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(all.count / 4 * 3)
    for start in stride(from: 0, to: all.count, by: 4) {
      let isLast = start + 4 == all.count
      let count = all[start..<start + 4].prefix { $0 != padding }.count
      guard count == 4 || isLast && count >= 2 && all[(start + count)...].allSatisfy({ $0 == padding })
      else { return nil }
      var bits = 0
      for place in 0..<4 {
        guard place < count else {
          bits <<= 6
          continue
        }
        guard let value = digits.firstIndex(of: all[start + place]) else { return nil }
        bits = bits << 6 | value
      }
      // Bits that no byte takes are 0.
      guard bits & (1 << (8 * (4 - count)) - 1) == 0 else { return nil }
      for place in 0..<count - 1 { bytes.append(UInt8(bits >> (16 - 8 * place) & 0xff)) }
    }
    return bytes
  }
}
