import Foundation
import Testing

@testable import Features
import TestNumbers

@Suite struct ExactMathTests {
  /// Distance in units of the last place.
  private func ulps(_ a: Double, _ b: Double) -> Double {
    if a == b || (a.isNaN && b.isNaN) { return 0 }
    guard a.isFinite, b.isFinite else { return .infinity }
    return abs(a - b) / b.ulp
  }

  @Test("log2 is within 2 ulp of Foundation's")
  func log2() {
    var random = SeededGenerator(seed: 1)
    var worst = 0.0
    func check(_ value: Double) { worst = max(worst, ulps(ExactMath.log2(value), Foundation.log2(value))) }
    for _ in 0..<200_000 {
      check(Double(bitPattern: random.next() >> 1).magnitude)
      check(0.5 + Double(random.next() >> 11) * 0x1p-53 * 1.5)
      check(1 + (Double(random.next() >> 11) * 0x1p-53 - 0.5) * 0x1p-20)
      check(Double(random.below(100_000) + 1) / Double(random.below(100_000) + 1))
    }
    for power in -1074...1023 {
      #expect(ExactMath.log2(Double(sign: .plus, exponent: power, significand: 1)) == Double(power))
    }
    #expect(worst <= 2, "worst: \(worst) ulp")
    #expect(ExactMath.log2(0) == -.infinity)
    #expect(ExactMath.log2(-1).isNaN)
    #expect(ExactMath.log2(.nan).isNaN)
    #expect(ExactMath.log2(.infinity) == .infinity)
  }

  @Test("exp2 is within 2 ulp of Foundation's, denormals included")
  func exp2() {
    var random = SeededGenerator(seed: 2)
    var worst = 0.0
    func check(_ value: Double) { worst = max(worst, ulps(ExactMath.exp2(value), Foundation.exp2(value))) }
    for _ in 0..<200_000 {
      let unit = Double(random.next() >> 11) * 0x1p-53
      check(unit * 2100 - 1076)
      check(unit * 2 - 1)
      check(-unit * 40)
      check(-1075 + unit * 60)
      check((unit - 0.5) * 0x1p-30)
    }
    for power in -1074...1023 {
      #expect(ExactMath.exp2(Double(power)) == Double(sign: .plus, exponent: power, significand: 1))
    }
    #expect(worst <= 2, "worst: \(worst) ulp")
    #expect(ExactMath.exp2(-.infinity) == 0)
    #expect(ExactMath.exp2(.infinity) == .infinity)
    #expect(ExactMath.exp2(1024) == .infinity)
    #expect(ExactMath.exp2(Double(1024).nextDown) < .infinity)
    #expect(ExactMath.exp2(-1076) == 0)
    #expect(ExactMath.exp2(-1074.5) == 0x1p-1074)
    #expect(ExactMath.exp2(.nan).isNaN)
    #expect(ExactMath.exp2(-0.0) == 1)
  }

  @Test("floor and quantise agree with the library's rounding")
  func rounding() {
    var random = SeededGenerator(seed: 3)
    for _ in 0..<100_000 {
      let value = (Double(random.next() >> 11) * 0x1p-53 - 0.5) * scalbn(1, random.below(70))
      #expect(ExactMath.floor(value) == value.rounded(.down))
      let quantised = ExactMath.quantise(value, scale: 100)
      if abs(value * 100) < 0x1p62 {
        #expect(Double(quantised) == (value * 100).rounded(.toNearestOrAwayFromZero))
      }
    }
    for value in [0.5, 1.5, 2.5, -0.5, -2.5, 0.49999999999999994, -0.49999999999999994, 4503599627370495.5] {
      #expect(Double(ExactMath.quantise(value, scale: 1)) == value.rounded(.toNearestOrAwayFromZero))
    }
    #expect(ExactMath.quantise(1e300, scale: 1) == 1 << 62)
    #expect(ExactMath.quantise(-1e300, scale: 1) == -(1 << 62))
  }

  @Test("the same bits on every machine")
  func fixedBits() {
    // Recorded once; another machine or compiler that differs here would break replay.
    #expect(ExactMath.log2(3).bitPattern == 0x3ff9_5c01_a39f_bd68)
    #expect(ExactMath.log2(0.1).bitPattern == 0xc00a_934f_0979_a371)
    #expect(ExactMath.exp2(0.5).bitPattern == 0x3ff6_a09e_667f_3bcc)
    #expect(ExactMath.exp2(-0.3).bitPattern == Foundation.exp2(-0.3).bitPattern)
  }
}
