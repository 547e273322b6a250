import Dataflow
import Events
import Features
import Foundation
import Registry
import TestNumbers
import TestThreads
import Testing
import Training
import XGBoost

/// What a pipeline says of how a model is trained.
@Suite("A model's own training", .onThreads) struct RecipeTests {
  private static let somewhere = SourcePosition(line: 1, column: 1)

  private static func mention(_ name: String) -> FeatureMention {
    FeatureMention(name: name, position: somewhere)
  }

  /// Rows of three features; a label that falls in the first one but for noise, and needs the other two together.
  private static func set(seed: UInt64, rows: Int = 2_000, label: (Float, Float, Float) -> Float)
    -> TrainingSet
  {
    let set = TrainingSet(columnNames: ["a", "b", "c"], labelNames: ["y"])
    var random = SeededGenerator(seed: seed)
    for index in 0..<rows {
      let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &random) }
      let row = TrainingRow(entity: Hash128(of: "e\(index)"), asOf: 1, labelTime: 2, order: index)
      let noise = Float.random(in: -0.3...0.3, using: &random)
      set.append(row, labels: [label(cells[0], cells[1], cells[2]) + noise]) { target in
        for column in 0..<3 { target[column] = cells[column] }
      }
    }
    return set
  }

  private static func train(
    _ set: TrainingSet, _ training: TrainingDeclaration, objective: String = "reg:squarederror",
    options: TrainingOptions = TrainingOptions()
  ) throws -> (report: TrainingReport, model: TreeEnsemble, bytes: [UInt8]) {
    let path = NSTemporaryDirectory() + "tally-recipe-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = ModelDeclaration(
      name: "m", file: "m.json", label: "y", objective: objective, training: training, position: somewhere)
    let folder = ModelFolder(path: path)
    let report = try ModelTrainer(options: options).train(model, on: set, into: folder)
    let file = try folder.read("m.json")
    return (report, try TreeEnsemble(bytes: file.bytes, name: "m.json"), file.bytes)
  }

  private static func predict(_ ensemble: TreeEnsemble, _ rows: [[Float]]) throws -> [Float] {
    let matrix = try Matrix(
      values: rows.flatMap { $0 }, rows: rows.count, columns: 3, labels: rows.map { _ in 0 })
    return try Booster(reference: ensemble).predict(matrix)
  }

  @Test("goes one way where a feature is monotone", arguments: [1, 2, 3] as [UInt64])
  func monotone(seed: UInt64) throws {
    let set = Self.set(seed: seed) { a, b, c in
      -a + 0.5 * (b * 12).rounded().truncatingRemainder(dividingBy: 2) + c
    }
    var training = TrainingDeclaration()
    training.trees = 40
    training.depth = 5
    training.earlyStopping = 40
    func isMonotone(_ model: TreeEnsemble, _ sign: Float) throws -> Bool {
      var random = SeededGenerator(seed: seed + 100)
      for _ in 0..<50 {
        let (b, c) = (Float.random(in: 0...1, using: &random), Float.random(in: 0...1, using: &random))
        let found = try Self.predict(model, (0...60).map { [Float($0) / 60, b, c] })
        if zip(found, found.dropFirst()).contains(where: { ($1 - $0) * sign < 0 }) { return false }
      }
      return true
    }
    #expect(try !isMonotone(Self.train(set, training).model, -1), "seed \(seed): the test could not fail")
    training.monotone = [MonotoneFeature(feature: Self.mention("a"), isIncreasing: false)]
    #expect(try isMonotone(Self.train(set, training).model, -1), "seed \(seed)")
    training.monotone = [MonotoneFeature(feature: Self.mention("a"), isIncreasing: true)]
    #expect(try isMonotone(Self.train(set, training).model, 1), "seed \(seed)")
  }

  @Test("adds up over groups whose features do not meet", arguments: [4, 5] as [UInt64])
  func interactions(seed: UInt64) throws {
    let set = Self.set(seed: seed) { a, b, c in 4 * a * b * c }
    var training = TrainingDeclaration()
    training.trees = 30
    /// How far the output is from a sum of something of `a` and something of `b` and `c`.
    func excess(_ training: TrainingDeclaration) throws -> Float {
      let corners: [[Float]] = [[0.1, 0.1, 0.1], [0.9, 0.1, 0.1], [0.1, 0.9, 0.9], [0.9, 0.9, 0.9]]
      let found = try Self.predict(Self.train(set, training).model, corners)
      return abs(found[3] - found[2] - found[1] + found[0])
    }
    #expect(try excess(training) > 0.5, "seed \(seed): the test could not fail")
    training.interactions = [[Self.mention("a")], [Self.mention("b"), Self.mention("c")]]
    #expect(try excess(training) < 1e-4, "seed \(seed)")
  }

  @Test("weighs rows by their class") func classWeights() throws {
    // No split is worth its price: the prediction is the share of the ones among what rows weigh.
    let set = TrainingSet(columnNames: ["a", "b", "c"], labelNames: ["y"])
    for index in 0..<1_000 {
      let row = TrainingRow(entity: Hash128(of: "e\(index)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: [index % 5 == 0 ? 1 : 0]) {
        for column in 0..<3 { $0[column] = Float(index % 2) }
      }
    }
    let learnt = set.split(label: 0, heldBackShare: TrainingOptions().heldBackShare, seed: 42).training
    let ones = Float(learnt.count { set.labels.row($0)[0] == 1 })
    let zeros = Float(learnt.count) - ones
    for (zero, one) in [(1.0, 1.0), (1.0, 4.0), (0.5, 2.0), (3.0, 1.0)] {
      var training = TrainingDeclaration()
      training.parameters = ["gamma": 1e9]
      training.classWeights = ClassWeights(zero: zero, one: one)
      let model = try Self.train(set, training, objective: "binary:logistic").model
      let found = try Self.predict(model, [[.nan, .nan, .nan]])[0]
      let expected = ones * Float(one) / (ones * Float(one) + zeros * Float(zero))
      #expect(abs(found - expected) < 1e-5, "\(zero) and \(one): \(found) instead of \(expected)")
    }
  }

  @Test("is what the command line does not say otherwise") func precedence() throws {
    let set = Self.set(seed: 9, rows: 600) { a, _, _ in a }
    var declared = TrainingDeclaration()
    declared.trees = 3
    declared.earlyStopping = 9
    #expect(try Self.train(set, declared).model.trees.count == 3)
    var options = TrainingOptions()
    options.recipe.trees = 2
    #expect(try Self.train(set, declared, options: options).model.trees.count == 2)
    let plain = try Self.train(set, declared).bytes
    declared.parameters = ["lambda": 7]
    #expect(try Self.train(set, declared).bytes != plain)
    declared.parameters = ["lambda": 1]
    #expect(try Self.train(set, declared).bytes == plain, "XGBoost's own default")
  }
}
