import XGBoost

@testable import Scorer
import TestNumbers

/// A model that libxgboost trains here on random rows, of a random kind that a seed tells.
final class RandomModel {
  let booster: Booster
  let columns: Int
  let isDart: Bool
  let description: String
  /// Bytes of its file, and the file's name.
  let bytes: [UInt8]
  let name: String

  static let objectives: [Objective] = Objective.allCases.filter { $0 != .quantileError }

  init(
    seed: UInt64, objective: Objective, depth: Int? = nil, rounds: Int? = nil, isDart: Bool? = nil,
    hasCategories: Bool? = nil, isLossGuided: Bool? = nil, isPruned: Bool? = nil, method: String? = nil,
    columns: Int? = nil,
    rows count: Int = 400
  ) throws {
    var random = SeededGenerator(
      seed: seed &* 7919 &+ UInt64(objective.rawValue.utf8.reduce(0) { $0 &+ Int($1) }))
    let columns = columns ?? Int.random(in: 3...24, using: &random)
    let classes = Int.random(in: 3...5, using: &random)
    let isDart = isDart ?? (Int.random(in: 0..<4, using: &random) == 0)
    let hasCategories = hasCategories ?? (Int.random(in: 0..<3, using: &random) == 0)
    let depth = depth ?? Int.random(in: 1...12, using: &random)
    let isWide = Int.random(in: 0..<8, using: &random) == 0
    let rounds =
      rounds ?? (isWide ? Int.random(in: 60...200, using: &random) : Int.random(in: 1...40, using: &random))
    let methods = hasCategories ? ["hist", "approx"] : ["hist", "hist", "approx", "exact"]
    let method = method ?? methods[Int.random(in: 0..<methods.count, using: &random)]
    let isLossGuided = isLossGuided ?? (method == "hist" && Int.random(in: 0..<4, using: &random) == 0)

    var values: [Float] = []
    for _ in 0..<count {
      for column in 0..<columns {
        let isMissing = Int.random(in: 0..<8, using: &random) == 0
        values.append(
          isMissing
            ? .nan
            : hasCategories && column < 2
              ? Float(Int.random(in: 0..<(column == 0 ? 5 : 40), using: &random))
              : column % 3 == 2
                ? Float(Int.random(in: -9...9, using: &random)) : Float.random(in: -3...3, using: &random))
      }
    }
    func cell(_ row: Int, _ column: Int) -> Float {
      let value = values[row * columns + column]
      return value.isNaN ? 1.5 : value
    }
    let labels = (0..<count).map { row -> Float in
      let sum = cell(row, 0) + cell(row, 1) * cell(row, 2) + Float.random(in: -1...1, using: &random)
      switch objective {
      case .binaryLogistic, .binaryLogitRaw, .logisticRegression: return sum > 0 ? 1 : 0
      case .poisson: return abs(sum).rounded()
      case .gamma, .tweedie, .squaredLogError: return abs(sum) + 0.1
      case .softprob, .softmax: return Float(Int(abs(sum)) % classes)
      default: return sum
      }
    }
    let matrix = try Matrix(values: values, rows: count, columns: columns, labels: labels)
    if hasCategories {
      try matrix.setFeatureTypes((0..<columns).map { $0 < 2 ? "c" : "float" })
    }
    var parameters: [(name: String, value: String)] = [
      ("objective", objective.rawValue), ("max_depth", String(isLossGuided ? 0 : depth)),
      ("tree_method", method), ("nthread", "1"), ("seed", String(seed)), ("eta", "0.2"),
      ("booster", isDart ? "dart" : "gbtree"), ("min_child_weight", "0.1"), ("lambda", "0.5"),
    ]
    // Pruning leaves nodes in the file that nothing leads to.
    if isPruned ?? (Int.random(in: 0..<3, using: &random) == 0) { parameters.append(("gamma", "0.5")) }
    if isDart { parameters += [("rate_drop", "0.3"), ("one_drop", "1")] }
    if objective == .softprob || objective == .softmax { parameters.append(("num_class", String(classes))) }
    if isLossGuided {
      parameters += [("grow_policy", "lossguide"), ("max_leaves", String(1 << min(depth, 7)))]
    }
    if hasCategories { parameters.append(("max_cat_to_onehot", Bool.random(using: &random) ? "1" : "50")) }
    let trained = try Booster(training: matrix, heldBack: matrix, parameters: parameters)
    _ = try trained.train(on: matrix, heldBack: matrix, rounds: rounds, earlyStoppingRounds: rounds)
    let format: ModelFormat = Bool.random(using: &random) ? .json : .ubj
    bytes = try trained.serialized(format)
    booster = trained
    name = "m." + format.rawValue
    self.columns = columns
    self.isDart = isDart
    description =
      "seed \(seed): \(objective.rawValue), \(rounds) rounds, depth \(depth), \(columns) columns, \(method)"
      + (isDart ? ", dart" : "") + (hasCategories ? ", categories" : "") + (isLossGuided ? ", lossguide" : "")
  }

  /// What libxgboost makes of rows, with the booster that was trained: no file in between.
  func expected(_ values: [Float], outputs: Int) throws -> [Float] {
    let rows = values.count / columns
    if isDart {
      let matrix = try Matrix(
        values: values, rows: rows, columns: columns, labels: [Float](repeating: 0, count: rows))
      return try booster.predict(matrix)
    }
    var found = [Float](repeating: 0, count: rows * outputs)
    try booster.predict(values, rows: rows, columns: columns, outputs: outputs, into: &found)
    return found
  }
}
