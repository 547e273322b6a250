import Dataflow
import Events
import Features
import Foundation
import Registry
import TestNumbers
import TestThreads
import Testing
import Training

@Suite(.onThreads) struct RidgeTests {
  private static let columns = [
    ColumnDescription(name: "first"), ColumnDescription(name: "second"),
    ColumnDescription(name: "kind", kind: .category(["a", "b", "c"])), ColumnDescription(name: "constant"),
  ]

  /// Rows of a law that is linear in numbers, in whether one is missing, and in the words of a category.
  private static func set(noise: Float, seed: UInt64) -> TrainingSet {
    let set = TrainingSet(columnNames: columns.map(\.name), labelNames: ["target"], columns: columns)
    var generator = SeededGenerator(seed: seed)
    for index in 0..<4_000 {
      let first = Float.random(in: 0...1, using: &generator) * 1_000
      let second = TrainingBench.normal(&generator)
      let kind = Int.random(in: 0..<3, using: &generator)
      let isMissing = index % 5 == 0
      let label =
        first / 100 + (isMissing ? 7 : 2 * second) + [0, 5, -3][kind] + noise
        * TrainingBench.normal(&generator)
      let row = TrainingRow(entity: Hash128(of: "e\(index)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: [label]) { cells in
        cells[0] = first
        cells[1] = isMissing ? .nan : second
        cells[2] = Float(kind)
        cells[3] = 4
      }
    }
    return set
  }

  private static func options() -> TrainingOptions {
    var options = TrainingOptions()
    options.recipe.trees = 3
    return options
  }

  @Test(arguments: [UInt64(1), 2]) func findsALinearLaw(seed: UInt64) throws {
    let model = TrainingBench.model(.regression)
    for noise in [Float(0), 1] {
      let path = NSTemporaryDirectory() + "tally-ridge-" + UUID().uuidString
      defer { try? FileManager.default.removeItem(atPath: path) }
      let report = try ModelTrainer(options: Self.options()).train(
        model, on: Self.set(noise: noise, seed: seed), into: ModelFolder(path: path))
      let rmse = try #require(report.baseline?.rmse)
      print("seed \(seed): noise \(noise), rmse \(rmse)")
      #expect(noise == 0 ? rmse < 0.01 : abs(rmse - 1) < 0.06, "seed \(seed)")
    }
  }
}
