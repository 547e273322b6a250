import Dataflow
import Events
import Features
import Foundation
import Registry
import TestThreads
import Testing
import Training

@Suite(.onThreads) struct TrainingCheckTests {
  /// Rows of two an entity: a number that varies, and what `cells` gives.
  private func set(
    rows: Int, _ cells: (Int) -> [Float], label: (Int) -> Float = { Float($0 % 7) }
  ) -> TrainingSet {
    let names = ["first", "second", "third"]
    let set = TrainingSet(columnNames: names, labelNames: ["target"])
    for index in 0..<rows {
      let row = TrainingRow(entity: Hash128(of: "e\(index / 2)"), asOf: 1, labelTime: 2, order: index)
      set.append(row, labels: [label(index)]) { target in
        for (column, value) in cells(index).enumerated() { target[column] = value }
      }
    }
    return set
  }

  private func train(_ set: TrainingSet, _ objective: String = "reg:squarederror") throws -> TrainingReport {
    let path = NSTemporaryDirectory() + "tally-check-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: path) }
    let model = ModelDeclaration(
      name: "m", file: "m.json", label: "target", objective: objective,
      position: SourcePosition(line: 1, column: 1))
    return try ModelTrainer().train(model, on: set, into: ModelFolder(path: path))
  }

  @Test func namesFeaturesThatSayNothing() throws {
    let report = try train(set(rows: 1_000) { [Float($0 % 13), .nan, 4] })
    #expect(
      report.warnings == [
        "model m: missing in all rows to learn from: second",
        "model m: of one value in all rows to learn from: third",
      ])
    // That a value is there at all can be learnt from.
    #expect(
      try train(set(rows: 1_000) { [Float($0 % 13), $0 % 2 == 0 ? .nan : 4, Float($0)] }).warnings == [])
    let error = try #require(throws: TrainingError.self) {
      try train(set(rows: 1_000) { _ in [1, .nan, 0] })
    }
    #expect(error.code == .constantFeatures && error.text.contains("none of the 3 features has two values"))
  }

  @Test func namesTooFewRowsAndOneClassAmongThoseHeldBack() throws {
    let few = set(rows: 100, { [Float($0), Float($0 % 3), Float($0 % 5)] }) { _ in 0 }
    let mixed = TrainingSet(columnNames: few.columnNames, labelNames: ["target"])
    let held = Set(few.split(label: 0, heldBackShare: 0.2, seed: 42).heldBack)
    for (index, row) in few.rows.enumerated() {
      mixed.append(row, labels: [held.contains(index) ? 1 : Float(index % 2)]) { cells in
        for column in 0..<3 { cells[column] = few.features.row(index)[column] }
      }
    }
    let warnings = try train(mixed, "binary:logistic").warnings
    #expect(warnings.count == 2 && warnings[0].hasPrefix("model m: only \(held.count) rows are held back"))
    #expect(warnings.last == "model m: the rows held back are of one class in target: there is no AUC")
  }

  @Test(arguments: [
    ("binary:logistic", Float(2), "0 and 1"), ("binary:logitraw", 0.5, "0 and 1"),
    ("reg:logistic", 1.5, "from 0 to 1"),
    ("count:poisson", -1, "of 0 or more"), ("reg:tweedie", -0.5, "of 0 or more"), ("reg:gamma", 0, "above 0"),
    ("reg:squaredlogerror", -1, "above -1"),
  ]) func namesLabelsThatTheObjectiveDoesNotTake(objective: String, label: Float, allowed: String) throws {
    let rows = set(rows: 400, { [Float($0), Float($0 % 3), Float($0 % 5)] }) { index in
      index == 7 || index == 300
        ? label : Float(index % 2) * (objective == "reg:gamma" ? 0 : 1) + (objective == "reg:gamma" ? 1 : 0)
    }
    let error = try #require(throws: TrainingError.self) { try train(rows, objective) }
    #expect(error.code == .invalidLabel)
    #expect(
      error.text == "model m: \(objective) needs labels \(allowed) in target; 2 of 400 rows have others")
  }
}
