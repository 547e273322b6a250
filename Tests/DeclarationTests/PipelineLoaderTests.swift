import Dataflow
import Declaration
import Events
import Features
import Testing

@Suite struct PipelineLoaderTests {
  @Test func modelsMadeElsewhere() throws {
    let yaml = broken(
      "second.ubj", "second.ubj, trees: best, accept_version: true, objective: \"multi:softmax\"")
    let models = try loadPipeline(yaml: yaml).models
    #expect(models[1].trees == .best && models[1].acceptsVersion && models[1].objective == "multi:softmax")
    #expect(models[1].objectivePosition == SourcePosition(line: 23, column: 76))
    #expect(models[0].trees == nil && !models[0].acceptsVersion)
    let plain = try loadPipeline(yaml: small).models
    #expect(plain[0].objectivePosition == SourcePosition(line: 22, column: 50))
    #expect(plain[1].objectivePosition == nil && plain[1].trees == nil)
  }

  @Test func readsEverything() throws {
    let pipeline = try loadPipeline(yaml: small)
    #expect(pipeline.name == "small")
    #expect(pipeline.futureBound == 10 * Span.minute)
    #expect(pipeline.features.idleTTL == 400 * Span.day)
    #expect(
      pipeline.features.profile.map(\.type) == [
        .number(decimals: 6, minimum: 13, maximum: 120), .category(["free", "premium"]), .flag,
      ])
    #expect(pipeline.features.events.map(\.name) == ["login", "session"])
    #expect(pipeline.features.events[0].attributes.isEmpty)
    #expect(
      pipeline.features.events[1].attributes.map(\.type) == [
        .number(decimals: 3, minimum: 0, maximum: 1440), .text,
      ])
    #expect(pipeline.features.features.map(\.name) == ["logins", "daily", "plan_code", "hour"])
    #expect(pipeline.features.features.map(\.isColumn) == [false, true, true, true])
    #expect(
      pipeline.features.features.map(\.expression) == [
        "count(login, 30d)", "logins / 30", "profile.plan", "bucket(daily, 1)",
      ])
    #expect(pipeline.features.features[3].labels == ["low", "high"])
    #expect(pipeline.models.map(\.name) == ["first", "second"])
    #expect(pipeline.models[0].label == "y" && pipeline.models[0].objective == "binary:logistic")
    #expect(pipeline.models[1].label == nil && pipeline.models[1].objective == "reg:squarederror")
    #expect(
      pipeline.decisions == [
        .clamp(output: "first", minimum: 0, maximum: 1),
        .category(
          name: "level", output: "first",
          thresholds: [
            CategoryThreshold(label: "high", atLeast: 0.7), CategoryThreshold(label: "medium", atLeast: 0.4),
          ],
          otherwise: "low"),
        .trigger(name: "act", output: "second", above: 0.7),
      ])
    #expect(pipeline.tableFeatures == ["daily", "hour"])
    let best = "select * from scores where first >= 0.5"
    #expect(
      pipeline.views == [
        TableView(name: "best", postgres: best, sqlite: best),
        TableView(name: "twice", postgres: "WITH s AS (SELECT 1)\nSELECT * FROM s", sqlite: nil),
      ])
    #expect(
      pipeline.board == BoardDeclaration(title: "highest first", orderBy: "first", show: ["second", "act"]))
  }

  @Test(
    arguments: [
      ("min: 0, max: 1", 0, 1), ("min: 0", 0, .infinity), ("max: 1", -.infinity, 1),
    ] as [(String, Float, Float)])
  func clampsMayHaveOneEnd(bounds: String, minimum: Float, maximum: Float) throws {
    let pipeline = try loadPipeline(yaml: broken("min: 0, max: 1}", bounds + "}"))
    #expect(pipeline.decisions[0] == .clamp(output: "first", minimum: minimum, maximum: maximum))
  }

  /// Whoever declares decimals means them, unless `round: true` stands beside them.
  @Test func decimals() throws {
    let types = [
      "number", "{type: number}", "{type: number, decimals: 6}", "{type: number, decimals: 2, round: false}",
      "{type: number, decimals: 2, round: true}",
    ]
    let exact = try types.map { type in
      let yaml =
        "pipeline: p\nevents: {e: {a: \(type)}}\nfeatures: {n: count(e)}\nmodels: {m: {file: m.json}}\n"
      return try loadPipeline(yaml: yaml).features.events[0].attributes[0].isExact
    }
    #expect(exact == [false, false, true, true, false])
  }

  @Test func defaults() throws {
    let pipeline = try loadPipeline(
      yaml: "pipeline: p\nfeatures:\n  n: count(any)\nmodels:\n  m: {file: m.json}\n")
    #expect(pipeline.futureBound == 5 * Span.minute)
    #expect(pipeline.features.idleTTL == nil)
    #expect(pipeline.features.profile.isEmpty && pipeline.features.events.isEmpty)
    #expect(pipeline.decisions.isEmpty && pipeline.tableFeatures.isEmpty)
  }

  @Test func everyExpressionKnowsItsFirstCharacter() throws {
    let features = try loadPipeline(yaml: small).features
    #expect(
      features.features.map(\.position) == [
        SourcePosition(line: 14, column: 11), SourcePosition(line: 16, column: 10),
        SourcePosition(line: 17, column: 15), SourcePosition(line: 19, column: 13),
      ])
    #expect(features.profile[1].position == SourcePosition(line: 6, column: 3))
    #expect(features.events[1].attributes[0].position == SourcePosition(line: 11, column: 5))
  }

  /// A position that is counted in the expression's text is one in the file, over line breaks too.
  @Test(arguments: [
    "    count(login,\n      30d)\n    + @ 1", ">\n    count(login, 30d)\n    + @ 1",
    "|\n      count(login,\n\n        30d) +\n      @ 1", "\"count(login,\n   30d) + @\"", "é == @",
  ])
  func positionsInsideExpressionsOverLineBreaks(_ written: String) throws {
    let yaml = broken("daily: logins / 30", "daily: \(written)")
    let feature = try #require(try loadPipeline(yaml: yaml).features.features.first { $0.name == "daily" })
    var position = feature.position
    for scalar in feature.expression.unicodeScalars {
      if scalar == "@" { break }
      position.column += 1
      if scalar == "\n" { position = SourcePosition(line: position.line + 1, column: 1) }
    }
    let lines = yaml.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(Array.init)
    #expect(lines[position.line - 1][position.column - 1] == "@", "\(feature)")
  }

  @Test func onlyTheExpressionsBlanksAreRestored() throws {
    let yaml = broken("daily: logins / 30", #"daily: "a\x20== \"b\"""#)
    let feature = try loadPipeline(yaml: yaml).features.features[1]
    #expect(feature.expression == "a == \"b\"")
    #expect(feature.position == SourcePosition(line: 16, column: 11))
  }
}
