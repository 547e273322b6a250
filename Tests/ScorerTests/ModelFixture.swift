import Foundation
import XGBoost
import TestNumbers

/// Rows, labels and the small models that the tests train on them.
enum ModelFixture {
  static let names = ["alpha", "beta", "gamma", "delta", "epsilon"]

  /// Rows with missing cells, row by row, and a label that depends on the first two columns.
  static func rows(_ count: Int, seed: UInt64 = 1) -> (values: [Float], labels: [Float]) {
    var generator = SeededGenerator(seed: seed)
    var values: [Float] = []
    var labels: [Float] = []
    for _ in 0..<count {
      let row = names.map { _ in Float.random(in: -1...1, using: &generator) }
      let isMissing = Int.random(in: 0..<7, using: &generator) == 0
      values += [row[0], row[1], isMissing ? .nan : row[2], row[3], row[4]]
      labels.append(row[0] * 2 + row[1] + (isMissing ? 0.5 : 0))
    }
    return (values, labels)
  }

  static func matrix(_ rows: (values: [Float], labels: [Float])) throws -> Matrix {
    try Matrix(values: rows.values, rows: rows.labels.count, columns: names.count, labels: rows.labels)
  }

  /// A model of `rounds` trees.
  static func model(
    rounds: Int = 6, depth: Int = 4, objective: String = "reg:squarederror", names: [String] = names,
    seed: UInt64 = 1
  ) throws -> Booster {
    var data = rows(500, seed: seed)
    if objective.hasPrefix("binary") { data.labels = data.labels.map { $0 > 0 ? 1 : 0 } }
    let training = try matrix(data)
    var other = rows(100, seed: seed + 1)
    if objective.hasPrefix("binary") { other.labels = other.labels.map { $0 > 0 ? 1 : 0 } }
    let heldBack = try matrix(other)
    let booster = try Booster(
      training: training, heldBack: heldBack,
      parameters: [
        ("objective", objective), ("max_depth", String(depth)), ("tree_method", "hist"), ("nthread", "1"),
      ])
    _ = try booster.train(on: training, heldBack: heldBack, rounds: rounds, earlyStoppingRounds: rounds)
    try booster.setFeatureNames(names)
    return booster
  }

  /// Calls `body` with the path of a folder that is removed afterwards.
  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let path = NSTemporaryDirectory() + "tally-models-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
  }
}

extension Booster {
  /// Scores rows of an array.
  func predictions(_ values: [Float], kind: PredictionKind = .value) throws -> [Float] {
    let columns = try featureCount
    let rows = values.count / columns
    return try [Float](unsafeUninitializedCapacity: rows) { buffer, count in
      if let base = buffer.baseAddress {
        try predict(values, rows: rows, columns: columns, kind: kind, into: base)
      }
      count = rows
    }
  }
}

/// The bits of floats, for comparisons to the last one.
func bits(_ values: [Float]) -> [UInt32] { values.map(\.bitPattern) }
