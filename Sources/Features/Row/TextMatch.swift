/// Comparison of texts as the language has it: bytes of UTF-8, ASCII letters of either case alike, all others only like themselves.
enum TextMatch {
  /// A word is a longest run of ASCII letters and digits and of bytes beyond ASCII.
  @inline(__always)
  static func isOfWord(_ byte: UInt8) -> Bool {
    byte >= 0x80 || (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7a)
  }

  @inline(__always)
  static func folded(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte }

  /// A hash of the bytes, folded: eight at a time; the last word lies over the one before it. Never stored.
  @inline(__always)
  static func key(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    let factor: UInt64 = 0x9e37_79b9_7f4a_7c15
    var hash = UInt64(truncatingIfNeeded: count) &* factor
    if count >= 8 {
      var index = 0
      while index < count - 8 {
        hash = (hash ^ folded(bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))) &* factor
        hash ^= hash &>> 29
        index += 8
      }
      hash = (hash ^ folded(bytes.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))) &* factor
    } else if count >= 4 {
      let first = UInt64(bytes.loadUnaligned(as: UInt32.self))
      let last = UInt64(bytes.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self))
      hash = (hash ^ folded(first | last &<< 32)) &* factor
    } else if count > 0 {
      let word = UInt64(bytes[0]) | UInt64(bytes[count / 2]) &<< 8 | UInt64(bytes[count - 1]) &<< 16
      hash = (hash ^ folded(word)) &* factor
    }
    return hash ^ (hash &>> 29)
  }

  /// Eight bytes, each folded.
  @inline(__always)
  private static func folded(_ word: UInt64) -> UInt64 {
    let low = word & 0x7f7f_7f7f_7f7f_7f7f
    let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
    let beyondZ = low &+ 0x2525_2525_2525_2525
    let isCapital = fromA & ~beyondZ & ~word & 0x8080_8080_8080_8080
    return word | isCapital &>> 2
  }

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
