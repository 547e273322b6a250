import Events
import Testing

@testable import Features

/// Hashes of what features mean, as models record them.
@Suite struct FeatureHashesTests {
  private func hashes(_ features: [(String, String)], idleTTL: EventTime? = nil) throws -> FeatureHashes {
    try FeatureProgram(declaration(features, idleTTL: idleTTL)).featureHashes
  }

  private func hash(_ expression: String) throws -> String {
    try #require(hashes([("x", expression)]).entries.first).hash
  }

  /// Literal values: another machine, another build and another release of Tally must give the same.
  @Test func areTheSameEverywhere() throws {
    let found = try hashes([
      ("logins", "count(login, 30d)"), ("daily", "logins / 30"), ("plan", "profile.plan"),
      ("sold", "sum(buy.amount where topic == \"tech\" and amount > 10, 7d)"),
    ])
    #expect(
      found.text
        == "1 logins=8caede7125464508 daily=59bbee45dae4a278 plan=bce2ea43c8f03e31 sold=c5d3b258cbc81197 "
        + "(idle_ttl)=37255a38c12de2e4")
    #expect(FeatureHashes(found.text) == found)
  }

  /// Spelling, names of intermediates and the features around do not matter.
  @Test(arguments: [
    ("count(login, 24h)", "count( login ,1d )"), ("profile.age * 2", "((profile.age) * 2.0)"),
    ("ratio(profile.age, 2)", "profile.age / 2"),
    ("sum(buy.amount where (amount > 10), 30d)", "sum(buy.amount where amount > 10.0, 30d)"),
    ("profile.plan == \"free\"", "\"free\" == profile.plan"),
  ])
  func spellingDoesNotMatter(_ one: String, _ other: String) throws {
    #expect(try hash(one) == hash(other))
  }

  @Test func intermediatesAreWhatTheyStandFor() throws {
    let inline = try hashes([("y", "count(login, 30d) / 30")]).entries[0].hash
    for name in ["x", "logins"] {
      #expect(try hashes([(name, "count(login, 30d)"), ("y", "\(name) / 30")]).entries[1].hash == inline)
    }
    let (short, long) = ([("x", "count(login, 7d)")], [("x", "count(login, 8d)")])
    let next = [("y", "x / 30"), ("z", "profile.age")]
    #expect(try hashes(short + next).differences(from: hashes(long + next)) == ["x", "y"])
    #expect(try hashes(next.suffix(1) + short).differences(from: hashes(short + next)) == [])
  }

  @Test(arguments: [
    ("count(login, 7d)", "count(login, 10d)"), ("count(login, 7d)", "count(any, 7d)"),
    ("count(login, 7d)", "count(login)"), ("count(login)", "count(session)"),
    ("sum(buy.amount)", "mean(buy.amount)"), ("sum(buy.amount)", "sum(session.minutes)"),
    ("count(login where device == \"mobile\")", "count(login where device == \"tablet\")"),
    ("count(login where device == \"mobile\")", "count(login where device != \"mobile\")"),
    ("count(login where device == \"mobile\")", "count(session where device == \"mobile\")"),
    ("profile.age", "profile.optin"), ("profile.age + 1", "profile.age + 2"),
    ("profile.age - 1", "1 - profile.age"), ("decayed(any, 7d)", "decayed(any, 8d)"),
    ("slope(count(any), 7d)", "slope(count(login), 7d)"),
    ("bucket(profile.age, 1)", "bucket(profile.age, 2)"),
    ("days_since(login)", "hours_since(login)"), ("gauge(login, session)", "gauge(session, login)"),
  ])
  func otherMeaningsDiffer(_ one: String, _ other: String) throws {
    #expect(try hash(one) != hash(other))
  }

  /// A type of an attribute changes what is made of it, and nothing else.
  @Test func typesOfAttributesMatter() throws {
    let features = [
      ("amount", "sum(buy.amount)"), ("topic", "mode(buy.topic)"),
      ("tech", "count(buy where topic == \"tech\")"), ("others", "count(buy where topic == \"other\")"),
      ("logins", "count(login)"),
    ]
    let before = try hashes(features)
    func different(_ name: String, _ type: AttributeType) throws -> [String] {
      var changed = declaration(features)
      let buy = try #require(changed.events.firstIndex { $0.name == "buy" })
      let attribute = try #require(changed.events[buy].attributes.firstIndex { $0.name == name })
      changed.events[buy].attributes[attribute].type = type
      return try FeatureProgram(changed).featureHashes.differences(from: before)
    }
    #expect(try different("amount", .number(decimals: 3, minimum: -1e6, maximum: 1e6)) == ["amount"])
    #expect(try different("amount", .number(decimals: 2, minimum: 0, maximum: 1e6)) == ["amount"])
    #expect(try different("topic", .category(["food", "tech", "travel", "fitness"])) == ["topic", "others"])
    #expect(
      try different("topic", .category(["tech", "food", "travel", "fitness", "art"])) == ["topic", "others"])
    #expect(try different("sku", .category(["a"])) == [])
  }

  @Test func whatAllDependOnIsNamed() throws {
    let features = [("a", "count(login)"), ("b", "profile.age")]
    let with = try hashes(features, idleTTL: 400 * Span.day)
    #expect(try with.differences(from: hashes(features)) == ["(idle_ttl)"])
    #expect(try with.differences(from: hashes(features, idleTTL: 400 * Span.day)) == [])
  }

  /// A text of another kind, or none of ours.
  @Test func readsOnlyItsOwn() throws {
    let ours = try hashes([("a", "count(login)")])
    #expect(FeatureHashes("") == nil && FeatureHashes("x a=1") == nil && FeatureHashes("1 a") == nil)
    let later = try #require(FeatureHashes("2" + ours.text.dropFirst()))
    #expect(ours.differences(from: later) == ["a", "(idle_ttl)"])
    #expect(ours.differences(from: try #require(FeatureHashes("1"))) == ["a", "(idle_ttl)"])
  }
}
