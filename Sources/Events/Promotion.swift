/// What a promotion orders: from the next record of its partition on, another set of models scores.
public struct Promotion: Equatable, Sendable, BitwiseCopyable {
  /// The entity id, and key, of all promotions: they belong to no entity.
  public static let entityID = "tally-promotion"

  /// Rises from promotion to promotion of a pipeline, from 1 on; 0: it is of another pipeline and changes nothing.
  public var number: UInt64
  /// Hash of the set of models.
  public var set: Hash128

  /// A promotion to a set.
  public init(number: UInt64, set: Hash128) {
    self.number = number
    self.set = set
  }
}

extension Hash128 {
  /// The hash of 32 small hexadecimal digits, as `hex` writes it; nil: something else. Row code.
  public init?(digits: UnsafeRawBufferPointer) {
    guard digits.count == 32 else { return nil }
    var words: (UInt64, UInt64) = (0, 0)
    for (place, digit) in digits.enumerated() {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      default: return nil
      }
      if place < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
    }
    self.init(low: words.0, high: words.1)
  }
}
