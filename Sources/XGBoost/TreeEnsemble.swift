/// One regression tree as a model file has it; arrays by node, node 0 is the root.
public struct RegressionTree: Sendable {
  /// Left child; -1: a leaf.
  public var left: [Int32]
  /// Right child; -1: a leaf.
  public var right: [Int32]
  /// Feature that a split compares.
  public var feature: [Int32]
  /// A split's condition (value < condition goes left), or a leaf's value.
  public var value: [Float]
  /// Whether a missing value goes left.
  public var defaultLeft: [Bool]
}

/// The trees of a model file with one output a row, in their order.
public struct TreeEnsemble: Sendable {
  /// Name of the objective, such as `binary:logistic`.
  public var objective: String
  /// `base_score` as the file has it: on the scale of the output.
  public var baseScore: Float
  /// The trees.
  public var trees: [RegressionTree]

  /// Reads a model file; its form is told by the ending of `name`. Throws for what `Booster` refuses too.
  public init(bytes: [UInt8], name: String) throws(XGBoostError) {
    guard let format = ModelFormat(path: name) else {
      throw XGBoostError(operation: "load \(name)", cause: "the file's name does not tell its form")
    }
    do throws(ModelFormatError) {
      try ModelCheck.check(bytes, format)
      self = try Self.read(try ModelCheck.document(bytes, format))
    } catch {
      throw XGBoostError(operation: "load \(name)", cause: error.text)
    }
  }

  private static func read(_ root: ModelValue) throws(ModelFormatError) -> TreeEnsemble {
    guard let learner = root["learner"], case .text(let objective)? = learner["objective"]?["name"],
      case .text(let base)? = learner["learner_model_param"]?["base_score"],
      let score = Float(base.filter { $0 != "[" && $0 != "]" }),
      let trees = learner["gradient_booster"]?["model"]?["trees"]?.elements
    else { throw ModelFormatError(text: "no base_score, objective or trees") }
    var ordered = [RegressionTree?](repeating: nil, count: trees.count)
    for tree in trees {
      guard case .number(let id)? = tree["id"], let index = Int(exactly: id), ordered.indices.contains(index)
      else { throw ModelFormatError(text: "a tree without an id") }
      ordered[index] = try readTree(tree)
    }
    return TreeEnsemble(objective: objective, baseScore: score, trees: ordered.compactMap { $0 })
  }

  private init(objective: String, baseScore: Float, trees: [RegressionTree]) {
    self.objective = objective
    self.baseScore = baseScore
    self.trees = trees
  }

  private static func readTree(_ tree: ModelValue) throws(ModelFormatError) -> RegressionTree {
    func numbers(_ name: String) throws(ModelFormatError) -> [Double] {
      guard case .numbers(let values)? = tree[name] else { throw ModelFormatError(text: "no \(name)") }
      return values
    }
    return RegressionTree(
      left: try numbers("left_children").map { Int32($0) },
      right: try numbers("right_children").map { Int32($0) },
      feature: try numbers("split_indices").map { Int32(exactly: $0) ?? 0 },
      value: try numbers("split_conditions").map { Float($0) },
      defaultLeft: try numbers("default_left").map { $0 != 0 })
  }
}
