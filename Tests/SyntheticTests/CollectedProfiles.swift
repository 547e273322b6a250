import Foundation
import Testing

@testable import Synthetic

/// Records of a population as Foundation reads them, for tests that count.
struct CollectedProfiles {
  var records: [[String: Any]] = []

  init(_ configuration: ProfileConfiguration, _ numbers: Range<Int>) throws {
    try self.init(Self.lines(configuration, numbers))
  }

  init(_ lines: [[UInt8]]) throws { records = try lines.map { try Self.object($0) } }

  var profiles: [[String: Any]] { records.compactMap { $0["profile_json"] as? [String: Any] } }

  /// The records' bytes, one a number.
  static func lines(_ configuration: ProfileConfiguration, _ numbers: some Sequence<Int>) -> [[UInt8]] {
    var population = ProfilePopulation(configuration)
    return numbers.map { number in
      var bytes: [UInt8] = []
      population.append(number, to: &bytes)
      return bytes
    }
  }

  static func object(_ bytes: some Sequence<UInt8>) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }
}

/// Whether a count of `trials` is what chance gives at `share`, to five standard deviations.
func isExpected(_ count: Int, of trials: Int, share: Double) -> Bool {
  let deviation = (Double(trials) * share * (1 - share)).squareRoot()
  return abs(Double(count) - Double(trials) * share) <= 5 * deviation
}
