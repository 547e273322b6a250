import Dataflow
import Features
import Foundation
import Registry
import Testing
import XGBoost

@testable import Scorer

/// Models whose files say what is made of their margins, as they are served.
@Suite struct ServedKindsTests {
  private static let position = SourcePosition(line: 1, column: 1)
  private static let columns = ["a", "b", "c", "d", "e", "f", "g", "h", "i"].map {
    ColumnDescription(name: $0)
  }

  private static func declaration(
    _ name: String, kind: ModelKind, outputs: [String]? = nil, trees: ModelTrees? = nil,
    optional: Bool = false
  ) -> ModelDeclaration {
    ModelDeclaration(
      name: name, outputs: outputs, file: "\(name).json", label: nil, objective: "reg:squarederror",
      kind: kind,
      trees: trees, isOptional: optional, position: position)
  }

  private static func random(
    _ objective: Objective, isDart: Bool = false, seed: UInt64 = 3
  ) throws -> RandomModel {
    try RandomModel(
      seed: seed, objective: objective, depth: 4, rounds: 12, isDart: isDart, hasCategories: false,
      isLossGuided: false, isPruned: false, method: "hist", columns: columns.count)
  }

  private static func served(
    _ files: [(ModelDeclaration, [UInt8])], decisions: [DecisionDeclaration] = [],
    columns: [ColumnDescription] = columns
  ) throws -> ServedModels {
    try ModelFixture.withFolder { path in
      let folder = ModelFolder(path: path)
      for (declaration, bytes) in files where !bytes.isEmpty { try folder.write(declaration.file, bytes) }
      return try ServedModels(
        models: files.map(\.0), decisions: decisions, folder: folder, columns: columns)
    }
  }

  private static func bytes(
    _ model: RandomModel, _ postprocessing: String?, _ format: ModelFormat = .json
  ) throws -> [UInt8] {
    try model.booster.setFeatureNames(columns.map(\.name))
    try model.booster.setAttribute(Postprocessing.attribute, postprocessing)
    return try model.booster.serialized(format)
  }

  private static func scores(_ models: ServedModels, _ rows: [Float]) throws -> [[Float]] {
    let count = rows.count / columns.count
    let input = FloatMatrix(columns: columns.count, capacityRows: count)
    input.resize(rows: count)
    for (index, value) in rows.enumerated() { input.base[index] = value }
    let outputs = FloatMatrix(columns: models.outputNames.count, capacityRows: 1)
    try ForestScorer(models).score(input, into: outputs)
    return (0..<count).map { row in
      Array(UnsafeBufferPointer(start: outputs.row(row), count: outputs.columns))
    }
  }

  private static func rows(_ model: RandomModel, _ bytes: [UInt8]) throws -> [Float] {
    ForestCheck.inputs(
      try TreeEnsemble(bytes: bytes, name: "m.json"), rows: 150, seed: 5, hasInfinities: false)
  }

  private static let curve = Postprocessing(
    link: .curve(CalibrationCurve(margins: [-1, -0.25, 0.5, 2], values: [0.05, 0.2, 0.2, 0.9])),
    threshold: 0.3)

  /// The library's margins, and the rest as `Postprocessor` does it: whatever the batch, the booster and the file's form.
  @Test(arguments: [false, true]) func calibrated(isDart: Bool) throws {
    let model = try Self.random(.binaryLogistic, isDart: isDart)
    let plain = try Self.bytes(model, nil)
    let rows = try Self.rows(model, plain)
    let matrix = try Matrix(
      values: rows, rows: 150, columns: Self.columns.count, labels: [Float](repeating: 0, count: 150))
    var expected = try model.booster.predict(matrix, kind: .margin)
    let processor = try Postprocessor(Self.curve, groups: 1, outputs: 1, columns: Self.columns)
    processor.apply(to: &expected, stride: 1, rows: rows, columns: Self.columns.count, count: 150)
    let declaration = Self.declaration("m", kind: .binary(recall: 0.8))
    let models = try Self.served([(declaration, Self.bytes(model, Self.curve.json))])
    #expect(bits(try Self.scores(models, rows).map { $0[0] }) == bits(expected))
    #expect(try bits(Self.scores(models, Array(rows[..<9]))[0]) == bits([expected[0]]))
    #expect(models.thresholds == [0.3] && models.postprocessing == [Self.curve])
    // Margins stay what explanations explain.
    let margins = models.forest.values(rows, model: 0, isMargin: true)
    #expect(bits(margins) == bits(try model.booster.predict(matrix, kind: .margin)))
    // Without the attribute: what the objective says, also of a model of a kind.
    let foreign = try Self.served([(declaration, plain)])
    #expect(bits(try Self.scores(foreign, rows).map { $0[0] }) == bits(try model.booster.predict(matrix)))
    #expect(foreign.thresholds[0].isNaN && foreign.postprocessing == [nil])
    #expect(foreign.modelSet.hashHex != models.modelSet.hashHex)
  }

  /// What is made of margins is made of those of the trees that count, and the version is of the choice, too.
  @Test func ofTheTreesThatCount() throws {
    let model = try Self.random(.binaryLogistic)
    try model.booster.setAttribute("best_iteration", "4")
    let file = try Self.bytes(model, Self.curve.json)
    let rows = try ForestCheck.inputs(
      TreeEnsemble(bytes: file, name: "m.json", reading: ModelReading(trees: .all)), rows: 150, seed: 5,
      hasInfinities: false)
    let processor = try Postprocessor(Self.curve, groups: 1, outputs: 1, columns: Self.columns)
    var versions: Set<String> = []
    var scores: Set<[UInt32]> = []
    for trees in ModelTrees.allCases {
      let models = try Self.served([(Self.declaration("m", kind: .binary(recall: nil), trees: trees), file)])
      var expected = models.forest.values(rows, model: 0, isMargin: true)
      processor.apply(to: &expected, stride: 1, rows: rows, columns: Self.columns.count, count: 150)
      let found = try Self.scores(models, rows).map { $0[0] }
      #expect(bits(found) == bits(expected))
      versions.insert(models.modelVersions[0])
      scores.insert(bits(found))
    }
    #expect(versions.count == 2 && scores.count == 2)
  }

  @Test func classesAndQuantilesBesideAModelThatIsAbsent() throws {
    let classes = try Self.random(.softprob)
    let other = try Self.random(.softprob, seed: 4)
    let width = try TreeEnsemble(bytes: classes.bytes, name: classes.name).groups
    let otherWidth = try TreeEnsemble(bytes: other.bytes, name: other.name).groups
    let names = (0..<width).map { "class\($0)" }
    let quantileNames = (0..<otherWidth).map { "quantile\($0)" }
    let shares = Postprocessing(link: .shares(scale: 1.1))
    let shifts = ConformalShifts(
      feature: "c", pooled: (0..<otherWidth).map { Float($0) },
      groups: ["2": (0..<otherWidth).map { Float(-$0) }])
    let sorted = Postprocessing(sorts: true, shifts: shifts)
    let files = [
      (Self.declaration("gone", kind: .anomaly, optional: true), []),
      (Self.declaration("c1", kind: .classes(names), outputs: names), try Self.bytes(classes, shares.json)),
      (
        Self.declaration(
          "q", kind: .quantiles((0..<otherWidth).map { 0.1 + Double($0) / 10 }, group: nil),
          outputs: quantileNames),
        try Self.bytes(other, sorted.json)
      ),
    ]
    let models = try Self.served(files)
    let rows = try Self.rows(classes, files[1].1)
    let found = try Self.scores(models, rows)
    let plain = try Self.served([
      files[0], (files[1].0, Self.bytes(classes, nil)), (files[2].0, Self.bytes(other, nil)),
    ])
    let foreign = try Self.scores(plain, rows)
    let margins = plain.forest.values(rows, model: 0, isMargin: true)
    let (first, second) = (
      try Postprocessor(shares, groups: width, outputs: width, columns: Self.columns),
      try Postprocessor(sorted, groups: otherWidth, outputs: otherWidth, columns: Self.columns)
    )
    for (row, values) in found.enumerated() {
      let features = Array(rows[(row * Self.columns.count)...].prefix(Self.columns.count))
      #expect(values[0].isNaN)
      var expected = Array(margins[(row * width)...].prefix(width))
      first.apply(to: &expected, stride: width, rows: features, columns: features.count, count: 1)
      #expect(bits(Array(values[1...width])) == bits(expected))
      var intervals = Array(foreign[row][(1 + width)...])
      second.apply(to: &intervals, stride: otherWidth, rows: features, columns: features.count, count: 1)
      #expect(bits(Array(values[(1 + width)...])) == bits(intervals))
      #expect(zip(intervals, intervals.dropFirst()).allSatisfy { $0 <= $1 })
    }
  }

  @Test func ofClassesTheLikeliest() throws {
    let outputs = ["other", "a", "b", "c"]
    let decider = try RuleDecider(
      [.likeliest(name: "best", outputs: ["a", "b", "c"], labels: ["x", "y", "z"])], outputNames: outputs)
    #expect(decider.decisionLabels == [["x", "y", "z"]])
    let rows: [([Float], Int32)] = [
      ([9, 0.2, 0.5, 0.3], 1), ([9, 0.4, 0.2, 0.4], 0), ([9, .nan, .nan, .nan], -1), ([.nan, 0, 0, 0], 0),
    ]
    let matrix = FloatMatrix(columns: 4, capacityRows: 1)
    for (row, _) in rows {
      let cells = matrix.appendRow()
      for (index, value) in row.enumerated() { cells[index] = value }
    }
    var codes: [Int32] = []
    decider.decide(
      matrix, carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: [], into: &codes)
    #expect(codes == rows.map(\.1))
    #expect(throws: PortError.self) {
      try RuleDecider([.likeliest(name: "best", outputs: ["a", "b"], labels: ["x"])], outputNames: outputs)
    }
  }

  /// They come with each batch, since models may be replaced by others with another threshold.
  @Test func thresholdsOfTheModelsThatScored() throws {
    let model = try Self.random(.binaryLogistic)
    let declaration = Self.declaration("m", kind: .binary(recall: 0.8))
    let decision = DecisionDeclaration.modelTrigger(name: "act", output: "m")
    func set(_ threshold: Float) throws -> ServedModels {
      var postprocessing = Self.curve
      postprocessing.threshold = threshold
      return try Self.served([(declaration, Self.bytes(model, postprocessing.json))], decisions: [decision])
    }
    let (low, high) = (try set(0.05), try set(0.9))
    let rows = try Self.rows(model, try Self.bytes(model, nil))
    let slot = ModelSlot(low)
    let scorer = ForestScorer(slot)
    let decider = try RuleDecider([decision], outputNames: ["m"])
    let judgement = Judgement(
      columns: Self.columns.count, results: try Self.noResults(), scorer: scorer, decider: decider)
    let input = FloatMatrix(columns: Self.columns.count, capacityRows: 150)
    input.resize(rows: 150)
    for (index, value) in rows.enumerated() { input.base[index] = value }
    let outputs = FloatMatrix(columns: 1, capacityRows: 1)
    for (models, threshold) in [(low, Float(0.05)), (high, 0.9), (low, 0.05)] {
      try slot.replace(with: models)
      var codes: [Int32] = []
      _ = try judgement.judge(input, carried: RowMatrix(columns: 0, capacityRows: 1), into: outputs, &codes)
      #expect(codes == (0..<150).map { outputs.row($0)[0] >= threshold ? 1 : 0 })
      #expect(threshold == 0.9 || codes.allSatisfy { $0 == 1 })
    }
  }

  private static func noResults() throws -> ResultProgram {
    try FeatureProgram(
      FeatureSetDeclaration(
        profile: [], events: [],
        features: columns.map {
          FeatureDeclaration(
            name: $0.name, expression: "count(any)", isColumn: true, labels: [], position: position)
        }, idleTTL: nil)
    ).results
  }

  @Test func aDecisionNeedsAThreshold() throws {
    let model = try Self.random(.binaryLogistic)
    let decision = DecisionDeclaration.modelTrigger(name: "act", output: "m")
    var without = Self.curve
    without.threshold = nil
    for text in [nil, without.json] {
      let error = #expect(throws: PortError.self) {
        _ = try Self.served(
          [(Self.declaration("m", kind: .binary(recall: nil)), Self.bytes(model, text))],
          decisions: [decision])
      }
      #expect(error?.detail == "model m", "\(String(describing: error))")
      #expect(error?.cause.contains("no threshold, and the decision act") == true)
    }
    // One that is not there decides nothing.
    let gone = Self.declaration("gone", kind: .binary(recall: 0.8), optional: true)
    let models = try Self.served(
      [(gone, []), (Self.declaration("m", kind: .regression), try Self.bytes(model, Self.curve.json))],
      decisions: [.modelTrigger(name: "act", output: "gone")])
    #expect(models.thresholds[0].isNaN && models.thresholds[1] == 0.3)
    let decider = try RuleDecider(
      [.modelTrigger(name: "act", output: "gone"), .modelTrigger(name: "go", output: "m")],
      outputNames: ["gone", "m"])
    let matrix = FloatMatrix(columns: 2, capacityRows: 1)
    for row: [Float] in [[.nan, 0.3], [1, Float(0.3).nextDown], [.nan, .nan]] {
      let cells = matrix.appendRow()
      for (index, value) in row.enumerated() { cells[index] = value }
    }
    var codes: [Int32] = []
    decider.decide(
      matrix, carried: RowMatrix(columns: 0, capacityRows: 1), thresholds: models.thresholds, into: &codes)
    #expect(codes == [0, 1, 0, 0, 0, 0])
  }

  private static func misfit(
    _ postprocessing: String, _ kind: ModelKind, _ objective: Objective = .binaryLogistic,
    _ format: ModelFormat = .json
  ) throws -> String {
    let model = try random(objective)
    let error = #expect(throws: PortError.self) {
      _ = try served([(declaration("m", kind: kind), bytes(model, postprocessing, format))])
    }
    return error.map { "\($0.detail): \($0.cause)" } ?? ""
  }

  @Test func refusedByName() throws {
    for (text, kind, objective, cause) in [
      ("{", ModelKind.regression, Objective.binaryLogistic, "tally_postprocessing: no JSON at byte 1"),
      (
        Postprocessing(link: .anomaly(scale: 1)).json, .binary(recall: nil), .squaredError,
        "not of a model of kind binary"
      ),
      (Self.curve.json, .anomaly, .binaryLogistic, "not of a model of kind anomaly"),
      (Postprocessing(link: .shares(scale: 1)).json, .regression, .softmax, "margins and 1 outputs a row"),
      (Self.curve.json, .regression, .softmax, "margins a row"),
      (
        Postprocessing(sorts: true, shifts: ConformalShifts(pooled: [1])).json, .regression, .squaredError,
        "no quantiles"
      ),
    ] {
      let found = try Self.misfit(text, kind, objective)
      #expect(found.hasPrefix("model m: ") && found.contains("m.json") && found.contains(cause), "\(found)")
    }
  }

  /// Another group than the pipeline declares: intervals would be corrected by what nobody asked for.
  @Test func groupsOfAnotherFeature() throws {
    let model = try Self.random(.softprob)
    let width = try TreeEnsemble(bytes: model.bytes, name: model.name).groups
    let outputs = (0..<width).map { "q\($0)" }
    let group = FeatureMention(name: "a", position: Self.position)
    let shifts = ConformalShifts(feature: "b", pooled: outputs.map { _ in 0 })
    let error = #expect(throws: PortError.self) {
      _ = try Self.served([
        (
          Self.declaration("m", kind: .quantiles([], group: group), outputs: outputs),
          Self.bytes(model, Postprocessing(sorts: true, shifts: shifts).json)
        )
      ])
    }
    #expect(error?.cause.contains("corrected by b, the pipeline declares the group a") == true)
  }

  /// Both forms of files keep the attribute's quotes.
  @Test(arguments: [ModelFormat.json, .ubj]) func attributesSurviveTheFile(_ format: ModelFormat) throws {
    let model = try Self.random(.binaryLogistic)
    let text = "a \"b\" \\ \n\t/ c"
    try model.booster.setAttribute("note", text)
    let bytes = try Self.bytes(model, Self.curve.json, format)
    let ensemble = try TreeEnsemble(bytes: bytes, name: "m." + format.rawValue)
    #expect(ensemble.attributes["note"] == text)
    #expect(ensemble.attributes[Postprocessing.attribute] == Self.curve.json)
  }
}
