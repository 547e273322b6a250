import Dataflow
import Foundation
import Registry
import Report
import Scorer
import TestNumbers
import TestThreads
import Testing
import Training
import XGBoost

@Suite(.onThreads) struct CalibrationTests {
  private static let columns = ["first", "second", "noise"]

  private static func probability(_ cells: UnsafePointer<Float>) -> Double {
    1 / (1 + exp(-(4 * Double(cells[0]) + 3 * Double(cells[1]) - 5)))
  }

  /// Labels of a known law, twice a row's entity.
  private static func set(rows: Int, seed: UInt64, prefix: String = "e") -> TrainingSet {
    TrainingBench.set(rows: rows, columns: columns, seed: seed, perEntity: 2, prefix: prefix) {
      generator, _ in
      let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &generator) }
      let isOne =
        Double.random(in: 0..<1, using: &generator)
        < cells.withUnsafeBufferPointer { probability($0.baseAddress!) }
      return (cells, [isOne ? 1 : 0])
    }
  }

  private static func options() -> TrainingOptions {
    var options = TrainingOptions()
    options.recipe.trees = 80
    options.recipe.depth = 4
    options.recipe.eta = 0.2
    return options
  }

  /// The curve by hand: straight lines between knots.
  private static func value(_ curve: CalibrationCurve, _ margin: Float) -> Double {
    guard let next = curve.margins.firstIndex(where: { $0 > margin }) else {
      return Double(curve.values.last ?? 0)
    }
    guard next > 0 else { return Double(curve.values[0]) }
    let share =
      Double(margin - curve.margins[next - 1]) / Double(curve.margins[next] - curve.margins[next - 1])
    return Double(curve.values[next - 1]) + share * Double(curve.values[next] - curve.values[next - 1])
  }

  /// Class weights shift what the trees say; the calibration takes it back. By Platt with few rows, by steps with many.
  @Test(arguments: [(UInt64(1), 4_000, "Platt"), (2, 20_000, "centred isotonic")])
  func probabilitiesAreThoseOfTheRows(seed: UInt64, rows: Int, way: String) throws {
    var model = TrainingBench.model(.binary(recall: 0.8))
    model.training.classWeights = ClassWeights(zero: 1, one: 5)
    let result = try TrainingBench.train(model, on: Self.set(rows: rows, seed: seed), options: Self.options())
    #expect(result.report.parameters["calibration"] == way)
    guard case .curve(let curve) = result.postprocessing.link else {
      Issue.record("no curve")
      return
    }
    #expect(zip(curve.margins, curve.margins.dropFirst()).allSatisfy { $0 < $1 })
    #expect(zip(curve.values, curve.values.dropFirst()).allSatisfy { $0 <= $1 })
    #expect(curve.values.allSatisfy { $0 > 0 && $0 < 1 } && curve.margins.count <= 512)
    let fresh = Self.set(rows: 20_000, seed: seed + 10, prefix: "fresh")
    let margins = try result.margins(fresh)
    let threshold = Double(try #require(result.postprocessing.threshold))
    var sums = [(said: Double, is: Double, count: Double)](repeating: (0, 0, 0), count: 5)
    var (found, ones, yes) = (0.0, 0.0, 0.0)
    for row in fresh.rows.indices {
      let output = Self.value(curve, margins[row])
      let label = Double(fresh.labels.row(row)[0])
      let place = min(Int(output * 5), 4)
      sums[place] = (sums[place].said + output, sums[place].is + label, sums[place].count + 1)
      ones += label
      if output >= threshold {
        yes += 1
        found += label
      }
    }
    for sum in sums where sum.count > 500 {
      #expect(abs(sum.said - sum.is) / sum.count < 0.06, "seed \(seed): \(sum)")
    }
    let recall = found / ones
    print(
      "seed \(seed): recall \(recall), precision \(found / yes); measured \(String(describing: result.report.quality.recall))"
    )
    #expect(recall > 0.78 && recall < 0.95, "seed \(seed)")
    #expect(abs(try #require(result.report.quality.recall) - recall) < 0.05, "seed \(seed)")
    #expect(abs(try #require(result.report.quality.precision) - found / yes) < 0.05, "seed \(seed)")
    #expect(result.report.quality.threshold == threshold && result.report.stopRows > 0)
    #expect(try #require(result.report.baseline?.auc) > 0.8)
  }

  @Test func calibratesByWhatWasLearntWhereNothingElseIsThere() throws {
    let plain = Self.set(rows: 400, seed: 3)
    let held = Set(plain.split(label: 0, heldBackShare: 0.2, seed: 42).heldBack)
    let set = TrainingBench.set(rows: 400, columns: Self.columns, seed: 3, perEntity: 2) { generator, index in
      let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &generator) }
      return (cells, [held.contains(index) || cells[0] < 0.5 ? 0 : 1])
    }
    let result = try TrainingBench.train(
      TrainingBench.model(.binary(recall: 0.8)), on: set, options: Self.options())
    #expect(
      result.report.warnings.contains { $0.contains("are of one class in target") && $0.contains("too sure") }
    )
    #expect(result.postprocessing.threshold != nil && result.report.quality.recall == nil)
  }

  @Test func probabilitiesOfClassesAreNeitherBoldNorTimid() throws {
    let classes = ["a", "b", "c", "never"]
    func draw(_ rows: Int, _ seed: UInt64, _ prefix: String) -> TrainingSet {
      TrainingBench.set(rows: rows, columns: Self.columns, seed: seed, prefix: prefix) { generator, _ in
        let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &generator) }
        let weights = [1 + 8 * cells[0], 1 + 8 * cells[1], 3]
        var rest = Float.random(in: 0..<weights.reduce(0, +), using: &generator)
        let label = weights.firstIndex { weight in
          rest -= weight
          return rest < 0
        }
        return (cells, [Float(label ?? 2)])
      }
    }
    // Too deep and too fast: what comes out is far too sure of itself.
    var options = TrainingOptions()
    options.recipe.trees = 40
    options.recipe.earlyStopping = 40
    options.recipe.depth = 7
    options.recipe.eta = 0.5
    let model = TrainingBench.model(.classes(classes), outputs: classes)
    let result = try TrainingBench.train(model, on: draw(3_000, 1, "e"), options: options)
    guard case .shares(let scale) = result.postprocessing.link else {
      Issue.record("no shares")
      return
    }
    #expect(result.ensemble.objective == .softprob && result.ensemble.groups == 4)
    #expect(
      result.report.warnings.contains {
        $0.contains("no row to learn from is of a class of target") && $0.hasSuffix(": never")
      })
    let fresh = draw(10_000, 2, "fresh")
    let margins = try result.margins(fresh)
    func loss(_ scale: Double) -> Double {
      var sum = 0.0
      for row in fresh.rows.indices {
        let cells = margins[row * 4..<row * 4 + 4].map { Double($0) * scale }
        let most = cells.max() ?? 0
        sum += log2(cells.reduce(0) { $0 + exp2($1 - most) }) - (cells[Int(fresh.labels.row(row)[0])] - most)
      }
      return sum / Double(fresh.rows.count)
    }
    let best = stride(from: 0.05, through: 3, by: 0.01).map { loss($0) }.min() ?? 0
    print("scale \(scale): loss \(loss(scale)), at the best \(best), as it was \(loss(1.442_695))")
    #expect(loss(scale) < best * 1.01 && loss(scale) < loss(1.442_695))
    let quality = result.report.quality
    #expect(try #require(quality.accuracy) > (quality.commonest ?? 1) && quality.logLoss != nil)
    #expect(result.report.baseline?.accuracy != nil)
  }

  @Test func refusesLabelsOutsideOfTheClasses() throws {
    let set = TrainingBench.set(rows: 600, columns: Self.columns, seed: 4) { generator, index in
      ((0..<3).map { _ in Float.random(in: 0...1, using: &generator) }, [Float(index % 4)])
    }
    let error = #expect(throws: TrainingError.self) {
      _ = try TrainingBench.train(
        TrainingBench.model(.classes(["a", "b", "c"]), outputs: ["a", "b", "c"]), on: set)
    }
    #expect(error?.code == .invalidLabel && error?.text.contains("of 3 declared classes") == true)
  }

  /// Rows of a weight count as so many rows; without one, 0 or less is refused.
  @Test func weighsRows() throws {
    func set(_ weight: @escaping (Int) -> Float) -> TrainingSet {
      TrainingBench.set(rows: 2_000, columns: Self.columns, seed: 6, weight: "m_weight") { generator, index in
        let cells = (0..<3).map { _ in Float.random(in: 0...1, using: &generator) }
        return (cells, [index % 2 == 0 ? 1 : 3, weight(index)])
      }
    }
    var model = TrainingBench.model(.regression)
    model.training.weight = 0
    func base(_ weight: @escaping (Int) -> Float) throws -> Float {
      let path = NSTemporaryDirectory() + "tally-weights-" + UUID().uuidString
      defer { try? FileManager.default.removeItem(atPath: path) }
      var outputs: [Float] = []
      var options = TrainingOptions()
      options.recipe.trees = 1
      _ = try ModelTrainer(options: options).train(
        model, on: set(weight), into: ModelFolder(path: path), evaluated: { outputs = $0.outputs })
      return outputs.reduce(0, +) / Float(outputs.count)
    }
    #expect(abs(try base { _ in 1 } - 2) < 0.05)
    #expect(abs(try base { $0 % 2 == 0 ? 3 : 1 } - 1.5) < 0.05)
    for wrong in [Float.nan, 0, -1, .infinity] {
      let error = #expect(throws: TrainingError.self) { _ = try base { $0 == 7 ? wrong : 1 } }
      #expect(error?.code == .invalidWeight && error?.text.contains("1 of 2000 rows") == true)
    }
    model.training.weight = 1
    model.name = "other"
    let error = #expect(throws: TrainingError.self) { _ = try base { _ in 1 } }
    #expect(error?.code == .invalidWeight && error?.text.contains("no column other_weight") == true)
  }
}
