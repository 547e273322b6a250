/// A 128-bit hash of bytes, equal on every machine and in every process.
///
/// MurmurHash3 x64 128 with seed 0 (A. Appleby, public domain): not cryptographic; it tells ids of one
/// entity apart and fingerprints definitions.
public struct Hash128: Equatable, Hashable, Sendable, BitwiseCopyable {
  /// First eight bytes, little-endian.
  public var low: UInt64
  /// Last eight bytes, little-endian.
  public var high: UInt64

  /// A hash with given halves.
  @inlinable
  public init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  /// The hash of `bytes`.
  public init(of bytes: UnsafeRawBufferPointer) {
    let c1: UInt64 = 0x87c3_7b91_1142_53d5
    let c2: UInt64 = 0x4cf5_ad43_2745_937f
    var h1: UInt64 = 0
    var h2: UInt64 = 0
    let blocks = bytes.count / 16
    if blocks > 0, var next = bytes.baseAddress {
      let end = next + blocks * 16
      while next < end {
        var k1 = UInt64(littleEndian: next.loadUnaligned(as: UInt64.self))
        var k2 = UInt64(littleEndian: (next + 8).loadUnaligned(as: UInt64.self))
        next += 16
        k1 = Self.rotate(k1 &* c1, 31) &* c2
        h1 = (Self.rotate(h1 ^ k1, 27) &+ h2) &* 5 &+ 0x52dc_e729
        k2 = Self.rotate(k2 &* c2, 33) &* c1
        h2 = (Self.rotate(h2 ^ k2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
      }
    }
    var k1: UInt64 = 0
    var k2: UInt64 = 0
    let tail = blocks * 16
    for index in tail..<bytes.count {
      let byte = UInt64(bytes[index])
      let position = index - tail
      if position < 8 {
        k1 |= byte << (8 * UInt64(position))
      } else {
        k2 |= byte << (8 * UInt64(position - 8))
      }
    }
    if bytes.count - tail > 8 { h2 ^= Self.rotate(k2 &* c2, 33) &* c1 }
    if bytes.count > tail { h1 ^= Self.rotate(k1 &* c1, 31) &* c2 }
    h1 ^= UInt64(bytes.count)
    h2 ^= UInt64(bytes.count)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    h1 = Self.mix(h1)
    h2 = Self.mix(h2)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    low = h1
    high = h2
  }

  /// The hash of a string's UTF-8.
  public init(of text: String) {
    var copy = text
    self = copy.withUTF8 { Hash128(of: UnsafeRawBufferPointer($0)) }
  }

  /// 32 hexadecimal digits, low half first.
  public var hex: String { Self.hex(low) + Self.hex(high) }

  private static func hex(_ word: UInt64) -> String {
    let digits = String(word, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    (value << bits) | (value >> (64 - bits))
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var k = value
    k ^= k >> 33
    k = k &* 0xff51_afd7_ed55_8ccd
    k ^= k >> 33
    k = k &* 0xc4ce_b9fe_1a85_ec53
    k ^= k >> 33
    return k
  }
}
