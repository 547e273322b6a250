import Dataflow
import Events
import Features
import Foundation
import Registry
import Report
import TestThreads
import Testing
import Training
import XGBoost
import TestNumbers

@Suite(.onThreads) struct ModelTrainerTests {
  private static let columns = ["first", "second", "noise"]

  /// Rows of many entities whose label is nearly linear in the first two columns; a cell in eleven is
  /// missing.
  private func trainingSet(rows: Int = 3_000, label: (Float, Float) -> Float = { 3 * $0 + $1 }) -> TrainingSet
  {
    let set = TrainingSet(columnNames: Self.columns, labelNames: ["other", "target"])
    var generator = SeededGenerator(seed: 7)
    for index in 0..<rows {
      let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &generator) }
      let noise = Float.random(in: -0.05...0.05, using: &generator)
      let row = TrainingRow(entity: Hash128(of: "e\(index / 3)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: [.nan, label(cells[0], cells[1]) + (label(0, 0) == label(1, 1) ? 0 : noise)]) {
        target in
        for column in 0..<3 { target[column] = cells[column] }
        if index % 11 == 0 { target[2] = .nan }
      }
    }
    return set
  }

  private func model(_ objective: String = "reg:squarederror", label: String? = "target") -> ModelDeclaration
  {
    ModelDeclaration(
      name: "engagement", file: "engagement.ubj", label: label, objective: objective,
      position: SourcePosition(line: 1, column: 1))
  }

  private func withFolder<Result>(_ body: (ModelFolder) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "tally-training-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(ModelFolder(path: path))
  }

  @Test func learnsALinearLabel() throws {
    try withFolder { folder in
      let set = trainingSet()
      var seen: [BoostingRound] = []
      let report = try ModelTrainer().train(model(), on: set, into: folder) { seen.append($0) }
      #expect(report.quality.rSquared ?? 0 > 0.9)
      #expect(report.quality.rmse ?? 1 < 0.15 && report.quality.mae ?? 1 <= report.quality.rmse ?? 0)
      #expect(report.quality.auc == nil && report.quality.logLoss == nil)
      #expect(report.topFeatures.map(\.name).prefix(2) == ["first", "second"])
      #expect(report.trainingRows + report.heldBackRows == 3_000)
      #expect(report.trainingEntities + report.heldBackEntities == 1_000)
      #expect(
        (150...250).contains(report.heldBackEntities) && report.heldBackRows == report.heldBackEntities * 3)
      #expect(seen.count == report.rounds && report.trees <= report.rounds)
      let file = try folder.read("engagement.ubj")
      #expect(file.version == report.version && file.path == report.path)
      let model = try TreeEnsemble(bytes: file.bytes, name: file.name)
      #expect(model.featureNames == Self.columns && model.trees.count == report.trees)
      #expect(model.attributes["best_iteration"] == String(report.trees - 1))
    }
  }

  /// What a report is made of is there before the file, and is of the rows held back.
  @Test func isEvaluatedBeforeItIsWritten() throws {
    struct Stop: Error {}
    try withFolder { folder in
      let set = trainingSet()
      var found: Evaluation?
      #expect(throws: TrainingError.self) {
        _ = try ModelTrainer().train(
          model(), on: set, into: folder,
          evaluated: { evaluation in
            found = evaluation
            throw Stop()
          })
      }
      #expect(folder.names().isEmpty)
      let evaluation = try #require(found)
      let report = try ModelTrainer().train(model(), on: set, into: folder)
      #expect(
        evaluation.heldBack.labels.count == report.heldBackRows
          && evaluation.outputs.count == report.heldBackRows)
      #expect(evaluation.training.labels.count == report.trainingRows)
      #expect(Set(evaluation.heldBack.entities).isDisjoint(with: evaluation.training.entities))
      #expect(evaluation.rounds.count == report.rounds && evaluation.bestRound == report.trees - 1)
      #expect(evaluation.ensemble?.trees.count == report.trees && evaluation.gains.count == 3)
      let figures = ModelReport(evaluation).figures
      let rmse = try #require(figures.first { $0.name == "rmse" }?.value)
      #expect((rmse - (try #require(report.quality.rmse))).magnitude < 1e-9)
    }
  }

  /// The model says with which features it was trained.
  @Test func recordsWhatFeaturesMean() throws {
    let event = EventTypeDeclaration(
      name: "login", attributes: [], position: SourcePosition(line: 1, column: 1))
    let program = try FeatureProgram(
      FeatureSetDeclaration(
        profile: [], events: [event],
        features: Self.columns.enumerated().map { number, name in
          FeatureDeclaration(
            name: name, expression: "count(login, \(number + 1)d)", isColumn: true, labels: [],
            position: SourcePosition(line: 1, column: 1))
        }, idleTTL: nil))
    let set = TrainingSet(
      columnNames: Self.columns, labelNames: ["other", "target"], featureHashes: program.featureHashes)
    let source = trainingSet(rows: 300)
    for row in 0..<300 {
      set.append(source.rows[row], labels: [.nan, source.labels.row(row)[1]]) { cells in
        cells.update(from: source.features.row(row), count: 3)
      }
    }
    try withFolder { folder in
      _ = try ModelTrainer().train(model(), on: set, into: folder)
      let file = try folder.read("engagement.ubj")
      let attributes = try TreeEnsemble(bytes: file.bytes, name: file.name).attributes
      #expect(attributes[FeatureHashes.modelAttribute] == program.featureHashes.text)
      _ = try ModelTrainer().train(model(), on: source, into: folder)
      let unknown = try TreeEnsemble(bytes: folder.read("engagement.ubj").bytes, name: "m.ubj")
      #expect(unknown.attributes[FeatureHashes.modelAttribute] == nil)
    }
  }

  @Test(arguments: [1, 2]) func givesTheSameFileAgain(threads: Int) throws {
    var options = TrainingOptions()
    options.threads = threads
    options.recipe.trees = 30
    let reports = try (0..<2).map { _ in
      try withFolder {
        try ModelTrainer(options: options).train(model(), on: trainingSet(), into: $0).version
      }
    }
    #expect(reports[0] == reports[1])
    options.seed = 43
    let other = try withFolder {
      try ModelTrainer(options: options).train(model(), on: trainingSet(), into: $0)
    }
    #expect(other.version != reports[0])
  }

  @Test func learnsAClass() throws {
    try withFolder { folder in
      let set = trainingSet { $0 + $1 > 1 ? 1 : 0 }
      let clean = TrainingSet(columnNames: Self.columns, labelNames: ["target"])
      for (index, row) in set.rows.enumerated() {
        clean.append(row, labels: [set.labels.row(index)[1] > 0.5 ? 1 : 0]) { target in
          for column in 0..<3 { target[column] = set.features.row(index)[column] }
        }
      }
      let report = try ModelTrainer().train(model("binary:logistic"), on: clean, into: folder)
      #expect(report.quality.auc ?? 0 > 0.98)
      #expect(report.quality.logLoss ?? 1 < 0.2)
    }
  }

  private func refusal(
    _ set: TrainingSet, _ declaration: ModelDeclaration
  ) throws -> (code: TrainingError.Code?, text: String) {
    try withFolder { folder in
      let error = #expect(throws: TrainingError.self) {
        _ = try ModelTrainer().train(declaration, on: set, into: folder)
      }
      #expect(folder.names().isEmpty)
      return (error?.code, error?.text ?? "")
    }
  }

  @Test func saysWhyThereIsNothingToLearn() throws {
    let constant = try refusal(trainingSet { _, _ in 5 }, model())
    #expect(
      constant.code == .constantLabel && constant.text.contains("all 3000 rows have the same value in target")
    )
    let oneClass = try refusal(trainingSet { _, _ in 1 }, model("binary:logistic"))
    #expect(oneClass.code == .constantLabel && oneClass.text.contains("of one class"))
    #expect(try refusal(trainingSet(), model("binary:logistic")).code == .invalidLabel)
    #expect(try refusal(trainingSet(rows: 0), model()).code == .noRows)
    #expect(try refusal(trainingSet(), model(label: "other")).code == .noRows)
    #expect(try refusal(trainingSet(), model(label: nil)).code == .noLabel)
    let unknown = try refusal(trainingSet(), model(label: "targett"))
    #expect(unknown.code == .noLabel && unknown.text.contains("which has other, target"))
    #expect(try refusal(trainingSet(rows: 2), model()).code == .tooFewEntities)
    #expect(try refusal(trainingSet(), model("reg:wishful")).code == .failed)
  }

  /// Worked out by hand: labels at days 0 to 9, cut at day 6 with a gap of two days.
  @Test func splitsByTimeWithoutAnEntityOnBothSides() {
    let set = TrainingSet(columnNames: ["a"], labelNames: ["target"])
    for index in 0..<1_000 {
      let time = EventTime(index % 10) * Span.day
      let row = TrainingRow(entity: Hash128(of: "e\(index / 10)"), asOf: time, labelTime: time, order: index)
      set.append(row, labels: [1]) { $0[0] = 1 }
    }
    let plain = set.split(label: 0, heldBackShare: 0.3, seed: 1)
    let split = set.split(
      label: 0, heldBackShare: 0.3, seed: 1, time: TimeSplit(cut: 6 * Span.day, gap: 2 * Span.day))
    #expect(split.training == plain.training.filter { $0 % 10 < 4 } && !split.training.isEmpty)
    #expect(split.heldBack == plain.heldBack.filter { $0 % 10 >= 6 } && !split.heldBack.isEmpty)
  }

  @Test func splitsWholeEntitiesAndKeepsThemWhenOthersCome() {
    let few = trainingSet(rows: 300).split(label: 1, heldBackShare: 0.2, seed: 1)
    let many = trainingSet(rows: 600).split(label: 1, heldBackShare: 0.2, seed: 1)
    #expect(
      many.heldBack.filter { $0 < 300 } == few.heldBack && many.training.filter { $0 < 300 } == few.training)
    #expect(Set(few.heldBack.map { $0 / 3 }).isDisjoint(with: few.training.map { $0 / 3 }))
    #expect(few.heldBack.count + few.training.count == 300)
    let other = trainingSet(rows: 300).split(label: 1, heldBackShare: 0.2, seed: 2)
    #expect(other != few)
  }
}

@Suite(.onThreads) struct ModelQualityTests {
  @Test func isThatOfTheTextbook() throws {
    let quality = ModelQuality(labels: [0, 0, 1, 1], predictions: [0.1, 0.4, 0.35, 0.8], isBinary: true)
    let auc = try #require(quality.auc)
    let logLoss = try #require(quality.logLoss)
    let rSquared = try #require(quality.rSquared)
    #expect(abs(auc - 0.75) < 1e-12 && abs(logLoss - 0.472_287_953) < 1e-6)
    let (mae, rmse, brier) = (
      try #require(quality.mae), try #require(quality.rmse), try #require(quality.brier)
    )
    #expect(abs(mae - 0.3375) < 1e-6 && abs(rmse - (0.158_125 as Double).squareRoot()) < 1e-6)
    #expect(abs(brier - 0.158_125) < 1e-6)
    #expect(abs(rSquared - (1 - 0.6325)) < 1e-6)
  }

  @Test func tiesCountHalf() {
    #expect(
      ModelQuality(labels: [0, 1, 0, 1], predictions: [0.5, 0.5, 0.5, 0.5], isBinary: true).auc == 0.5)
    #expect(ModelQuality(labels: [1, 1], predictions: [0.5, 0.5], isBinary: true).auc == nil)
    #expect(ModelQuality(labels: [2, 2], predictions: [1, 2], isBinary: false).rSquared == nil)
  }

  @Test func aucIsTheShareOfPairsInOrder() {
    var generator = SeededGenerator(seed: 5)
    let labels = (0..<80).map { _ in Float(Int.random(in: 0...1, using: &generator)) }
    let predictions = (0..<80).map { _ in Float(Int.random(in: 0...9, using: &generator)) / 10 }
    var wins = 0.0
    var pairs = 0.0
    for one in labels.indices where labels[one] == 1 {
      for zero in labels.indices where labels[zero] == 0 {
        pairs += 1
        wins += predictions[one] > predictions[zero] ? 1 : predictions[one] == predictions[zero] ? 0.5 : 0
      }
    }
    let auc = ModelQuality(labels: labels, predictions: predictions, isBinary: true).auc ?? 0
    #expect(abs(auc - wins / pairs) < 1e-12)
  }
}
