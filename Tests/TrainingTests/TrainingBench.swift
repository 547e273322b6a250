import Dataflow
import Events
import Features
import Foundation
import Registry
import Report
import Scorer
import TestNumbers
import Testing
import Training
import XGBoost

/// Rows of a known law, models of them, and what these say of other rows.
enum TrainingBench {
  /// Rows of `perEntity` an entity: `cells` and a label, both drawn from a generator.
  static func set(
    rows: Int, columns: [String], seed: UInt64, perEntity: Int = 1, prefix: String = "e",
    weight: String? = nil,
    _ draw: (inout SeededGenerator, Int) -> (cells: [Float], labels: [Float])
  ) -> TrainingSet {
    let set = TrainingSet(columnNames: columns, labelNames: ["target"] + (weight.map { [$0] } ?? []))
    var generator = SeededGenerator(seed: seed)
    for index in 0..<rows {
      let (cells, labels) = draw(&generator, index)
      let row = TrainingRow(
        entity: Hash128(of: "\(prefix)\(index / perEntity)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: labels) { target in
        for (column, cell) in cells.enumerated() { target[column] = cell }
      }
    }
    return set
  }

  static func model(_ kind: ModelKind, outputs: [String]? = nil, label: String? = "target")
    -> ModelDeclaration
  {
    var model = ModelDeclaration(
      name: "m", outputs: outputs, file: "m.json", label: label, objective: "reg:squarederror",
      position: SourcePosition(line: 1, column: 1))
    model.kind = kind
    return model
  }

  /// What a training came to.
  struct Result {
    var report: TrainingReport
    var evaluation: Evaluation
    var bytes: [UInt8]
    var ensemble: TreeEnsemble
    var postprocessing: Postprocessing

    /// Margins of rows: [row][group].
    func margins(_ set: TrainingSet) throws -> [Float] {
      let booster = try Booster(reference: ensemble)
      var margins = [Float](repeating: 0, count: set.rows.count * ensemble.groups)
      try booster.predict(
        set.features.base, rows: set.rows.count, columns: set.columnNames.count, outputs: ensemble.groups,
        kind: .margin, into: &margins)
      return margins
    }
  }

  static func train(
    _ model: ModelDeclaration, on set: TrainingSet, options: TrainingOptions = TrainingOptions()
  ) throws -> Result {
    let path = NSTemporaryDirectory() + "tally-kinds-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    var evaluation: Evaluation?
    let folder = ModelFolder(path: path)
    let report = try ModelTrainer(options: options).train(
      model, on: set, into: folder, evaluated: { evaluation = $0 })
    let file = try folder.read(model.file)
    let ensemble = try TreeEnsemble(bytes: file.bytes, name: file.name)
    let text = try #require(ensemble.attributes[Postprocessing.attribute])
    return Result(
      report: report, evaluation: try #require(evaluation), bytes: file.bytes, ensemble: ensemble,
      postprocessing: try Postprocessing(json: text))
  }

  /// A number of the standard normal distribution (Box and Muller 1958).
  static func normal(_ generator: inout SeededGenerator) -> Float {
    let radius = (-2 * log(Double.random(in: Double.leastNormalMagnitude..<1, using: &generator)))
      .squareRoot()
    return Float(radius * cos(2 * Double.pi * Double.random(in: 0..<1, using: &generator)))
  }
}
