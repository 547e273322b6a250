import Events
import Testing

@testable import Features

@Suite struct ErrorTests {
  /// The error of one expression that starts at line 10, column 20.
  private func error(_ expression: String, after earlier: [(String, String)] = []) -> DeclarationError? {
    var declared = declaration(earlier + [("f", expression)])
    declared.features[declared.features.count - 1].position = SourcePosition(line: 10, column: 20)
    return failure(declared)
  }

  private func failure(_ declared: FeatureSetDeclaration) -> DeclarationError? {
    do {
      _ = try FeatureProgram(declared)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "an error points at its place, says what was found and what is allowed",
    arguments: [
      ("1 +", 3, "the end", "a number, a name"), ("1 + )", 4, "\")\"", "a number, a name"),
      ("(1 + 2", 6, "the end", "\")\""), ("1 2", 2, "number 2", "an operator"),
      ("a ? b", 2, "\"?\"", "numbers, names"),
      ("1 < 2 < 3", 6, "\"<\"", "one comparison"), ("\"abc", 0, "without its closing quote", "text"),
      ("12x", 0, "12x", "duration"), ("count(login, 7days)", 13, "7days", "7d"),
      ("cuont(login)", 0, "unknown function \"cuont\"", "count perhaps"),
      ("foo(1)", 0, "unknown function \"foo\"", "days_since_first"),
      ("count(logn)", 6, "unknown event \"logn\"", "login perhaps"),
      ("1 + mean(buy.amuont, 7d)", 9, "unknown attribute \"amuont\" of buy", "amount perhaps"),
      ("profile.planet", 0, "unknown profile attribute \"planet\"", "plan perhaps"),
      ("nothing + 1", 0, "unknown name \"nothing\"", "no earlier feature is declared"),
      ("buy.amount + 1", 0, "buy.amount", "inside an aggregate"),
      ("foo.bar", 0, "foo.bar", "profile.ATTRIBUTE"),
      ("count()", 0, "0 arguments", "count(EVENT"), ("count(login, 7d, 8d)", 0, "3 arguments", "count(EVENT"),
      ("ratio(1)", 0, "1 argument", "ratio(a, b)"), ("clamp(1, 2)", 0, "2 arguments", "clamp(x, lo, hi)"),
      ("count(login, 30h) + count(login, 49h)", 33, "49h", "whole hours up to 2d, whole days above"),
      ("count(login, 401d)", 13, "401d", "at most 400d"), ("count(login, 0.3h)", 13, "0.3h", "whole hours"),
      ("slope(count(any), 1d)", 18, "1d", "at least 2d"), ("slope(count(any), 36h)", 18, "36h", "whole days"),
      ("slope(count(any, 7d), 7d)", 6, "count(any, 7d)", "without a window"),
      ("slope(mean(buy.amount), 7d)", 6, "mean(buy.amount)", "sum(EVENT.ATTRIBUTE"),
      ("sum(buy.topic)", 4, "a category, in sum", "a number or flag"),
      ("entropy(buy.sku)", 8, "a text, in entropy", "a category"),
      ("sum(buy, 7d)", 4, "buy", "EVENT.ATTRIBUTE in sum"),
      ("distinct(buy.amount)", 9, "a number, in distinct", "a category or text"),
      ("count(buy.amount)", 6, "buy.amount", "event: any, login, session, buy"),
      ("count(any where amount > 3)", 23, "after any", "declared event type"),
      ("count(buy where amount == \"x\")", 26, "\"x\"", "a number: amount is one"),
      ("count(buy where topic == \"tec\")", 25, "\"tec\"", "tech perhaps"),
      ("count(buy where topic < \"tech\")", 24, "< with a category", "== or !="),
      ("count(buy where topic == 3)", 25, "3", "\"tech\""),
      ("count(buy where sku == \"a\")", 16, "text", "a number"),
      ("count(buy where amount)", 16, "amount, a number, as a condition", "amount == …"),
      ("count(session where premium == 1)", 20, "premium compared", "not premium"),
      ("count(buy where 3 < amount)", 16, "3", "before the comparison"),
      ("count(login where device == \"mobile\" + 1)", 37, "\"mobile\" + 1", "\"mobile\""),
      ("profile.plan + 1", 0, "a category where a number is needed", "=="),
      ("profile.plan == 1", 13, "a category compared with a number", "\"word\""),
      ("profile.plan == mode(buy.topic)", 13, "of other words", "same words"),
      ("profile.plan == \"gold\"", 16, "\"gold\"", "free, premium, other"),
      ("profile.age == \"x\"", 15, "text compared with a number", "category"),
      (
        "profile.email", 0, "which is text",
        "has_word(profile.email, \"word\"), length(profile.email), or another attribute"
      ),
      ("if(profile.age, 1, 2)", 3, "a number where a condition", "x > 0"),
      ("profile.age and 1 > 0", 0, "a number where a condition", "a comparison"),
      ("if(1 > 0, profile.plan, 2)", 24, "a number beside a category", "both numbers"),
      ("bucket(1, 3, 2)", 13, "2", "greater than the one before"),
      ("bucket(1, profile.age)", 10, "profile.age", "numbers"), ("7d + 1", 0, "duration 7d", "a number"),
      ("\"x\" + 1", 0, "text \"x\"", "a number"),
      ("abs(1 where 2 > 1)", 14, "\"where\" in abs", "aggregates only"),
      ("decayed(any, 3)", 13, "3", "a half-life"), ("decayed(any, 90000d)", 13, "90000d", "at most 4000d"),
      ("1 +\n  bad", -1, "unknown name \"bad\"", ""),
    ])
  func place(expression: String, offset: Int, found: String, allowed: String) {
    guard let error = error(expression) else {
      Issue.record("no error for \(expression)")
      return
    }
    let wanted =
      offset < 0 ? SourcePosition(line: 11, column: 3) : SourcePosition(line: 10, column: 20 + offset)
    #expect(error.position == wanted, "\(expression): \(error)")
    #expect(error.found.contains(found), "\(expression): \(error)")
    #expect(error.allowed.contains(allowed), "\(expression): \(error)")
  }

  @Test("nesting has a limit")
  func nesting() {
    let deep = String(repeating: "(", count: 5000) + "1" + String(repeating: ")", count: 5000)
    #expect(error(deep)?.found == "nesting deeper than 50")
    #expect(error(String(repeating: "not ", count: 5000) + "1 > 0")?.found == "nesting deeper than 50")
    #expect(error(String(repeating: "-", count: 5000) + "1")?.found == "nesting deeper than 50")
    #expect(error(String(repeating: "1 + ", count: 99) + "1") == nil)
    #expect(
      error(String(repeating: "1 + ", count: 3000) + "1")?.found == "more than 100 operators in a chain")
  }

  @Test("names: identifiers, once, before they are used")
  func names() {
    for name in ["2x", "a-b", "", "and", "any", "profile", "größe", String(repeating: "a", count: 64)] {
      #expect(failure(declaration([(name, "1")]))?.found == "feature \"\(name)\"")
    }
    #expect(failure(declaration([("a", "1"), ("a", "2")]))?.found == "feature \"a\" a second time")
    #expect(failure(declaration([("a", "b"), ("b", "2")]))?.found == "unknown name \"b\"")
    #expect(failure(declaration([("a", "a + 1")]))?.found == "unknown name \"a\"")
    #expect(error("b + ag1", after: [("age1", "1"), ("b", "1")])?.allowed.contains("age1 perhaps") == true)
  }

  @Test("labels must fit")
  func labels() {
    func labelled(_ expression: String, _ labels: [String]) -> String? {
      failure(declaration([("f", expression)], labels: ["f": labels]))?.found
    }
    #expect(labelled("bucket(1, 2)", ["a", "b"]) == nil)
    #expect(labelled("bucket(1, 2)", ["a"]) == "1 labels")
    #expect(labelled("profile.age", ["a"]) == "labels for a number without codes")
    #expect(labelled("profile.plan", ["a", "b", "c"]) == nil)
    #expect(labelled("if(1 > 0, 0.5, 1)", ["a", "b"]) == "labels for a number without codes")
  }

  @Test("attributes: types, bounds, words, duplicates")
  func attributes() {
    func found(_ type: AttributeType) -> String? {
      var declared = declaration([("f", "1")])
      let position = SourcePosition(line: 3, column: 4)
      declared.profile = [AttributeDeclaration(name: "x", type: type, position: position)]
      let error = failure(declared)
      #expect(error == nil || error?.position == position)
      return error?.found
    }
    #expect(found(.number(decimals: 10, minimum: 0, maximum: 1)) == "10 decimals")
    #expect(found(.number(decimals: 2, minimum: 1, maximum: 1))?.contains("bounds") == true)
    #expect(found(.number(decimals: 2, minimum: -.infinity, maximum: 1))?.contains("bounds") == true)
    #expect(found(.number(decimals: 9, minimum: 0, maximum: 1e10))?.contains("with 9 decimals") == true)
    #expect(found(.number(decimals: 9, minimum: -1e9, maximum: 1e9)) == nil)
    #expect(found(.category([])) == "0 words")
    #expect(found(.category(["a", "a"])) == "word \"a\" a second time")
    #expect(found(.category(["\u{e9}", "e\u{301}"])) == nil, "other bytes are other words")
    var twice = declaration([("f", "1")])
    twice.profile.append(twice.profile[0])
    #expect(failure(twice)?.found == "attribute \"age\" a second time")
    twice = declaration([("f", "1")])
    twice.events.append(twice.events[0])
    #expect(failure(twice)?.found == "event type \"login\" a second time")
    twice = declaration([("f", "1")], idleTTL: 0)
    #expect(failure(twice)?.found == "an idle TTL of 0 us")
  }

  @Test("the stack holds the slots of at most 127 attributes in use")
  func tooMany() {
    let attributes = (0..<200).map {
      AttributeDeclaration(name: "a\($0)", type: .flag, position: somewhere)
    }
    func using(_ count: Int) -> FeatureSetDeclaration {
      FeatureSetDeclaration(
        profile: attributes,
        events: [EventTypeDeclaration(name: "e", attributes: attributes, position: somewhere)],
        features: (0..<count).map {
          FeatureDeclaration(
            name: "f\($0)", expression: "sum(e.a\($0)) + profile.a\($0)", isColumn: true, labels: [],
            position: somewhere)
        }, idleTTL: nil)
    }
    #expect(failure(using(127)) == nil)
    #expect(failure(using(128))?.found.contains("more than 127 attributes") == true)
  }

  @Test(
    "prohibited attributes are refused in any style",
    arguments: [
      "race", "customer_race", "RaceCode", "race_ethnicity", "raceEthnicity", "ethnic_group", "RELIGION",
      "religion2",
      "religious_affiliation", "creed", "national_origin", "nationalOrigin", "NationalOrigin",
      "nationalorigin",
      "nationality", "citizenship_status", "is_citizen", "country_of_birth", "sexual_orientation",
      "sexuality",
      "marital_status", "maritalstatus", "customerrace", "is_married", "genetic_info", "dna_test",
      "disability_status",
      "is_disabled",
      "disabled", "hasDisability", "is_veteran", "veteranStatus", "military_service", "political_party",
      "politicalAffiliation", "party_affiliation", "voter_registration", "race_pace",
    ])
  func prohibited(name: String) {
    #expect(ProhibitedAttribute.category(of: name) != nil)
    let feature = failure(declaration([(name, "1")]))
    #expect(feature?.found.contains(name) == true)
    #expect(feature?.allowed.contains("prohibited") == true)
    var declared = declaration([("f", "1")])
    declared.events[0].attributes[0].name = name
    #expect(failure(declared)?.found.contains("attribute \"\(name)\"") == true)
    declared = declaration([("f", "1")])
    declared.profile[0].name = name
    #expect(failure(declared)?.found.contains("attribute \"\(name)\"") == true)
  }

  @Test(
    "innocent names pass",
    arguments: [
      "trace", "grace_period", "terrace", "age", "gender", "location", "push_disabled", "disabled_features",
      "origin",
      "traffic_origin", "orientation", "screen_orientation", "citizen_science_posts", "faith_in_product",
      "party_size",
      "partyId", "status", "voter_turnout_page_views", "generic", "engagement_trend",
      "premium_feature_usage_rate",
      "embrace", "tracer", "racer_x", "serviceTier", "national_holiday", "is_active",
      "content_category_primary",
    ])
  func innocent(name: String) {
    #expect(ProhibitedAttribute.category(of: name) == nil)
  }
}
