import Events

/// Random numbers from a seed, the same on every machine: xoshiro256** (Blackman, Vigna 2018) seeded by
/// SplitMix64, and distributions made of + − × ÷ √ only, so that not even libm decides an event.
struct SeededRandom {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// The stream of a seed and a number: two numbers give independent streams.
  init(seed: UInt64, stream: UInt64) {
    var mixer = SplitMix64(seed: seed &+ stream &* 0xd1b5_4a32_d192_ed03)
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
  }

  /// The stream that goes on from a state, which must not be all 0.
  init(state: (UInt64, UInt64, UInt64, UInt64)) { self.state = state }

  /// 64 random bits.
  mutating func bits() -> UInt64 {
    let result = Self.rotate(state.1 &* 5, 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = Self.rotate(state.3, 45)
    return result
  }

  /// Uniform in [0, 1).
  mutating func unit() -> Double { Double(bits() >> 11) * 0x1p-53 }

  /// Uniform in `range`.
  mutating func uniform(_ range: ClosedRange<Double>) -> Double {
    range.lowerBound + unit() * (range.upperBound - range.lowerBound)
  }

  /// Uniform in 0..<count.
  mutating func below(_ count: Int) -> Int { Int(bits().multipliedFullWidth(by: UInt64(count)).high) }

  /// True with the given probability.
  mutating func chance(_ probability: Double) -> Bool { unit() < probability }

  /// Exponential with the given mean.
  mutating func exponential(mean: Double) -> Double { -mean * FixedMath.log(1 - unit()) }

  /// Standard normal (Marsaglia's polar method).
  mutating func normal() -> Double {
    while true {
      let x = 2 * unit() - 1
      let y = 2 * unit() - 1
      let square = x * x + y * y
      if square > 0 && square < 1 { return x * (-2 * FixedMath.log(square) / square).squareRoot() }
    }
  }

  /// Log-normal with the given median and the logarithm's standard deviation.
  mutating func logNormal(median: Double, deviation: Double) -> Double {
    median * FixedMath.exp(deviation * normal())
  }

  /// Poisson (Knuth's products; the mean is cut at 60).
  mutating func poisson(mean: Double) -> Int {
    let limit = FixedMath.exp(-min(mean, 60))
    var product = unit()
    var count = 0
    while product > limit {
      product *= unit()
      count += 1
    }
    return count
  }

  /// An index with probability proportional to its weight; `total` is the weights' sum.
  mutating func pick(_ weights: [Double], total: Double) -> Int {
    var rest = unit() * total
    for index in weights.indices {
      rest -= weights[index]
      if rest < 0 { return index }
    }
    return weights.count - 1
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    (value << count) | (value >> (64 - count))
  }
}

/// exp and log of basic arithmetic alone, to about 1e-12: equal on every machine.
enum FixedMath {
  private static let ln2 = 0.693147180559945309

  /// e^x, for |x| up to 700.
  static func exp(_ x: Double) -> Double {
    let power = (x / ln2).rounded()
    let rest = x - power * ln2
    var sum = 1.0
    var term = 1.0
    for step in 1...13 {
      term *= rest / Double(step)
      sum += term
    }
    return Double(sign: .plus, exponent: Int(power), significand: sum)
  }

  /// Natural logarithm, for x > 0.
  static func log(_ x: Double) -> Double {
    var exponent = Double(x.exponent)
    var significand = x.significand
    if significand > 1.4142135623730951 {
      significand /= 2
      exponent += 1
    }
    let ratio = (significand - 1) / (significand + 1)
    let square = ratio * ratio
    var sum = 0.0
    var divisor = 21.0
    while divisor >= 1 {
      sum = sum * square + 1 / divisor
      divisor -= 2
    }
    return exponent * ln2 + 2 * ratio * sum
  }
}
