import Events

/// Which entities are looked at: a share of them by a hash of the id, or one. The same share and seed choose the same entities.
public struct EntitySample: Sendable {
  private enum Choice {
    /// Those whose hash is below the bound.
    case below(UInt64)
    case everybody
    case one([UInt8])
  }

  private let choice: Choice
  private let seed: UInt64

  /// A share of all entities, 0 < `share` ≤ 1; another `seed` chooses others.
  public init(share: Double, seed: UInt64 = 0) {
    precondition(share > 0 && share <= 1)
    choice = share < 1 ? .below(UInt64(share * 0x1p64)) : .everybody
    self.seed = seed
  }

  package init(only id: [UInt8]) {
    choice = .one(id)
    seed = 0
  }

  /// Whether the entity belongs to it.
  public func contains(_ id: UnsafeRawBufferPointer) -> Bool {
    switch choice {
    case .everybody: true
    case .one(let wanted): id.elementsEqual(wanted)
    case .below(let bound): SplitMix64.mix(Hash128(of: id).low &+ seed &* SplitMix64.step) < bound
    }
  }
}
