import Testing
import Verification

/// Who is looked at.
@Suite struct EntitySampleTests {
  private func chosen(_ sample: EntitySample) -> Set<Int> {
    Set(
      (0..<20_000).filter { number in
        Array("person-\(number)".utf8).withUnsafeBytes { sample.contains($0) }
      })
  }

  @Test func aShareOfThePeople() {
    for (share, expected) in [(0.5, 10_000), (0.1, 2_000), (0.01, 200)] {
      let count = chosen(EntitySample(share: share)).count
      // Five standard deviations.
      let slack = 5 * (20_000 * share * (1 - share)).squareRoot()
      #expect(abs(Double(count - expected)) < slack, "\(count) of \(expected)")
    }
    #expect(chosen(EntitySample(share: 1)).count == 20_000)
    #expect(chosen(EntitySample(share: .leastNonzeroMagnitude)).isEmpty)
  }

  @Test func seedsChooseOthersAndShareChoosesMore() {
    let one = chosen(EntitySample(share: 0.1, seed: 1))
    #expect(one == chosen(EntitySample(share: 0.1, seed: 1)))
    let both = one.intersection(chosen(EntitySample(share: 0.1, seed: 2))).count
    #expect(both > 100 && both < 300, "two seeds have \(both) in common")
    #expect(one.isSubset(of: chosen(EntitySample(share: 0.2, seed: 1))))
  }

  @Test func onePersonByBytes() {
    let sample = EntitySample(only: Array("e\u{301}".utf8))
    #expect(Array("e\u{301}".utf8).withUnsafeBytes { sample.contains($0) })
    #expect(!Array("\u{E9}".utf8).withUnsafeBytes { sample.contains($0) })
  }
}
