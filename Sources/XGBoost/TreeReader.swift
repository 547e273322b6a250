/// Makes a tree of a model file's values, and checks that it is one.
struct TreeReader {
  private let nodes: Int
  private let value: ModelValue
  private let left: [Double]
  private let right: [Double]
  private let splitIndices: [Double]
  private let conditions: [Double]

  /// Reads the arrays and checks their lengths.
  init(_ tree: ModelValue) throws(ModelFormatError) {
    guard let parameters = tree["tree_param"] else { throw ModelFormatError(text: "no tree_param") }
    nodes = try EnsembleReader.whole(parameters, "num_nodes", 1...Int(Int32.max))
    try BoosterReader.checkLeafSize(parameters)
    value = tree
    left = try Self.numbers(tree, "left_children", nodes)
    right = try Self.numbers(tree, "right_children", nodes)
    splitIndices = try Self.numbers(tree, "split_indices", nodes)
    conditions = try Self.numbers(tree, "split_conditions", nodes)
  }

  private static func numbers(
    _ tree: ModelValue, _ name: String, _ count: Int
  ) throws(ModelFormatError) -> [Double] {
    guard case .numbers(let values)? = tree[name], values.count == count else {
      throw ModelFormatError(text: "\(name) does not have num_nodes numbers")
    }
    return values
  }

  /// The tree, with the nodes that its root leads to, level by level; pruning leaves others in files. Its sets of categories
  /// are added to `sets`.
  func tree(
    features: Int, group: Int, weight: Float, sets: inout CategorySets
  ) throws(ModelFormatError) -> RegressionTree {
    let setOfNode = try categorySets(&sets)
    let defaults = try Self.numbers(value, "default_left", nodes)
    let covers = try Self.numbers(value, "sum_hessian", nodes)
    var gains: [Double] = []
    if case .numbers(let changes)? = value["loss_changes"], changes.count == nodes { gains = changes }
    var tree = RegressionTree(
      left: [], feature: [], value: [], defaultLeft: [], cover: [], categorySet: [], group: group,
      weight: weight)
    var order = [0]
    var seen = [Bool](repeating: false, count: nodes)
    seen[0] = true
    while tree.left.count < order.count {
      let node = order[tree.left.count]
      let children = try children(of: node)
      let set = setOfNode.isEmpty || children == nil ? -1 : setOfNode[node]
      let condition = Float(conditions[node])
      guard set >= 0 || (children == nil ? condition.isFinite : !condition.isNaN) else {
        throw ModelFormatError(text: "node \(node): not a number that can be compared or added")
      }
      guard defaults[node] == 0 || defaults[node] == 1 else {
        throw ModelFormatError(text: "node \(node): default_left is neither 0 nor 1")
      }
      tree.left.append(children == nil ? -1 : Int32(order.count))
      tree.feature.append(children == nil ? 0 : try feature(of: node, below: features))
      tree.value.append(condition)
      tree.defaultLeft.append(defaults[node] != 0)
      tree.cover.append(Float(covers[node]))
      if !gains.isEmpty { tree.gain.append(Float(gains[node])) }
      if !setOfNode.isEmpty { tree.categorySet.append(set) }
      for child in children.map({ [$0, $0 + 1] }) ?? [] {
        guard !seen[child] else { throw ModelFormatError(text: "node \(child) is reached twice") }
        seen[child] = true
        order.append(child)
      }
    }
    return tree
  }

  /// The left child of a split, whose right one is the node behind it; nil: a leaf.
  private func children(of node: Int) throws(ModelFormatError) -> Int? {
    if left[node] == -1 && right[node] == -1 { return nil }
    guard let first = index(left[node]), let second = index(right[node]) else {
      throw ModelFormatError(text: "node \(node): a child is no node")
    }
    // libxgboost takes the node behind the left child for the right one, whatever the file says.
    guard second == first + 1 else {
      throw ModelFormatError(text: "node \(node): the right child is not the node behind the left one")
    }
    return first
  }

  private func feature(of node: Int, below count: Int) throws(ModelFormatError) -> Int32 {
    guard let feature = Int32(exactly: splitIndices[node]), feature >= 0, feature < count else {
      throw ModelFormatError(text: "node \(node): splits on a feature that the model does not have")
    }
    return feature
  }

  private func index(_ value: Double) -> Int? {
    guard let index = Int(exactly: value), index >= 0, index < nodes else { return nil }
    return index
  }

  /// For each node its set; empty when no split is categorical.
  private func categorySets(_ sets: inout CategorySets) throws(ModelFormatError) -> [Int32] {
    guard value["split_type"] != nil else {
      guard value["categories"] == nil else { throw ModelFormatError(text: "categories without split_type") }
      return []
    }
    let types = try Self.numbers(value, "split_type", nodes)
    guard types.allSatisfy({ $0 == 0 || $0 == 1 }) else {
      throw ModelFormatError(text: "a split_type that is neither 0 nor 1")
    }
    if types.allSatisfy({ $0 == 0 }) { return [] }
    func list(_ name: String) throws(ModelFormatError) -> [Double] {
      guard case .numbers(let values)? = value[name] else { throw ModelFormatError(text: "no \(name)") }
      return values
    }
    let (categories, owners) = (try list("categories"), try list("categories_nodes"))
    let (starts, sizes) = (try list("categories_segments"), try list("categories_sizes"))
    guard starts.count == owners.count, sizes.count == owners.count else {
      throw ModelFormatError(text: "the lists of categories differ in length")
    }
    var setOfNode = [Int32](repeating: -1, count: nodes)
    for (position, owner) in owners.enumerated() {
      guard let node = index(owner), types[node] == 1, setOfNode[node] < 0 else {
        throw ModelFormatError(text: "categories of a node that is not a categorical split, or twice")
      }
      guard let start = Int(exactly: starts[position]), let size = Int(exactly: sizes[position]), start >= 0,
        size >= 0, start <= categories.count, size <= categories.count - start
      else { throw ModelFormatError(text: "node \(node): its categories are not in the list") }
      guard size > 0 else {
        throw ModelFormatError(text: "node \(node): a categorical split without categories")
      }
      setOfNode[node] = Int32(clamping: sets.sets.count)
      try sets.append(categories[start..<start + size], node)
    }
    for node in 0..<nodes where types[node] != 0 && left[node] != -1 && setOfNode[node] < 0 {
      throw ModelFormatError(text: "node \(node): a categorical split without categories")
    }
    return setOfNode
  }
}

/// The sets of categories of all trees so far.
struct CategorySets {
  /// Bits of words, lowest first.
  private(set) var sets: [[UInt32]] = []
  private var words = 0

  /// Highest category + 1; libxgboost takes no higher ones.
  private static let categoriesMax = 1 << 24
  /// 64 MiB: a few bytes of a hostile file, such as one high category for each node, shall not ask for more.
  private static let wordsMax = 1 << 24

  /// Adds a set; throws for what is no category of `node`.
  mutating func append(_ categories: ArraySlice<Double>, _ node: Int) throws(ModelFormatError) {
    let highest = categories.max() ?? -1
    guard
      categories.allSatisfy({ $0 >= 0 && $0 == $0.rounded(.towardZero) && $0 < Double(Self.categoriesMax) })
    else {
      throw ModelFormatError(
        text: "node \(node): a category that is not a number below \(Self.categoriesMax)")
    }
    let count = categories.isEmpty ? 0 : Int(highest) / 32 + 1
    guard count <= Self.wordsMax - words else {
      throw ModelFormatError(
        text: "node \(node): the sets of categories take more than \(Self.wordsMax / 262_144) MiB")
    }
    words += count
    var set = [UInt32](repeating: 0, count: count)
    for category in categories { set[Int(category) / 32] |= 1 << UInt32(Int(category) % 32) }
    sets.append(set)
  }
}
