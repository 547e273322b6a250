internal import CXGBoost

/// How a round went.
public struct BoostingRound: Equatable, Sendable {
  /// Number, from 0.
  public var number: Int
  /// Name of the metric, such as "rmse".
  public var metric: String
  /// Its value on the training rows.
  public var training: Double
  /// Its value on the held-back rows.
  public var heldBack: Double

  package init(number: Int, metric: String, training: Double, heldBack: Double) {
    self.number = number
    self.metric = metric
    self.training = training
    self.heldBack = heldBack
  }
}

/// What boosting came to.
public struct BoostingOutcome: Equatable, Sendable {
  /// The round that was best on the held-back rows, from 0; ties: the earliest.
  public var bestRound: Int
  /// The metric's value there.
  public var bestValue: Double
  /// Rounds that were run.
  public var rounds: Int

  package init(bestRound: Int, bestValue: Double, rounds: Int) {
    self.bestRound = bestRound
    self.bestValue = bestValue
    self.rounds = rounds
  }
}

extension Booster {
  /// An untrained model for these matrices; `parameters` as in XGBoost's documentation ("objective", "eta", …).
  public init(
    training: borrowing Matrix, heldBack: borrowing Matrix, parameters: [(name: String, value: String)]
  ) throws(XGBoostError) {
    self = try Self.untrained([training.handle, heldBack.handle], parameters)
  }

  private static func untrained(
    _ matrices: [DMatrixHandle?], _ parameters: [(name: String, value: String)]
  ) throws(XGBoostError) -> Booster {
    let booster = try Booster(owning: create(matrices))
    try booster.setParameter("verbosity", "0")
    for parameter in parameters { try booster.setParameter(parameter.name, parameter.value) }
    return booster
  }

  /// Boosts for at most `rounds` rounds, and stops when the last evaluation metric has not improved on the
  /// held-back rows for `earlyStoppingRounds` rounds.
  ///
  /// `onRound` is called after every round; false ends the training. The model keeps all rounds' trees: see
  /// `limited(toRounds:)`.
  public func train(
    on training: borrowing Matrix, heldBack: borrowing Matrix, rounds: Int, earlyStoppingRounds: Int,
    onRound: (BoostingRound) -> Bool = { _ in true }
  ) throws(XGBoostError) -> BoostingOutcome {
    precondition(rounds > 0)
    var outcome = BoostingOutcome(bestRound: 0, bestValue: .nan, rounds: 0)
    for number in 0..<rounds {
      try check(XGBoosterUpdateOneIter(handle, CInt(number), training.handle), "train round \(number)")
      let round = try evaluate(number, training, heldBack)
      outcome.rounds = number + 1
      let value = round.heldBack
      let isBetter = Self.isBetterHigher(round.metric) ? value > outcome.bestValue : value < outcome.bestValue
      if number == 0 || isBetter || (outcome.bestValue.isNaN && !value.isNaN) {
        outcome.bestRound = number
        outcome.bestValue = value
      }
      if !onRound(round) || number - outcome.bestRound >= earlyStoppingRounds { break }
    }
    return outcome
  }

  /// Grows one tree by gradients and hessians of the caller's own, one a row; the objective is only asked for its name.
  ///
  /// With a learning rate of 1 the leaves are −Σg/(Σh + lambda). Returns the tree as a file has it: with `gamma`, without the nodes
  /// that were pruned.
  public static func tree(
    on training: borrowing Matrix, gradients: inout [Float], hessians: inout [Float],
    parameters: [(name: String, value: String)]
  ) throws(XGBoostError) -> RegressionTree {
    precondition(gradients.count == training.rows && hessians.count == training.rows)
    let booster = try untrained([training.handle], parameters)
    let count = bst_ulong(gradients.count)
    let code = gradients.withUnsafeMutableBufferPointer { gradients in
      hessians.withUnsafeMutableBufferPointer { hessians in
        XGBoosterBoostOneIter(
          booster.handle, training.handle, gradients.baseAddress, hessians.baseAddress, count)
      }
    }
    try check(code, "grow a tree")
    let ensemble = try TreeEnsemble(bytes: booster.serialized(.ubj), name: "tree.ubj")
    guard let tree = ensemble.trees.first else { throw XGBoostError(operation: "grow a tree", cause: "none") }
    return tree
  }

  private func evaluate(
    _ number: Int, _ training: borrowing Matrix, _ heldBack: borrowing Matrix
  ) throws(XGBoostError) -> BoostingRound {
    var matrices: [DMatrixHandle?] = [training.handle, heldBack.handle]
    var text: UnsafePointer<CChar>?
    let code = withCStrings(["training", "held-back"]) {
      XGBoosterEvalOneIter(handle, CInt(number), &matrices, $0, 2, &text)
    }
    try check(code, "evaluate round \(number)")
    // "[0]\ttraining-rmse:0.83\theld-back-rmse:0.84": for each metric, each matrix; the last metric counts.
    let fields = text.map { String(cString: $0) }?.split(separator: "\t") ?? []
    guard fields.count >= 3,
      let first = Self.metric(fields[fields.count - 2], of: "training-"),
      let second = Self.metric(fields[fields.count - 1], of: "held-back-")
    else { throw XGBoostError(operation: "evaluate round \(number)", cause: "the library names no metric") }
    return BoostingRound(number: number, metric: first.name, training: first.value, heldBack: second.value)
  }

  private static func metric(_ field: Substring, of prefix: String) -> (name: String, value: Double)? {
    guard field.hasPrefix(prefix), let colon = field.lastIndex(of: ":"),
      let value = Double(field[field.index(after: colon)...])
    else { return nil }
    return (String(field[field.index(field.startIndex, offsetBy: prefix.count)..<colon]), value)
  }

  private static func isBetterHigher(_ metric: String) -> Bool {
    metric.hasPrefix("auc") || metric.hasPrefix("map") || metric.hasPrefix("ndcg")
  }
}
