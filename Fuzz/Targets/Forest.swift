import XGBoost

@testable import Scorer

/// Forests of any shape: the input decides what a well-formed model file has, so that every one loads and the kernels meet
/// trees that nobody trains. Every sixteenth is compared with libxgboost, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzForest(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  var draws = Draws(start, count)
  let isCompared = draws.below(16) == 15
  var writer = ModelWriter(&draws)
  let text = writer.model(&draws)
  guard let ensemble = try? TreeEnsemble(bytes: [UInt8](text.utf8), name: "fuzz.json") else {
    require(false, "not loaded: \(text)")
    return 0
  }
  ModelTrial(ensemble)?.run()
  if isCompared, ensemble.featureCount <= 256 {
    do {
      let forest = try Forest([ensemble], columns: ensemble.featureCount)
      try ForestCheck.check(forest, 0, ensemble, name: "fuzz", rows: 20)
    } catch { require(false, "\(error): \(text)") }
  }
  return 0
}

/// Writes a model file of drawn trees.
private struct ModelWriter {
  private let objective: Objective
  private let isDart: Bool
  private let isWide: Bool
  private let columns: Int
  private let groups: Int
  private static let treesMax = 200
  private static let nodesMax = 3_000
  private var nodes = 0

  init(_ draws: inout Draws) {
    let all = Objective.allCases
    objective = all[draws.below(all.count)]
    let form = draws.byte()
    isDart = form & 3 == 3
    isWide = form & 4 != 0
    columns = form & 8 == 0 ? 1 + draws.below(12) : 1 + draws.below(700)
    let isMany = objective == .softprob || objective == .softmax
    groups = isMany || form & 48 == 48 ? 1 + draws.below(6) : 1
  }

  mutating func model(_ draws: inout Draws) -> String {
    var trees: [String] = []
    var weights: [Float] = []
    var info: [Int] = []
    repeat {
      let tree = tree(&draws)
      let times = min(1 + max(0, draws.below(256) - 180), Self.treesMax - trees.count)
      for _ in 0..<times {
        info.append(draws.below(groups))
        weights.append(isDart ? min(max(draws.number(), -4), 4) : 1)
        trees.append("{\"id\":\(trees.count),\(tree)}")
      }
    } while draws.hasMore && trees.count < Self.treesMax && nodes < Self.nodesMax
    let model = """
      {"gbtree_model_param":{"num_parallel_tree":"1","num_trees":"\(trees.count)"},"tree_info":\(info),\
      "iteration_indptr":[0,\(trees.count)],"trees":[\(trees.joined(separator: ","))]}
      """
    let booster =
      isDart
      ? "{\"name\":\"dart\",\"gbtree\":{\"model\":\(model)},\"weight_drop\":\(weights)}"
      : "{\"name\":\"gbtree\",\"model\":\(model)}"
    let isMulticlass = objective == .softprob || objective == .softmax
    // Dropout stands there up to 3.2; from 3.4 on several quantiles are sorted.
    return """
      {"learner":{"gradient_booster":\(booster),"objective":{"name":"\(objective.rawValue)"\(parameters)},\
      "learner_model_param":{"base_score":"0.25","num_feature":"\(columns)",\
      "num_class":"\(isMulticlass ? groups : 0)","num_target":"\(isMulticlass ? 1 : groups)"}},\
      "version":[3,\(isDart ? 2 : 4),0]}
      """
  }

  /// What a reader needs of the objective's parameters.
  private var parameters: String {
    switch objective {
    case .softprob, .softmax: ",\"softmax_multiclass_param\":{\"num_class\":\"\(groups)\"}"
    case .quantileError:
      ",\"quantile_loss_param\":{\"quantile_alpha\":\"\((0..<groups).map { Float($0) / 8 })\"}"
    default: ""
    }
  }

  /// The members of a tree, without its number.
  private mutating func tree(_ draws: inout Draws) -> String {
    var left: [Int] = [-1]
    var feature = [0]
    var value: [Float] = [0]
    var defaultLeft = [0]
    var cover: [Float] = [0]
    var owners: [Int] = []
    var categories: [Int] = []
    var sizes: [Int] = []
    // Deep or wide, as the order of the nodes that wait tells.
    var waiting = [0]
    while !waiting.isEmpty {
      let node = isWide ? waiting.removeFirst() : waiting.removeLast()
      let kind = draws.byte()
      value[node] = draws.number()
      guard kind >= 64, left.count + nodes < Self.nodesMax else {
        cover[node] = Float(kind & 63)
        continue
      }
      left[node] = left.count
      feature[node] = draws.below(columns)
      defaultLeft[node] = Int(kind & 1)
      if kind & 14 == 14 {
        owners.append(node)
        let size = 1 + draws.below(5)
        for _ in 0..<size { categories.append(draws.below(kind & 16 == 0 ? 40 : 3_000)) }
        sizes.append(size)
      }
      for child in [left.count, left.count + 1] {
        left.append(-1)
        feature.append(0)
        value.append(0)
        defaultLeft.append(0)
        cover.append(0)
        waiting.append(child)
      }
    }
    for node in left.indices.reversed() where left[node] >= 0 {
      cover[node] = cover[left[node]] + cover[left[node] + 1]
    }
    nodes += left.count
    var starts: [Int] = []
    var next = 0
    for size in sizes {
      starts.append(next)
      next += size
    }
    let zeros = [Int](repeating: 0, count: left.count)
    let isCategorical = Set(owners)
    return """
      "tree_param":{"num_nodes":"\(left.count)"},"left_children":\(left),\
      "right_children":\(left.map { $0 < 0 ? -1 : $0 + 1 }),"split_indices":\(feature),\
      "split_conditions":\(value),"loss_changes":\(zeros),"base_weights":\(zeros),"parents":\(zeros),\
      "default_left":\(defaultLeft),"sum_hessian":\(cover),\
      "split_type":\(left.indices.map { isCategorical.contains($0) ? 1 : 0 }),"categories":\(categories),\
      "categories_nodes":\(owners),"categories_segments":\(starts),"categories_sizes":\(sizes)
      """
  }
}
