import Events
import TestNumbers
import Testing

@testable import Features

/// How far the sketch of `distinct` is off, as README says it.
@Suite("Error of the sketch of distinct texts") struct DistinctSketchTests {
  /// Relative errors of the estimate for `count` texts, ascending.
  private func errors(_ count: Int, rounds: Int) -> [Double] {
    var random = SeededGenerator(seed: UInt64(count))
    var ranks = [UInt8](repeating: 0, count: DistinctSketch.registers)
    var errors: [Double] = []
    for _ in 0..<rounds {
      for register in ranks.indices { ranks[register] = 0 }
      for _ in 0..<count {
        let key = DistinctSketch.key(random.next())
        let register = DistinctSketch.register(key)
        ranks[register] = max(ranks[register], UInt8(DistinctSketch.rank(key)))
      }
      errors.append(DistinctSketch.estimate(ranks) / Double(count) - 1)
    }
    return errors.sorted()
  }

  @Test(arguments: [(33, 1_000), (50, 1_000), (100, 1_000), (200, 1_000), (1_000, 400), (10_000, 100)])
  func isAsDocumented(_ count: Int, _ rounds: Int) {
    let errors = errors(count, rounds: rounds)
    let mean = errors.reduce(0, +) / Double(rounds)
    let deviation = (errors.reduce(0) { $0 + $1 * $1 } / Double(rounds)).squareRoot()
    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded())) %" }
    let (low, high) = (errors[rounds / 40], errors[rounds - 1 - rounds / 40])
    print(
      "\(count) texts: standard error \(percent(deviation)), 95 % within \(percent(low)) and \(percent(high)), "
        + "all within \(percent(errors[0])) and \(percent(errors[rounds - 1]))")
    #expect(abs(mean) < 0.04)
    #expect(deviation > 0.08 && deviation < 0.17)
    #expect(low > -0.29 && high < 0.36)
  }
}
