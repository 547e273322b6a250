import Features
import Foundation
import TestNumbers
import Testing

@testable import Report

@Suite struct ReferenceHistogramTests {
  private func histogram(_ values: [Float]) -> ReferenceHistogram {
    var range = ColumnRange()
    for value in values { range.add(value) }
    var histogram = ReferenceHistogram(name: "a", sample: values, range: range)
    for value in values { histogram.add(value) }
    return histogram
  }

  /// Worked out by hand: 0 has a bin of its own, the rest is split at every fifth value.
  @Test func frequentValuesHaveABinOfTheirOwn() {
    let found = histogram([Float](repeating: 0, count: 60) + (1...40).map(Float.init))
    #expect(found.bins == .numbers(lower: 0, upper: [0, 5, 10, 15, 20, 25, 30, 35, 40]))
    #expect(found.counts == [60] + [Int](repeating: 5, count: 8))
  }

  /// Every value is in exactly one place, whatever it is.
  @Test func countsEveryValueOnce() {
    var generator = SeededGenerator(seed: 3)
    for round in 0..<50 {
      let values = (0..<200).map { _ -> Float in
        switch Int.random(in: 0...9, using: &generator) {
        case 0: .nan
        case 1: Float(round % 5)
        case 2: round % 3 == 0 ? .infinity : -.infinity
        default: Float.random(in: -5...5, using: &generator)
        }
      }
      let found = histogram(values)
      guard case .numbers(let lower, let upper) = found.bins else {
        Issue.record("no bins")
        return
      }
      #expect(zip(upper, upper.dropFirst()).allSatisfy { $0 < $1 } && lower <= upper[0])
      #expect(upper.count <= 2 * ReferenceHistogram.binsWanted)
      #expect(found.counts.reduce(found.below + found.above + found.missing, +) == 200)
      #expect(
        found.below == values.count { $0 == -.infinity } && found.above == values.count { $0 == .infinity })
      var from = -Float.infinity
      for (bin, to) in upper.enumerated() {
        #expect(found.counts[bin] == values.count { $0 > from && $0 <= to && $0.isFinite })
        from = to
      }
    }
  }

  @Test func wordsAndNothing() {
    var words = ReferenceHistogram(name: "b", words: ["x", "y", "other"])
    for value in [0, 1, 1, 2, .nan, 3, -1, 0.5] as [Float] { words.add(value) }
    #expect(words.counts == [1, 2, 1] && words.missing == 1 && words.below == 3)
    #expect(
      words.json
        == #"{"name":"b","type":"category","words":["x","y","other"],"counts":[1,2,1],"missing":1,"unknown":3}"#
    )
    #expect(histogram([.nan, .nan]).json == #"{"name":"a","type":"empty","missing":2,"below":0,"above":0}"#)
    #expect(histogram([2, 2]).json.contains(#""lower":2,"upper":[2],"counts":[2]"#))
  }

  @Test func isTheWholeOfTheRows() throws {
    let evaluation = try Fixture.number()
    let facts = ModelFacts(evaluation)
    let text = ReferenceHistograms(evaluation, sample: facts.sample, ranges: facts.ranges).json
    let root = try #require(
      try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    #expect(root["format"] as? Int == 1 && root["rows"] as? Int == 800)
    for (list, count) in [("features", 5), ("outputs", 1)] {
      let all = try #require(root[list] as? [[String: Any]])
      #expect(all.count == count)
      for histogram in all {
        let counts = try #require(histogram["counts"] as? [Int])
        let rest = ["missing", "below", "above", "unknown"].compactMap { histogram[$0] as? Int }
        #expect((counts + rest).reduce(0, +) == 800)
      }
    }
  }
}
