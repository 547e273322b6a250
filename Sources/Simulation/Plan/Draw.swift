import Events

/// Random numbers that are a function of a seed, a purpose and a number: leaving one draw out changes no other.
struct Draw {
  /// What is drawn.
  enum Purpose: UInt64 {
    case plan = 1
    case workload
    case fault
    case latency
    case life
    case world
  }

  private var numbers: SplitMix64

  init(_ seed: UInt64, _ purpose: Purpose, _ number: Int = 0) {
    let start = seed &* SplitMix64.step &+ purpose.rawValue &* 0xd1b5_4a32_d192_ed03
    numbers = SplitMix64(seed: start ^ UInt64(truncatingIfNeeded: number) &* 0x2545_f491_4f6c_dd1d)
    _ = next()
  }

  private mutating func next() -> UInt64 { numbers.next() }

  /// A number of `0..<count`; 0 when there is none.
  mutating func below(_ count: Int) -> Int { count > 0 ? Int(truncatingIfNeeded: next() >> 1) % count : 0 }

  /// A number of the range.
  mutating func int(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// A time of the range, microseconds from milliseconds.
  mutating func milliseconds(_ range: ClosedRange<Int>) -> Int64 {
    Int64(int(range.lowerBound * 1000...range.upperBound * 1000))
  }

  /// True in `share` of a thousand cases.
  mutating func chance(_ share: Int) -> Bool { below(1000) < share }
}
