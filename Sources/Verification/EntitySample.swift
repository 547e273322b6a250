import Events

/// Which people are looked at: a share of them by a hash of the id, or one. The same share and seed choose the same people.
public struct EntitySample: Sendable {
  private enum Choice {
    /// Those whose hash is below the bound.
    case below(UInt64)
    case everybody
    case one([UInt8])
  }

  private let choice: Choice
  private let seed: UInt64

  /// A share of all people, 0 < `share` ≤ 1; another `seed` chooses others.
  public init(share: Double, seed: UInt64 = 0) {
    precondition(share > 0 && share <= 1)
    choice = share < 1 ? .below(UInt64(share * 0x1p64)) : .everybody
    self.seed = seed
  }

  /// One person.
  public init(only id: [UInt8]) {
    choice = .one(id)
    seed = 0
  }

  /// Whether the person belongs to it.
  public func contains(_ id: UnsafeRawBufferPointer) -> Bool {
    switch choice {
    case .everybody: true
    case .one(let wanted): id.elementsEqual(wanted)
    case .below(let bound): Self.mix(Hash128(of: id).low &+ seed &* 0x9e37_79b9_7f4a_7c15) < bound
    }
  }

  /// SplitMix64's finaliser (Steele, Lea and Flood, 2014).
  private static func mix(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
