/// An ensemble written as a model file of XGBoost 1.7 in UBJSON, for libxgboost to score what the ensemble is checked
/// against.
///
/// The library sees only this, never a file from outside; and what newer versions write differently is told in its words.
/// The trees and the base scores decide the results; statistics of the training are left out.
struct ReferenceModel {
  private(set) var bytes: [UInt8] = []

  /// Writes an ensemble. An objective that the library does not know becomes `reg:squarederror`, whose output is the margin.
  init(_ ensemble: TreeEnsemble) {
    let objective = ensemble.objective.isKnownToLibrary ? ensemble.objective : .squaredError
    let isMultiClass = objective.isMultiClass
    open("{")
    key("learner")
    open("{")
    key("attributes")
    open("{}")
    key("feature_names")
    open("[]")
    key("feature_types")
    open("[]")
    key("gradient_booster")
    open("{")
    if ensemble.isDart {
      key("gbtree")
      open("{")
    }
    write(trees: ensemble)
    member("name", "gbtree")
    if ensemble.isDart {
      open("}")
      member("name", "dart")
      // Lists of any values here, not of numbers alone: the library tells them apart.
      key("weight_drop")
      open("[")
      for tree in ensemble.trees {
        open("d")
        big(tree.weight.bitPattern)
      }
      open("]")
    }
    open("}")
    key("learner_model_param")
    open("{")
    member("base_score", "\(ensemble.baseScores.first ?? 0)")
    member("num_class", isMultiClass ? "\(ensemble.groups)" : "0")
    member("num_feature", "\(ensemble.featureCount)")
    member("num_target", isMultiClass ? "1" : "\(ensemble.groups)")
    open("}")
    key("objective")
    write(objective: objective, groups: ensemble.groups)
    open("}")
    key("version")
    open("[")
    for number in [1, 7, 4] { whole(Int32(number)) }
    open("]}")
  }

  private mutating func write(objective: Objective, groups: Int) {
    open("{")
    member("name", objective.rawValue)
    switch objective {
    case .softprob, .softmax:
      key("softmax_multiclass_param")
      open("{")
      member("num_class", "\(groups)")
      open("}")
    case .poisson:
      key("poisson_regression_param")
      open("{")
      member("max_delta_step", "0.7")
      open("}")
    case .tweedie:
      key("tweedie_regression_param")
      open("{")
      member("tweedie_variance_power", "1.5")
      open("}")
    case .pseudoHuberError:
      key("pseudo_huber_param")
      open("{")
      member("huber_slope", "1")
      open("}")
    case .absoluteError: break
    default:
      key("reg_loss_param")
      open("{")
      member("scale_pos_weight", "1")
      open("}")
    }
    open("}")
  }

  private mutating func write(trees ensemble: TreeEnsemble) {
    key("model")
    open("{")
    key("gbtree_model_param")
    open("{")
    member("num_parallel_tree", "1")
    member("num_trees", "\(ensemble.trees.count)")
    member("size_leaf_vector", "0")
    open("}")
    key("tree_info")
    open("[")
    for tree in ensemble.trees { whole(Int32(tree.group)) }
    open("]")
    key("trees")
    open("[")
    for (id, tree) in ensemble.trees.enumerated() { write(tree, id: id, ensemble) }
    open("]")
    open("}")
  }

  private mutating func write(_ tree: RegressionTree, id: Int, _ ensemble: TreeEnsemble) {
    let count = tree.left.count
    var parents = [Int32](repeating: Int32.max, count: count)
    for node in 0..<count where tree.left[node] >= 0 {
      parents[Int(tree.left[node])] = Int32(node)
      parents[Int(tree.left[node]) + 1] = Int32(node)
    }
    // An ensemble that was changed may have nodes that nothing leads to; the library goes from every node to its root.
    for node in 1..<max(count, 1) where parents[node] == Int32.max { parents[node] = 0 }
    parents[0] = Int32.max
    let owners = (0..<count).filter { tree.left[$0] >= 0 && tree.set($0) != nil }
    let sets = owners.map { node in tree.set(node).map { Self.categories(ensemble.categorySets[$0]) } ?? [] }
    var starts: [Int64] = []
    var length = 0
    for set in sets {
      starts.append(Int64(length))
      length += set.count
    }
    let zeros = [Float](repeating: 0, count: count)
    open("{")
    numbers("base_weights", zeros)
    numbers("categories", sets.flatMap { $0 })
    numbers("categories_nodes", owners.map { Int32($0) })
    numbers("categories_segments", starts)
    numbers("categories_sizes", sets.map { Int64($0.count) })
    numbers("default_left", tree.defaultLeft.map { $0 ? 1 : 0 } as [UInt8])
    key("id")
    whole(Int32(id))
    numbers("left_children", tree.left)
    numbers("loss_changes", tree.gain.count == count ? tree.gain : zeros)
    numbers("parents", parents)
    numbers("right_children", tree.left.map { $0 < 0 ? -1 : $0 + 1 })
    numbers("split_conditions", tree.value)
    numbers("split_indices", tree.feature)
    let isCategorical = Set(owners)
    numbers("split_type", (0..<count).map { isCategorical.contains($0) ? 1 : 0 } as [UInt8])
    numbers("sum_hessian", tree.cover)
    key("tree_param")
    open("{")
    member("num_deleted", "0")
    member("num_feature", "\(ensemble.featureCount)")
    member("num_nodes", "\(count)")
    member("size_leaf_vector", "0")
    open("}")
    open("}")
  }

  private static func categories(_ words: [UInt32]) -> [Int32] {
    (0..<words.count * 32).filter { words[$0 / 32] >> UInt32($0 % 32) & 1 == 1 }.map { Int32($0) }
  }

  // Universal Binary JSON, draft 12, as the library reads it: lengths are 64 bits.

  private mutating func open(_ markers: String) { bytes.append(contentsOf: markers.utf8) }

  private mutating func big<Number: FixedWidthInteger>(_ number: Number) {
    withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func key(_ name: String) {
    open("L")
    big(Int64(name.utf8.count))
    open(name)
  }

  private mutating func member(_ name: String, _ text: String) {
    key(name)
    open("SL")
    big(Int64(text.utf8.count))
    open(text)
  }

  private mutating func whole(_ number: Int32) {
    open("l")
    big(number)
  }

  private mutating func numbers(_ name: String, _ values: [Float]) {
    list(name, "d", values.count)
    for value in values { big(value.bitPattern) }
  }

  private mutating func numbers(_ name: String, _ values: [Int32]) {
    list(name, "l", values.count)
    for value in values { big(value) }
  }

  private mutating func numbers(_ name: String, _ values: [Int64]) {
    list(name, "L", values.count)
    for value in values { big(value) }
  }

  private mutating func numbers(_ name: String, _ values: [UInt8]) {
    list(name, "U", values.count)
    bytes.append(contentsOf: values)
  }

  private mutating func list(_ name: String, _ type: String, _ count: Int) {
    key(name)
    open("[$" + type + "#L")
    big(Int64(count))
  }
}
