/// Elementary functions from + − × ÷ and bit operations only, so that every machine gives the same bits.
///
/// No libm, no fused multiply-add. `log2` and `exp2` are within 2 units in the last place; log2 follows FreeBSD's
/// e_log2.c and k_log.h, exp2 the rational approximation of fdlibm's e_exp.c (Sun Microsystems, 1993, freely usable).
public enum ExactMath {
  /// Logarithm to base 2: −∞ at 0, NaN below.
  static func log2(_ value: Double) -> Double {
    if !(value > 0) { return value == 0 ? -.infinity : .nan }
    if value == .infinity || value == 1 { return value == 1 ? 0 : value }
    var bits = value.bitPattern
    var exponent: Int64 = 0
    if bits < 0x0010_0000_0000_0000 {
      bits = (value * 0x1p54).bitPattern
      exponent = -54
    }
    // Reduce to m · 2^exponent with m in [√½, √2).
    let shifted = bits &+ (0x3ff0_0000_0000_0000 &- 0x3fe6_a09e_0000_0000)
    exponent += Int64(shifted >> 52) - 0x3ff
    let m = Double(bitPattern: (shifted & 0x000f_ffff_ffff_ffff) &+ 0x3fe6_a09e_0000_0000)
    let f = m - 1
    let half = 0.5 * f * f
    let r = log1pRest(f, half)
    let high = Double(bitPattern: (f - half).bitPattern & 0xffff_ffff_0000_0000)
    let low = (f - high) - half + r
    let inverseHigh = 1.44269504072144627571e+00
    let inverseLow = 1.67517131648865118353e-10
    let whole = Double(exponent)
    let product = high * inverseHigh
    let sum = whole + product
    let rest = (low + high) * inverseLow + low * inverseHigh + ((whole - sum) + product)
    return rest + sum
  }

  /// log(1 + f) − f + f²/2.
  private static func log1pRest(_ f: Double, _ half: Double) -> Double {
    let s = f / (2 + f)
    let z = s * s
    let w = z * z
    let odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01))
    let even =
      z
      * (6.666666666666735130e-01
        + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)))
    return s * (half + (odd + even))
  }

  /// 2 to the power of `value`; rounds once into the denormals.
  public static func exp2(_ value: Double) -> Double {
    if value.isNaN { return .nan }
    if value >= 1024 { return .infinity }
    if value <= -1075 { return 0 }
    let nearest = floor(value + 0.5)
    let rest = value - nearest
    // e^(rest · ln 2) with ln 2 in two parts.
    let high = rest * 6.93147180369123816490e-01
    let low = -(rest * 1.90821492927058770002e-10)
    let x = high - low
    let t = x * x
    let series =
      t
      * (1.66666666666666019037e-01
        + t
        * (-2.77777777770155933842e-03
          + t
          * (6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))))
    let c = x - series
    let result = 1 - ((low - (x * c) / (2 - c)) - high)
    return scale(result, Int64(nearest))
  }

  /// `value` · 2^`exponent` for a value near 1 and an exponent in −1075…1024.
  private static func scale(_ value: Double, _ exponent: Int64) -> Double {
    if exponent >= -1000 && exponent <= 1000 { return value * power(exponent) }
    if exponent > 0 { return value * power(exponent - 24) * power(24) }
    return value * power(exponent + 100) * power(-100)
  }

  /// 2^`exponent` for a normal result.
  private static func power(_ exponent: Int64) -> Double {
    Double(bitPattern: UInt64(bitPattern: exponent + 1023) << 52)
  }

  /// The greatest whole number not above `value`.
  static func floor(_ value: Double) -> Double {
    guard abs(value) < 0x1p52 else { return value }
    let whole = Double(Int64(value))
    return whole > value ? whole - 1 : whole
  }

  /// `value` · `scale` as a whole number, to nearest, ties away from zero; saturates.
  static func quantise(_ value: Double, scale: Double) -> Int64 {
    let scaled = value * scale
    guard abs(scaled) < 0x1p62 else { return scaled > 0 ? Int64(1) << 62 : -(Int64(1) << 62) }
    let whole = Int64(scaled)
    let rest = scaled - Double(whole)
    if rest >= 0.5 { return whole + 1 }
    return rest <= -0.5 ? whole - 1 : whole
  }

  /// Product; when it is out of range, the nearest number in range.
  static func saturatingProduct(_ left: Int64, _ right: Int64) -> Int64 {
    let (product, overflow) = left.multipliedReportingOverflow(by: right)
    return overflow ? ((left < 0) == (right < 0) ? .max : .min) : product
  }

  /// Sum; when it is out of range, the nearest number in range.
  @inline(__always)
  static func saturatingSum(_ left: Int64, _ right: Int64) -> Int64 {
    let (sum, overflow) = left.addingReportingOverflow(right)
    return overflow ? (right > 0 ? .max : .min) : sum
  }
}
