/// Random numbers that are a function of a seed, the same on every machine: SplitMix64 (Steele, Lea and Flood, 2014).
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// The numbers of a seed; neighbouring seeds give unrelated ones.
  public init(seed: UInt64) { state = seed }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= Self.step
    return Self.mix(state)
  }

  /// What a seed moves by with each number: 2^64 divided by the golden ratio.
  public static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// A bijection of 64 bits in which every bit of the result depends on all of the argument: the generator's last step.
  public static func mix(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
