/// Finds the trees of a model file, what dropout multiplies them by, and where rounds end.
struct BoosterReader {
  private let model: ModelValue
  private let parameters: ModelValue
  /// For each tree; nil: the booster has no dropout.
  private let weights: [Double]?

  /// Whether leaves are multiplied: the booster DART, or gbtree with `rate_drop`.
  var hasWeights: Bool { weights != nil }
  /// What names the categories of features; nil: nothing.
  var categoryNames: ModelValue? { model["cats"] }

  /// Throws for boosters that are not served.
  init(_ booster: ModelValue) throws(ModelFormatError) {
    let inner: ModelValue
    switch booster["name"] {
    case .text("gbtree"): inner = booster
    case .text("dart"):
      guard let tree = booster["gbtree"], tree["name"] == nil || tree["name"]?.isText("gbtree") == true else {
        throw ModelFormatError(text: "dart of something else than gbtree")
      }
      guard booster["weight_drop"] != nil else { throw ModelFormatError(text: "dart without weight_drop") }
      inner = tree
    case .text(let name):
      throw ModelFormatError(text: "the booster is \(shortened(name)); served are gbtree and dart")
    default: throw ModelFormatError(text: "no trees")
    }
    guard let model = inner["model"], let parameters = model["gbtree_model_param"] else {
      throw ModelFormatError(text: "no trees")
    }
    self.model = model
    self.parameters = parameters
    weights = try Self.weights(booster["weight_drop"], model["weight_drop"])
  }

  /// Beside the model, as up to 3.3, or inside it, as from 3.4 on; never both.
  private static func weights(
    _ outer: ModelValue?, _ inner: ModelValue?
  ) throws(ModelFormatError) -> [Double]? {
    switch (outer, inner) {
    case (nil, nil): return nil
    case (.numbers(let weights)?, nil), (nil, .numbers(let weights)?): return weights
    case (.some, .some): throw ModelFormatError(text: "weight_drop twice")
    default: throw ModelFormatError(text: "weight_drop is not a list of numbers")
    }
  }

  /// The trees in their order, and the sets of categories that they name.
  func trees(
    features: Int, groups: Int
  ) throws(ModelFormatError) -> (trees: [RegressionTree], sets: [[UInt32]]) {
    guard case .numbers(let groupsOfTrees)? = model["tree_info"], let trees = model["trees"]?.elements else {
      throw ModelFormatError(text: "no trees")
    }
    let count = try EnsembleReader.whole(parameters, "num_trees", 0...Int(Int32.max))
    try Self.checkLeafSize(parameters)
    guard trees.count == count, groupsOfTrees.count == count, weights == nil || weights?.count == count else {
      throw ModelFormatError(text: "the number of trees is not num_trees")
    }
    var sets = CategorySets()
    var ordered = [RegressionTree?](repeating: nil, count: count)
    for (index, value) in trees.enumerated() {
      guard case .number(let id)? = value["id"], let number = Int(exactly: id),
        ordered.indices.contains(number),
        ordered[number] == nil
      else { throw ModelFormatError(text: "tree \(index) has no id of its own") }
      guard let group = Int(exactly: groupsOfTrees[number]), group >= 0, group < groups else {
        throw ModelFormatError(text: "tree \(number) belongs to none of \(groups) outputs")
      }
      let weight = Float(weights?[number] ?? 1)
      guard weight.isFinite else { throw ModelFormatError(text: "tree \(number) has no weight") }
      do throws(ModelFormatError) {
        ordered[number] = try TreeReader(value).tree(
          features: features, group: group, weight: weight, sets: &sets)
      } catch { throw ModelFormatError(text: "tree \(index): \(error.text)") }
    }
    return (ordered.compactMap { $0 }, sets.sets)
  }

  /// For each round, the number of trees up to its end: written from 2.0 on, else reckoned as the library does.
  func roundEnds(trees: Int, groups: Int) throws(ModelFormatError) -> [Int] {
    guard model["iteration_indptr"] != nil else {
      let size = groups * (try EnsembleReader.whole(parameters, "num_parallel_tree", 1...Int(Int32.max)))
      guard trees % size == 0 else {
        throw ModelFormatError(text: "\(trees) trees are not whole rounds of \(size)")
      }
      return Array(stride(from: size, through: trees, by: size))
    }
    guard case .numbers(let numbers)? = model["iteration_indptr"] else {
      throw ModelFormatError(text: "iteration_indptr is not a list of numbers")
    }
    let starts = numbers.compactMap { Int(exactly: $0) }
    guard starts.count == numbers.count, starts.first == 0, starts.last == trees,
      zip(starts, starts.dropFirst()).allSatisfy({ $0 < $1 })
    else { throw ModelFormatError(text: "iteration_indptr does not lead from 0 to the \(trees) trees") }
    return Array(starts.dropFirst())
  }

  /// Throws when leaves are vectors.
  static func checkLeafSize(_ parameters: ModelValue) throws(ModelFormatError) {
    guard parameters["size_leaf_vector"] != nil else { return }
    let size = try EnsembleReader.whole(parameters, "size_leaf_vector", 0...Int(Int32.max))
    guard size <= 1 else {
      throw ModelFormatError(
        text: "leaves of \(size) outputs are not served: train with multi_strategy one_output_per_tree")
    }
  }
}

extension ModelValue {
  /// Whether it is this text.
  fileprivate func isText(_ wanted: String) -> Bool {
    if case .text(let text) = self { text == wanted } else { false }
  }
}
