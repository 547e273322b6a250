import Foundation
import TestThreads
import Testing

@testable import Synthetic

@Suite(.onThreads) struct ProfileTests {
  private static let configuration = ProfileConfiguration(seed: 7)

  /// The golden values hold on every machine: no libm, no hash seed, no thread decides a profile.
  @Test(arguments: [
    (ProfileForm.object, "41550e2ad1109a86961e06a0354c5ec5"), (.text, "8e9b69189c592fc2a00655b1d5c06e95"),
  ])
  func theSeedDecidesEveryByte(_ form: ProfileForm, _ golden: String) {
    var configuration = Self.configuration
    configuration.form = form
    let lines = CollectedProfiles.lines(configuration, 0..<1000)
    #expect(fingerprint(Array(lines.joined(separator: [UInt8(ascii: "\n")]))) == golden)
    configuration.seed = 8
    #expect(lines != CollectedProfiles.lines(configuration, 0..<1000))
  }

  @Test func aRangeIsThatPartOfTheWholeInWhateverOrder() {
    let whole = CollectedProfiles.lines(Self.configuration, 0..<400)
    #expect(CollectedProfiles.lines(Self.configuration, 150..<300) == Array(whole[150..<300]))
    #expect(CollectedProfiles.lines(Self.configuration, (0..<400).reversed()) == whole.reversed())
    let last = ProfileConfiguration.countMax - 1
    #expect(CollectedProfiles.lines(Self.configuration, [last]).count == 1)
  }

  @Test func idsAreNineDigitsUniqueAndInNoOrder() {
    let population = ProfilePopulation(Self.configuration)
    let other = ProfilePopulation(ProfileConfiguration(seed: 9))
    let first = (0..<50_000).map { population.pid(of: $0) }
    let last = (0..<50_000).map { population.pid(of: ProfileConfiguration.countMax - 1 - $0) }
    let ids = first + last
    #expect(ids.allSatisfy { (100_000_000...999_999_999).contains($0) })
    #expect(Set(ids).count == ids.count)
    let rising = zip(first, first.dropFirst()).count { $0 < $1 }
    #expect(isExpected(rising, of: first.count - 1, share: 0.5))
    #expect((0..<100).contains { population.pid(of: $0) != other.pid(of: $0) })
  }

  @Test func agesAreThoseOfAWorkforce() throws {
    let population = ProfilePopulation(Self.configuration)
    let ages = (0..<20_000).map { population.age(of: $0) }
    #expect(ages.allSatisfy { $0 >= 16 && $0 < 86 })
    let mean = ages.reduce(0, +) / Double(ages.count)
    #expect(mean > 38 && mean < 40.5, "\(mean)")
    #expect(isExpected(ages.count { $0 >= 25 && $0 < 55 }, of: ages.count, share: 0.73))
    var row: [UInt8] = []
    population.appendAge(of: 3, to: &row)
    let text = try #require(String(validating: row, as: UTF8.self))
    let cells = text.dropLast().split(separator: ",")
    #expect(text.hasSuffix("\n") && cells.first == "\(population.pid(of: 3))")
    #expect(abs(try #require(Double(cells[1])) - ages[3]) <= 0.005)
  }

  /// 37.5 %: a half of them by year of birth, a quarter by age, a quarter by both.
  @Test func threeOfEightHaveAKnownAge() throws {
    let population = ProfilePopulation(Self.configuration)
    let records = try CollectedProfiles(Self.configuration, 0..<6000).records
    var years = 0
    var ages = 0
    var both = 0
    var off = 0
    var wrong = 0
    for (number, record) in records.enumerated() {
      #expect(record["pid"] as? Int == Int(population.pid(of: number)))
      #expect(record.count == 4)
      let year = record["birth_year"] as? Int
      let age = record["approximate_age"] as? Int
      if year != nil { years += 1 }
      if age != nil { ages += 1 }
      if year != nil && age != nil { both += 1 }
      let hidden = population.age(of: number)
      if let year, year > 2026 {
        wrong += 1
      } else if let year {
        #expect(abs(Double(2026 - year) - hidden) <= 1)
      }
      if let age {
        #expect(abs(Double(age) - hidden) <= 2)
        if let year, year <= 2026, 2026 - year != age { off += 1 }
      }
    }
    #expect(isExpected(years + ages - both, of: records.count, share: 0.375))
    #expect(isExpected(both, of: years + ages - both, share: 0.25))
    #expect(isExpected(years, of: years + ages - both, share: 0.75))
    #expect(isExpected(wrong, of: years, share: 0.003))
    #expect(isExpected(off, of: both, share: 0.2))
  }

  @Test func theAsOfYearMovesTheWorld() throws {
    var later = Self.configuration
    later.asOfYear = 2036
    let now = try CollectedProfiles(Self.configuration, 0..<300).records
    let then = try CollectedProfiles(later, 0..<300).records
    var compared = 0
    for (one, other) in zip(now, then) {
      #expect(one["approximate_age"] as? Int == other["approximate_age"] as? Int)
      if let year = one["birth_year"] as? Int { #expect(other["birth_year"] as? Int == year + 10) }
      let profile = one["profile_json"] as? [String: Any]
      guard let year = profile?["profile_created_year"] as? Int else { continue }
      #expect((other["profile_json"] as? [String: Any])?["profile_created_year"] as? Int == year + 10)
      compared += 1
    }
    #expect(compared > 200)
  }
}
