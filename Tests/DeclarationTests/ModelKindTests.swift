import Dataflow
import Declaration
import Features
import Testing

@Suite struct ModelKindTests {
  /// `small` with other models, and without what names them.
  private static func yaml(first: String, second: String = "file: second.ubj") -> String {
    let whole = broken(#"file: first.json, label: y, objective: "binary:logistic""#, first)
      .replacing("file: second.ubj", with: second)
    return String(whole.split(separator: "decisions:")[0])
  }

  @Test func everyKind() throws {
    func model(_ second: String) throws -> ModelDeclaration {
      try loadPipeline(yaml: Self.yaml(first: "file: first.json", second: second)).models[1]
    }
    let plain = try model("file: second.ubj")
    #expect(
      plain.kind == .regression && plain.objective == "reg:squarederror" && plain.objectivePosition == nil)
    #expect(try model("kind: regression, file: second.ubj").kind == .regression)
    let binary = try model("kind: binary, file: second.ubj, label: z, recall: 0.8")
    #expect(binary.kind == .binary(recall: 0.8) && binary.objective == "binary:logistic")
    #expect(try model("kind: binary, file: second.ubj").kind == .binary(recall: nil))
    let classes = try model("kind: classes, classes: [login, share], file: second.ubj, label: z")
    #expect(classes.kind == .classes(["login", "share"]) && classes.objective == "multi:softprob")
    #expect(classes.outputs == ["second_login", "second_share"])
    let named = try model("kind: classes, classes: [log in, share it], outputs: [a, b], file: second.ubj")
    #expect(named.outputs == ["a", "b"])
    let quantiles = try model(
      "kind: quantiles, quantiles: [0.1, 0.9], outputs: [low, high], group: plan_code, file: second.ubj, label: z"
    )
    guard case .quantiles([0.1, 0.9], let group?) = quantiles.kind else {
      Issue.record("\(quantiles.kind)")
      return
    }
    #expect(group.name == "plan_code" && group.position.line == 23)
    #expect(quantiles.outputs == ["low", "high"] && quantiles.objective == "reg:squarederror")
    let anomaly = try model("kind: anomaly, file: second.ubj, training: {trees: 100, depth: 8}")
    #expect(anomaly.kind == .anomaly && anomaly.label == nil && anomaly.training.depth == 8)
  }

  @Test func whatTuningMayTry() throws {
    let yaml = Self.yaml(
      first:
        "file: first.json, label: y, training: {tune: {depth: {from: 3, to: 10}, eta: {from: 0.01, to: 0.3, log: true}}}"
    )
    let tuning = try loadPipeline(yaml: yaml).models[0].training.tuning
    #expect(
      tuning == [
        "depth": TuningRange(3...10, isWhole: true), "eta": TuningRange(0.01...0.3, isLogarithmic: true),
      ])
  }

  static let mistakes: [Mistake] = [
    Mistake("label: y", "label: y, kind: bool", 22, 45, "\"bool\"", "one of regression, binary, classes"),
    Mistake("label: y", "label: y, recall: 0.8", 22, 39, "recall of a model of no kind", "kind: binary"),
    Mistake(
      "label: y", "label: y, kind: binary, group: daily", 22, 53, "group of a model of kind: binary",
      "kind: quantiles"),
    Mistake("label: y", "label: y, kind: binary, recall: 80", 22, 61, "\"80\"", "from 0.01 to 1.0"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: binary, objective: \"reg:logistic\"", 22, 54,
      "\"reg:logistic\"", "one of binary:logistic"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: classes", 22, 10, "without the key classes",
      "classes"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: classes, classes: [a]", 22, 53, "1 classes",
      "2 to 256"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: classes, classes: [a, b, a]", 22, 60, "\"a\" twice",
      "each class once"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: classes, classes: [log in, b]", 22, 54,
      "the name \"first_log in\"", "outputs: [a, b, …]"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: classes, classes: [a, b], outputs: [c]", 22, 70,
      "1 outputs", "2, one for each of the classes"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: quantiles, quantiles: [0.5, 0.9]", 22, 10,
      "without the key outputs", "outputs"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: quantiles, quantiles: [0.9, 0.5], outputs: [a, b]",
      22, 63,
      "\"0.5\"", "that ascend"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: quantiles, quantiles: [0, 0.5], outputs: [a, b]", 22,
      58,
      "\"0\"", "above 0 and below 1"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: quantiles, quantiles: [0.5], outputs: [a, b]", 22,
      57,
      "1 quantiles", "2 to 64"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: quantiles, quantiles: [0.1, 0.5], outputs: [a]", 22,
      78,
      "1 outputs", "2, one for each of the quantiles"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "label: y, outputs: [a, b]", 22, 48, "a list",
      "unless the kind is classes or quantiles"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: anomaly, label: y", 22, 51,
      "a label of a model of kind",
      "no label"),
    Mistake(
      "label: y, objective: \"binary:logistic\"", "kind: anomaly, training: {eta: 0.1}", 22, 55,
      "the key \"eta\"",
      "trees, depth"),
    Mistake("label: y", "label: y, training: {weight: [1]}", 22, 58, "a list", "an expression"),
    Mistake(
      "label: y", "label: y, training: {tune: {trees: {from: 1, to: 2}}}", 22, 57, "the key \"trees\"", "eta"),
    Mistake("label: y", "label: y, training: {tune: {depth: {from: 1}}}", 22, 64, "without the key to", "to"),
    Mistake(
      "label: y", "label: y, training: {tune: {depth: {from: 1.5, to: 2}}}", 22, 71, "\"1.5\"", "whole"),
    Mistake(
      "label: y", "label: y, training: {tune: {depth: {from: 3, to: 3}}}", 22, 78, "\"3\"", "above from"),
    Mistake(
      "label: y", "label: y, training: {tune: {gamma: {from: 0, to: 3, log: true}}}", 22, 71, "\"0\"",
      "above 0"),
  ]

  @Test(arguments: mistakes) func everyMistakeSaysWhere(_ mistake: Mistake) throws {
    let error = try #require(loadError(broken(mistake.place, mistake.replacement)))
    #expect(error.position.line == mistake.line && error.position.column == mistake.column, "\(error)")
    #expect(error.found.contains(mistake.found), "\(error)")
    #expect(error.allowed.contains(mistake.allowed), "\(error)")
  }

  @Test func decisionsOfModels() throws {
    let yaml = Self.yaml(
      first: "kind: binary, file: first.json, recall: 0.9",
      second: "kind: classes, classes: [log in, share], outputs: [a, b], file: second.ubj")
    func decisions(_ list: String) throws(DeclarationError) -> [DecisionDeclaration] {
      try loadPipeline(yaml: yaml + "decisions: [\(list)]\n").decisions
    }
    #expect(
      try decisions(
        "{trigger: {name: act, output: first, above: model}}, {likeliest: {name: best, model: second}}")
        == [
          .modelTrigger(name: "act", output: "first"),
          .likeliest(name: "best", outputs: ["a", "b"], labels: ["log in", "share"]),
        ])
    let line = yaml.split(separator: "\n", omittingEmptySubsequences: false).count
    for (list, column, found, allowed) in [
      ("{trigger: {name: act, output: a, above: model}}", 53, "above: model of a", "a model that chooses"),
      ("{trigger: {name: act, output: first, above: modl}}", 57, "\"modl\"", "a number"),
      ("{likeliest: {name: best, model: first}}", 45, "\"first\"", "kind: classes: second"),
      ("{likeliest: {name: best}}", 25, "without the key model", "model"),
      ("{likeliest: {name: best, model: second, output: a}}", 53, "the key \"output\"", "name, model"),
      ("{likeliest: {name: a, model: second}}", 32, "output \"a\"", "differ"),
    ] {
      do {
        _ = try decisions(list)
        Issue.record("\(list) is taken")
      } catch {
        #expect(error.position == SourcePosition(line: line, column: column), "\(error)")
        #expect(error.found.contains(found) && error.allowed.contains(allowed), "\(error)")
      }
    }
    let number = "{number: {name: n, value: '1'}}, {trigger: {name: act, output: n, above: model}}"
    #expect(throws: DeclarationError.self) { try decisions(number) }
  }

  /// States and models of running pipelines stay valid.
  @Test func weightsChangeNoHash() throws {
    func program(_ training: String) throws -> FeatureProgram {
      try FeatureProgram(
        loadPipeline(yaml: broken("label: y", "label: y, training: {\(training)}")).features)
    }
    let (plain, weighed) = (
      try program("trees: 5"), try program("weight: 'if(profile.plan == \"free\", 1, 2) + logins'")
    )
    #expect(plain.results.weights.isEmpty && weighed.results.weights == [0])
    #expect(plain.stateHash == weighed.stateHash && plain.definitionHash == weighed.definitionHash)
    #expect(plain.featureHashes == weighed.featureHashes)
  }

  @Test(arguments: [
    "count(session, 7d)", "count(login, 60d)", "max(session.minutes, 30d)", "profile.age",
    "if(profile.vip, 2, 1)",
  ])
  func aWeightKeepsNothingOfItsOwn(_ weight: String) throws {
    let pipeline = try loadPipeline(
      yaml: broken("label: y", "label: y, training: {weight: \"\(weight)\"}"))
    #expect {
      _ = try FeatureProgram(pipeline.features)
    } throws: { error in
      (error as? DeclarationError)?.position == SourcePosition(line: 22, column: 59)
        && "\(error)".contains("states would have to keep more")
    }
  }

  @Test func aWeightIsANumber() throws {
    let pipeline = try loadPipeline(yaml: broken("label: y", "label: y, training: {weight: profile.plan}"))
    #expect(throws: DeclarationError.self) { try FeatureProgram(pipeline.features) }
  }

  @Test(arguments: [
    ("daily", "the group daily, a number"), ("logins", "\"logins\", which is no feature"), ("hour", ""),
    ("plan_code", ""),
  ])
  func groups(_ name: String, found: String) throws {
    let pipeline = try loadPipeline(
      yaml: Self.yaml(
        first:
          "kind: quantiles, quantiles: [0.1, 0.9], outputs: [a, b], group: \(name), file: first.json, label: y"
      ))
    let columns = try FeatureProgram(pipeline.features).columns
    if found.isEmpty {
      try checkTraining(of: pipeline.models, columns)
    } else {
      #expect {
        try checkTraining(of: pipeline.models, columns)
      } throws: { error in
        (error as? DeclarationError)?.position == SourcePosition(line: 22, column: 75)
          && "\(error)".contains(found)
      }
    }
  }
}
