/// How much a person has told: fields are missing together, for who tells little tells little of everything.
enum ProfileRichness: Int {
  case nearlyEmpty, sparse, ordinary, rich

  private static let weights: [Double] = [8, 22, 40, 30]

  static func draw(_ random: inout SeededRandom) -> ProfileRichness {
    ProfileRichness(rawValue: random.pick(weights, total: 100)) ?? .ordinary
  }

  /// The chance that a field is missing which is missing from ordinary profiles with `chance`.
  @inline(__always)
  func missing(_ chance: Double) -> Double {
    switch self {
    case .nearlyEmpty: 0.86
    case .sparse: min(chance * 2, 0.95)
    case .ordinary: chance
    case .rich: chance * 0.2
    }
  }
}
