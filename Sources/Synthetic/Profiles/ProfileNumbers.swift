import Events

/// Gives every profile a number of nine digits that looks like an id: a permutation by the seed, so that none is given
/// twice and their order says nothing.
struct ProfileNumbers {
  private static let first: UInt64 = 100_000_000
  private static let halfBits: UInt64 = 15
  private static let halfMask: UInt64 = (1 << halfBits) - 1
  private let keys: (UInt64, UInt64, UInt64, UInt64)

  init(seed: UInt64) {
    var mixer = SplitMix64(seed: seed ^ 0x7069_6473)
    keys = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  /// The id of profile `number`, from 0 to less than `ProfileConfiguration.countMax`.
  func pid(of number: Int) -> Int64 {
    precondition(number >= 0 && number < ProfileConfiguration.countMax)
    // A Feistel network permutes 2^30 numbers; those beyond the range go round again until they fall into it.
    var value = UInt64(number)
    repeat { value = permuted(value) } while value >= UInt64(ProfileConfiguration.countMax)
    return Int64(value + Self.first)
  }

  private func permuted(_ value: UInt64) -> UInt64 {
    var left = value >> Self.halfBits
    var right = value & Self.halfMask
    (left, right) = (right, left ^ Self.round(right, keys.0))
    (left, right) = (right, left ^ Self.round(right, keys.1))
    (left, right) = (right, left ^ Self.round(right, keys.2))
    (left, right) = (right, left ^ Self.round(right, keys.3))
    return left << Self.halfBits | right
  }

  private static func round(_ half: UInt64, _ key: UInt64) -> UInt64 {
    SplitMix64.mix(half ^ key) & halfMask
  }
}
