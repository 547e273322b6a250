import Dataflow
import Events
import Features
import Foundation
import Registry
import Report
import Scorer
import TestNumbers
import TestThreads
import Testing
import Training

/// What training says of a model and what serving makes of its file are the same bits.
@Suite(.onThreads) struct ServedKindTests {
  private static let columns = [
    ColumnDescription(name: "first"), ColumnDescription(name: "second"),
    ColumnDescription(name: "kind", kind: .category(["a", "b", "c"])),
  ]

  private static func set(label: (Float, Float) -> Float) -> TrainingSet {
    let set = TrainingSet(columnNames: columns.map(\.name), labelNames: ["target"], columns: columns)
    var generator = SeededGenerator(seed: 11)
    for index in 0..<3_000 {
      let cells = [
        Float.random(in: 0...1, using: &generator), Float.random(in: 0...1, using: &generator),
        Float(Int.random(in: 0..<3, using: &generator)),
      ]
      let row = TrainingRow(entity: Hash128(of: "e\(index)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: [label(cells[0] + 0.3 * TrainingBench.normal(&generator), cells[1])]) {
        target in
        for (column, cell) in cells.enumerated() { target[column] = index % 9 == column ? .nan : cell }
      }
    }
    return set
  }

  @Test(arguments: ["binary", "classes", "quantiles", "anomaly"], ["json", "ubj"])
  func servedAsMeasured(kind: String, form: String) throws {
    var model: ModelDeclaration
    let set: TrainingSet
    switch kind {
    case "binary":
      model = TrainingBench.model(.binary(recall: 0.8))
      set = Self.set { $0 + $1 > 1 ? 1 : 0 }
    case "classes":
      model = TrainingBench.model(.classes(["low", "middle", "high"]), outputs: ["l", "m", "h"])
      set = Self.set { $0 > 0.7 ? 2 : $1 > 0.5 ? 1 : 0 }
    case "quantiles":
      let position = SourcePosition(line: 1, column: 1)
      model = TrainingBench.model(
        .quantiles([0.1, 0.5, 0.9], group: FeatureMention(name: "kind", position: position)),
        outputs: ["l", "m", "h"])
      set = Self.set { $0 * 10 + $1 }
    default:
      model = TrainingBench.model(.anomaly, label: nil)
      set = Self.set { _, _ in 0 }
    }
    model.file = "m.\(form)"
    let path = NSTemporaryDirectory() + "tally-served-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    var options = TrainingOptions()
    options.recipe.trees = 15
    options.recipe.depth = 4
    let folder = ModelFolder(path: path)
    var evaluation: Evaluation?
    let report = try ModelTrainer(options: options).train(
      model, on: set, into: folder, evaluated: { evaluation = $0 })
    let measured = try #require(evaluation)
    let served = try ServedModels(models: [model], folder: folder, columns: Self.columns)
    let scorer = ForestScorer(served)
    let outputs = FloatMatrix(columns: model.outputs.count, capacityRows: 1)
    try scorer.score(set.features, into: outputs)
    var expected = [Float](repeating: 0, count: set.rows.count * model.outputs.count)
    let score = try #require(measured.score)
    expected.withUnsafeMutableBufferPointer { score(set.features.base, set.rows.count, $0.baseAddress!) }
    let found = Array(UnsafeBufferPointer(start: outputs.base, count: expected.count))
    #expect(found.map(\.bitPattern) == expected.map(\.bitPattern))
    #expect(Set(found).count > 20 && report.quality.threshold == measured.threshold.map(Double.init))
    // Figures are of other fits on the same rows: near to what is served, not the same.
    let places = set.rows.indices.filter { row in
      measured.heldBack.entities.contains(set.rows[row].entity)
    }
    #expect(places.count == measured.heldBack.features.count)
    for (index, row) in places.enumerated() {
      for output in model.outputs.indices {
        let difference = measured.outputs[index * model.outputs.count + output] - outputs.row(row)[output]
        #expect(abs(difference) < (kind == "quantiles" ? 3 : 0.2))
      }
    }
  }
}
