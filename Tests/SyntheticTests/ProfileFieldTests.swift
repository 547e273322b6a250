import Foundation
import TestThreads
import Testing

@testable import Synthetic

/// What stands in profiles: fields, gaps and mistakes.
@Suite(.onThreads) struct ProfileFieldTests {
  private static let configuration = ProfileConfiguration(seed: 21)
  private static let lines = CollectedProfiles.lines(configuration, 0..<6000)
  private static let features = [
    "tenure_months", "job_level", "linkedin_connections", "education_level", "graduation_year", "jobs",
    "skills", "job_title", "industry", "company_size", "email_provider", "profile_created_year",
    "certifications", "recommendations",
  ]

  @Test func theTextHoldsTheObject() throws {
    var text = Self.configuration
    text.form = .text
    let objects = try CollectedProfiles(Self.configuration, 0..<1000).records
    let texts = try CollectedProfiles(text, 0..<1000).records
    for (object, text) in zip(objects, texts) {
      let inside = try #require(text["profile_json"] as? String)
      let profile = try CollectedProfiles.object(inside.utf8)
      let expected = try #require(object["profile_json"] as? [String: Any])
      #expect(NSDictionary(dictionary: profile) == NSDictionary(dictionary: expected))
      #expect(text["pid"] as? Int == object["pid"] as? Int)
    }
  }

  /// Numbers of profiles whose text breaks off: 1 in 20,000.
  @Test func aTextBreaksOffNowAndThen() throws {
    var configuration = ProfileConfiguration(seed: 1)
    for number in Self.broken {
      configuration.form = .object
      let object = try CollectedProfiles(configuration, number..<number + 1).records[0]
      configuration.form = .text
      let text = try CollectedProfiles(configuration, number..<number + 1).records[0]
      let inside = try #require(text["profile_json"] as? String)
      #expect(throws: (any Error).self) { try CollectedProfiles.object(inside.utf8) }
      #expect(object["profile_json"] is [String: Any])
    }
  }

  private static let broken = [5871, 31_234, 35_483]

  @Test func aProfileHasAboutFiftyFieldsAndSomeHaveNearlyNone() throws {
    let profiles = try CollectedProfiles(Self.lines).profiles
    #expect(profiles.count == 6000)
    let names = Set(profiles.flatMap(\.keys))
    #expect(names.count == 50 && names.isSuperset(of: Self.features), "\(names.count)")
    let told = profiles.map { profile in Self.features.count { Self.isTold(profile[$0]) } }
    // Of 14 fields a nearly empty profile has two on average; nobody else has so few.
    #expect(isExpected(told.count { $0 <= 4 }, of: told.count, share: 0.08))
    #expect(isExpected(told.count { $0 >= 13 }, of: told.count, share: 0.42))
    for name in Self.features {
      let share = Double(profiles.count { Self.isTold($0[name]) }) / Double(profiles.count)
      #expect(share > 0.6 && share < 0.93, "\(name) \(share)")
    }
    #expect(profiles.contains { $0.isEmpty })
    #expect(profiles.contains { $0["job_title"] as? String == "" })
    #expect(profiles.contains { $0["skills"] as? [Any] == nil && $0["skills"] is NSNull })
  }

  private static func isTold(_ value: Any?) -> Bool { value != nil && !(value is NSNull) }

  @Test func titlesAreOfManyTongues() throws {
    let titles = try CollectedProfiles(Self.lines).profiles
      .compactMap { $0["job_title"] as? String }
    #expect(titles.contains { $0.unicodeScalars.contains { $0.value > 0xffff } })
    #expect(titles.contains { $0.contains("\"") })
    let capitals = titles.count { !$0.isEmpty && $0 == $0.uppercased() && $0.utf8.allSatisfy { $0 < 0x80 } }
    #expect(isExpected(capitals, of: titles.count, share: 0.03))
  }

  @Test func skillsAndProvidersTellTheCohort() throws {
    let population = ProfilePopulation(Self.configuration)
    var ages: [String: [Double]] = [:]
    for (number, record) in try CollectedProfiles(Self.lines).records.enumerated() {
      let profile = record["profile_json"] as? [String: Any] ?? [:]
      let age = population.age(of: number)
      for skill in profile["skills"] as? [String] ?? [] { ages[skill, default: []].append(age) }
      if let provider = profile["email_provider"] as? String { ages[provider, default: []].append(age) }
      if let level = profile["job_level"] as? String { ages[level, default: []].append(age) }
    }
    let means = ages.mapValues { $0.reduce(0, +) / Double($0.count) }
    for (older, younger) in [
      ("COBOL", "Rust"), ("Shorthand", "Figma"), ("aol", "icloud"), ("yahoo", "gmail"),
      ("Director", "Senior"),
      ("Senior", "Junior"), ("Junior", "Intern"),
    ] {
      let gap = (means[older] ?? 0) - (means[younger] ?? 100)
      #expect(gap > 4, "\(older) \(younger) \(gap)")
    }
  }

  @Test func mistakesComeAtTheirRates() {
    var random = SeededRandom(seed: 5, stream: 5)
    let draws = 300_000
    var counts: [ProfileMistake: Int] = [:]
    for _ in 0..<draws { counts[ProfileMistake.draw(&random), default: 0] += 1 }
    for mistake in ProfileMistake.allCases where mistake != .none {
      let share = Double(mistake.rate) / Double(ProfileMistake.total)
      #expect(isExpected(counts[mistake] ?? 0, of: draws, share: share), "\(mistake)")
    }
  }

  /// Each mistake is seen, at about the rate at which it is made of profiles that state the field.
  @Test func mistakesAreSeen() throws {
    let profiles = try CollectedProfiles(Self.lines).profiles
    func count(_ isWrong: ([String: Any]) -> Bool) -> Int { profiles.count(where: isWrong) }
    func years(_ profile: [String: Any]) -> [Int] {
      (profile["jobs"] as? [Any] ?? []).compactMap { ($0 as? [String: Any])?["start_year"] as? Int }
    }
    let seen = [
      "negative": count { ($0["tenure_months"] as? Double ?? 0) < 0 },
      "ahead": count { $0["graduation_year"] as? Int ?? 0 > 2034 },
      "early": count { $0["graduation_year"] as? Int ?? 2000 < 1955 },
      "short": count { years($0).contains { $0 < 100 } },
      "long": count { years($0).contains { $0 > 10_000 } },
      "text": count { profile in
        ["tenure_months", "graduation_year", "recommendations", "linkedin_connections"]
          .contains { (profile[$0] as? String).flatMap { Int($0) } != nil }
      },
      "list": count { $0["job_title"] is [Any] },
      "level": count {
        $0["job_level"].map { "\($0)" != "<null>" && !Self.levels.contains("\($0)") } ?? false
      },
      "object": count { $0["jobs"] is [String: Any] },
      "null": count { ($0["jobs"] as? [Any] ?? []).contains { $0 is NSNull } },
      "skills": count { $0["skills"] is String },
      "huge": count { $0["linkedin_connections"] as? Int == 500_000_000 },
    ]
    for (mistake, count) in seen { #expect(count >= 1 && count <= 100, "\(mistake) \(count)") }
  }

  private static let levels = Set(ProfileWords.levels.map(\.description) + [""])
}
