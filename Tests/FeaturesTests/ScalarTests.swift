import Events
import Testing

@testable import Features

@Suite struct ScalarTests {
  /// Values of expressions over an empty state.
  private func values(_ expressions: [String]) throws -> [Float] {
    let features = expressions.enumerated().map { ("f\($0.offset)", $0.element) }
    return Bench(try FeatureProgram(declaration(features))).row()
  }

  @Test(
    "scalars and operators",
    arguments: [
      ("1 + 2 * 3", 7), ("(1 + 2) * 3", 9), ("-2 * -3", 6), ("7 / 2 / 2", 1.75), ("2 - 3 - 4", -5),
      ("1e3", 1000),
      ("1 < 2", 1), ("2 <= 1", 0), ("1 == 1 and not 1 > 2", 1), ("1 > 2 or 2 > 1", 1),
      ("not 1 == 1 or 1 == 1", 1),
      ("(2 > 1) * 5", 5), ("ratio(6, 4)", 1.5), ("least(3, 1, 2)", 1), ("greatest(3, 1, 5, 2)", 5),
      ("clamp(7, 0, 5)", 5), ("clamp(-7, 0, 5)", 0), ("clamp(3, 0, 5)", 3), ("abs(-3)", 3), ("abs(3)", 3),
      ("sqrt(16)", 4), ("log2(8)", 3), ("exp2(-2)", 0.25), ("floor(-1.5)", -2), ("floor(2.9)", 2),
      ("coalesce(profile.age, 1 / 0, 4, 5)", 4), ("if(1 > 2, 3, 4)", 4), ("if(2 > 1, 3, 4)", 3),
      ("bucket(5, 1, 5, 9)", 2), ("bucket(0, 1, 5)", 0), ("bucket(-2, -3, -1)", 1), ("bucket(9, 1, 5)", 2),
      ("is_missing(profile.age)", 1), ("is_missing(3)", 0), ("profile.age == profile.age", 0),
      ("profile.age != 3", 0), ("not profile.age > 3", 1), ("not profile.optin", 1),
      ("if(profile.optin, 1, 2)", 2),
      ("profile.plan == \"premium\"", 0), ("\"premium\" != profile.plan", 0), ("count(any)", 0),
      ("gauge(login, session)", 0), ("distinct(buy.sku)", 0), ("slope(count(any), 7d)", 0),
      ("decayed(any, 7d)", 0), ("active_days(any, 7d)", 0), ("sum(buy.amount, 7d)", 0),
    ] as [(String, Float)]
  )
  func value(expression: String, wanted: Float) throws {
    #expect(try values([expression]) == [wanted])
  }

  @Test(
    "missing",
    arguments: [
      "1 / 0", "0 / 0", "ratio(1, 0)", "sqrt(-1)", "log2(0)", "log2(-1)", "exp2(2000)", "profile.age + 1",
      "1e308 * 10", "least(profile.age, 1)", "greatest(1, profile.age)", "clamp(profile.age, 0, 1)",
      "bucket(profile.age, 1, 2)", "profile.plan", "1e39", "coalesce(profile.age, 1 / 0)", "abs(profile.age)",
      "mean(buy.amount, 7d)", "entropy(buy.topic)", "mode(buy.topic)", "peak_hour(any)", "days_since(any)",
      "first(buy.amount)", "min(buy.amount)", "if(1 > 0, profile.age, 1)", "-profile.age",
      "floor(profile.age)",
    ])
  func missing(expression: String) throws {
    let cell = try values([expression])[0]
    #expect(cell.isNaN)
    #expect(cell.bitPattern == Float.nan.bitPattern, "the one NaN, on every machine")
  }

  @Test("names, categories, flags and labels")
  func names() throws {
    let program = try FeatureProgram(
      declaration(
        [
          ("twice", "2 * profile.age"), ("tier", "bucket(twice, 50, 90)"), ("plan", "profile.plan"),
          ("unlisted", "profile.plan == \"other\""),
          ("joined", "if(profile.optin, mode(buy.topic), last(buy.topic))"),
          ("level", "if(twice > 90, 2, if(twice > 50, 1, 0))"), ("flagged", "profile.optin"),
        ],
        labels: [
          "tier": ["young", "mid", "old"], "level": ["low", "mid", "high"], "flagged": ["no", "yes"],
        ]))
    let bench = Bench(program)
    bench.feed(
      TestEvent(
        kind: .profileSnapshot, time: 1_000_000,
        attributes: [("age", .integer(45)), ("plan", .text("trial")), ("optin", .flag(true))]))
    bench.feed(TestEvent(type: "buy", id: "b", time: 2_000_000, attributes: [("topic", .text("food"))]))
    #expect(bench.row() == [90, 2, 2, 1, 1, 1, 1])
    #expect(program.columnLabels[1] == ["young", "mid", "old"])
    #expect(program.columnLabels[2] == ["free", "premium", "other"])
    #expect(program.columnLabels[4] == ["tech", "food", "travel", "fitness", "other"])
    #expect(program.columnLabels[0] == [])
    #expect(program.columnLabels[5] == ["low", "mid", "high"])
    #expect(program.columnLabels[6] == ["no", "yes"])
  }

  @Test("an intermediate is no column")
  func intermediate() throws {
    var declared = declaration([("base", "profile.age"), ("twice", "base * 2")])
    declared.features[0].isColumn = false
    let program = try FeatureProgram(declared)
    #expect(program.columnNames == ["twice"])
    #expect(program.columns.map(\.expressionText) == ["base * 2"])
  }

  @Test("canonical text keeps the meaning")
  func canonicalText() throws {
    func canonical(_ text: String) throws -> String {
      var parser = try ExpressionParser(ExpressionSource(text, at: somewhere))
      return try parser.parse().description
    }
    for (text, wanted) in [
      ("1-(2-3)", "1 - (2 - 3)"), ("(1-2)-3", "1 - 2 - 3"), ("(1+2)*3", "(1 + 2) * 3"),
      ("not(a and b)", "not (a and b)"),
      ("-(a+b)", "-(a + b)"),
      ("count(login where ((d==\"x\")) or not e,48h)", "count(login where d == \"x\" or not e, 2d)"),
      ("f(0.5, 1e-3, 36h, 1.5d)", "f(0.5, 0.001, 36h, 36h)"), ("a*(b/c)", "a * (b / c)"),
      ("x == \"a\\\"b\\\\\"", "x == \"a\\\"b\\\\\""),
    ] {
      #expect(try canonical(text) == wanted)
      #expect(try canonical(wanted) == wanted)
    }
  }
}
