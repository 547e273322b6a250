/// How many different texts there are: exact hashes while few, then a fixed HyperLogLog sketch.
///
/// Each tile is a pure function of its set of 44-bit hashes: up to `exactMax` of them are kept as they are, more
/// become the ranks of 64 registers. P. Flajolet et al., "HyperLogLog", 2007, with linear counting below 2.5 × 64.
/// The standard error of a sketch is 1.04 / √64 = 13 %.
enum DistinctSketch {
  /// Hashes that a tile keeps exactly.
  static let exactMax = 32
  /// Registers of a sketch; also the least value that an exact hash can have.
  static let registers = 64
  /// Highest rank of a 38-bit rest.
  static let rankMax: Int64 = 39

  /// The 44 bits kept of a text's hash, at least `registers`.
  @inline(__always)
  static func key(_ hash: UInt64) -> UInt64 {
    let key = hash & 0xfff_ffff_ffff
    return key < UInt64(registers) ? key | UInt64(registers) : key
  }

  @inline(__always)
  static func register(_ key: UInt64) -> Int { Int(key & 63) }

  /// Position of the first set bit of the upper 38 bits, from 1; 39 if there is none.
  @inline(__always)
  static func rank(_ key: UInt64) -> Int64 {
    let rest = key >> 6
    return Int64(rest.leadingZeroBitCount) - 26 + 1
  }

  /// Estimate of the number of different keys, a whole number.
  static func estimate(_ ranks: UnsafePointer<UInt8>) -> Double {
    var sum = 0.0
    var zeros = 0
    for index in 0..<registers {
      sum += Double(bitPattern: UInt64(1023 - Int(ranks[index])) << 52)
      zeros += ranks[index] == 0 ? 1 : 0
    }
    let m = Double(registers)
    var estimate = 0.709 * m * m / sum
    if estimate <= 2.5 * m && zeros > 0 {
      estimate = m * ExactMath.log2(m / Double(zeros)) * 0.6931471805599453
    }
    return ExactMath.floor(estimate + 0.5)
  }
}
