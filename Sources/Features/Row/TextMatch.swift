/// Comparison of texts as the language has it: bytes of UTF-8, ASCII letters of either case alike, all others only like themselves.
enum TextMatch {
  /// A word is a longest run of ASCII letters and digits and of bytes beyond ASCII.
  @inline(__always)
  static func isOfWord(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
  }

  @inline(__always)
  static func folded(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }

  /// Whether the bytes, folded, are those of a text that is folded already.
  @inline(__always)
  static func equal(_ bytes: UnsafeRawBufferPointer, _ folded: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes.count == folded.count else { return false }
    for index in 0..<bytes.count where Self.folded(bytes[index]) != folded[index] { return false }
    return true
  }

  /// Number of Unicode scalars of valid UTF-8.
  static func length(_ bytes: UnsafeRawBufferPointer) -> Int {
    var count = 0
    for byte in bytes where byte & 0xc0 != 0x80 { count += 1 }
    return count
  }
}
