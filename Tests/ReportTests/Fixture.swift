import Dataflow
import Events
import Features
import Foundation
import TestNumbers
import XGBoost

@testable import Report

struct ArrayRows: FeatureRows {
  let values: [Float]
  let columns: Int
  var count: Int { columns == 0 ? 0 : values.count / columns }

  func copyRow(_ index: Int, to cells: UnsafeMutablePointer<Float>) {
    for column in 0..<columns { cells[column] = values[index * columns + column] }
  }
}

/// Made-up evaluations of every kind: outputs are what a good model might say, and trees are small.
enum Fixture {
  static let places = ["north", "south", "east"]

  static let columns = [
    ColumnDescription(name: "tenure", kind: .number),
    ColumnDescription(name: "location", kind: .category(places)),
    ColumnDescription(name: "premium", kind: .flag),
    ColumnDescription(name: "age", kind: .number),
    ColumnDescription(name: "spend", kind: .number),
  ]

  static func model(_ kind: ModelKind, outputs: [String]? = nil, objective: String = "reg:squarederror")
    -> ModelDeclaration
  {
    var model = ModelDeclaration(
      name: "churn", outputs: outputs, file: "churn.json", label: "churn_30_day", objective: objective,
      position: SourcePosition(line: 1, column: 1))
    model.kind = kind
    let here = SourcePosition(line: 1, column: 1)
    model.report.groups = [
      GroupDeclaration(feature: FeatureMention(name: "location", position: here)),
      GroupDeclaration(feature: FeatureMention(name: "age", position: here), bounds: [25, 40, 60]),
    ]
    model.report.intendedUse = "To offer help to customers who may leave."
    model.report.limits = "Not for prices, nor for anybody below 18."
    return model
  }

  static func rows(_ count: Int, seed: UInt64, columns: Int = 5) -> (cells: [Float], rows: ArrayRows) {
    var generator = SeededGenerator(seed: seed)
    var cells: [Float] = []
    for _ in 0..<count {
      let age = Float(Int.random(in: 18...80, using: &generator))
      cells += [
        Float.random(in: 0...10, using: &generator), Float(Int.random(in: 0...3, using: &generator)),
        Float.random(in: 0...1, using: &generator) < 0.3 ? 1 : 0, age,
        Int.random(in: 0...9, using: &generator) == 0
          ? .nan : age * 3 + Float.random(in: 0...40, using: &generator),
      ]
    }
    return (cells, ArrayRows(values: cells, columns: 5))
  }

  /// What labels and outputs are made of: higher with tenure, and in the north.
  static func signal(_ cells: [Float], _ row: Int) -> Double {
    let base = row * 5
    return 0.08 * Double(cells[base]) + (cells[base + 1] == 0 ? 0.15 : 0) - 0.002 * Double(cells[base + 3])
  }

  static func evaluated(_ count: Int, seed: UInt64, label: (Double, inout SeededGenerator) -> Float) -> (
    rows: EvaluatedRows, cells: [Float]
  ) {
    let (cells, features) = rows(count, seed: seed)
    var generator = SeededGenerator(seed: seed &+ 1)
    return (
      EvaluatedRows(
        features: features, labels: (0..<count).map { label(signal(cells, $0), &generator) },
        entities: (0..<count).map { Hash128(of: "e\(seed)-\($0 / 2)") },
        moments: (0..<count).map { 1_700_000_000_000_000 + Int64($0) * 3_600_000_000 }), cells
    )
  }

  static func evaluation(
    _ kind: ModelKind, rows count: Int = 800, outputs names: [String]? = nil,
    objective: String = "reg:squarederror",
    label: (Double, inout SeededGenerator) -> Float, output: @escaping (Double) -> [Float]
  ) throws -> Evaluation {
    let training = evaluated(count, seed: 5, label: label)
    let heldBack = evaluated(count, seed: 9, label: label)
    var evaluation = Evaluation(
      model: model(kind, outputs: names, objective: objective), columns: columns, training: training.rows,
      heldBack: heldBack.rows, outputs: (0..<count).flatMap { output(signal(heldBack.cells, $0)) })
    evaluation.pipeline = "shop"
    evaluation.rounds = (0..<60).map { round in
      let left = exp(-Double(round) / 12)
      return BoostingRound(
        number: round, metric: "rmse", training: 0.2 + 0.4 * left,
        heldBack: 0.24 + 0.38 * left + max(0, Double(round - 40)) * 0.0008)
    }
    evaluation.bestRound = 41
    evaluation.gains = ["tenure", "location", "age"].enumerated().map {
      FeatureGain(name: $1, gain: Float(90 - 30 * $0))
    }
    evaluation.parameters = ["eta": "0.05", "max_depth": "8", "seed": "42"]
    evaluation.notes = [
      "Training stopped by the rows that these figures are of: rows never seen do a little worse."
    ]
    evaluation.score = { rows, count, into in
      for row in 0..<count {
        let cells = (0..<5).map { rows[row * 5 + $0] }
        for (index, value) in output(signal(cells, 0)).enumerated() {
          into[row * (names?.count ?? 1) + index] = value
        }
      }
    }
    return evaluation
  }

  static func probability() throws -> Evaluation {
    var evaluation = try evaluation(.binary(recall: 0.8), objective: "binary:logistic") { signal, generator in
      Double.random(in: 0...1, using: &generator) < min(max(signal, 0), 1) ? 1 : 0
    } output: {
      [Float(min(max($0 * 0.95 + 0.02, 0.001), 0.999))]
    }
    evaluation.threshold = 0.4
    evaluation.model.report.favourable = .belowThreshold
    return evaluation
  }

  static func number() throws -> Evaluation {
    try evaluation(.regression) { signal, generator in
      Float(signal * 60 + Double.random(in: -12...12, using: &generator))
    } output: {
      [Float($0 * 58 + 1)]
    }
  }

  static func quantiles() throws -> Evaluation {
    try evaluation(.quantiles([0.1, 0.5, 0.9], group: nil), outputs: ["low", "middle", "high"]) {
      signal, generator in
      Float(signal * 60 + Double.random(in: -12...12, using: &generator))
    } output: {
      let middle = Float($0 * 60)
      return [middle - 9.6, middle, middle + 9.6]
    }
  }

  static func classes() throws -> Evaluation {
    var evaluation = try evaluation(
      .classes(["stay", "leave", "pause"]), outputs: ["churn_stay", "churn_leave", "churn_pause"],
      objective: "multi:softprob"
    ) { signal, generator in
      let draw = Double.random(in: 0...1, using: &generator)
      return draw < signal * 0.7 ? 1 : draw < 0.8 ? 0 : 2
    } output: {
      let leave = Float(min(max($0 * 0.7, 0.01), 0.75))
      return [0.8 - leave, leave, 0.2]
    }
    evaluation.model.report.favourable = .oneClass("stay")
    return evaluation
  }

  static func anomaly() throws -> Evaluation {
    var evaluation = try evaluation(.anomaly) { _, _ in
      0
    } output: {
      [Float(0.4 + 0.2 * $0)]
    }
    evaluation.training.labels = []
    evaluation.heldBack.labels = []
    evaluation.model.label = nil
    return evaluation
  }
}
