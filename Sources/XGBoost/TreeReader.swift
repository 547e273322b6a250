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
    try EnsembleReader.checkLeafSize(parameters)
    value = tree
    left = try Self.numbers(tree, "left_children", nodes)
    right = try Self.numbers(tree, "right_children", nodes)
    splitIndices = try Self.numbers(tree, "split_indices", nodes)
    conditions = try Self.numbers(tree, "split_conditions", nodes)
    for name in ["loss_changes", "base_weights", "parents"] { _ = try Self.numbers(tree, name, nodes) }
  }

  private static func numbers(
    _ tree: ModelValue, _ name: String, _ count: Int
  ) throws(ModelFormatError) -> [Double] {
    guard case .numbers(let values)? = tree[name], values.count == count else {
      throw ModelFormatError(text: "\(name) does not have num_nodes numbers")
    }
    return values
  }

  /// The tree; its sets of categories are added to `sets`.
  func tree(
    features: Int, group: Int, weight: Float, sets: inout CategorySets
  ) throws(ModelFormatError) -> RegressionTree {
    let setOfNode = try categorySets(&sets)
    try check(features: features, setOfNode)
    for (node, parent) in try Self.numbers(value, "parents", nodes).enumerated().dropFirst()
    where index(parent) == nil {
      throw ModelFormatError(text: "node \(node): the parent is no node")
    }
    return RegressionTree(
      left: left.map { Int32(exactly: $0) ?? -1 }, feature: splitIndices.map { Int32(exactly: $0) ?? 0 },
      value: conditions.map { Float($0) },
      defaultLeft: try Self.numbers(value, "default_left", nodes).map { $0 != 0 },
      cover: try Self.numbers(value, "sum_hessian", nodes).map { Float($0) },
      categorySet: setOfNode, group: group, weight: weight)
  }

  /// Checks that the nodes form one tree, and that splits name features.
  private func check(features: Int, _ setOfNode: [Int32]) throws(ModelFormatError) {
    var seen = [Bool](repeating: false, count: nodes)
    var waiting = [0]
    while let node = waiting.popLast() {
      guard !seen[node] else { throw ModelFormatError(text: "node \(node) is reached twice") }
      seen[node] = true
      let isLeaf = left[node] == -1 && right[node] == -1
      let isNumber = isLeaf || setOfNode.isEmpty || setOfNode[node] < 0
      guard !isNumber || Float(conditions[node]).isFinite else {
        throw ModelFormatError(text: "node \(node): not a finite number")
      }
      if isLeaf { continue }
      guard let first = index(left[node]), let second = index(right[node]) else {
        throw ModelFormatError(text: "node \(node): a child is no node")
      }
      // libxgboost takes the node behind the left child for the right one, whatever the file says.
      guard second == first + 1 else {
        throw ModelFormatError(text: "node \(node): the right child is not the node behind the left one")
      }
      guard splitIndices[node] >= 0, splitIndices[node] < Double(features),
        splitIndices[node] == splitIndices[node].rounded(.towardZero)
      else { throw ModelFormatError(text: "node \(node): splits on a feature that the model does not have") }
      waiting.append(first)
      waiting.append(second)
    }
  }

  private func index(_ value: Double) -> Int? {
    guard let index = Int(exactly: value), index >= 0, index < nodes else { return nil }
    return index
  }

  /// For each node its set; empty when no split is categorical.
  private func categorySets(_ sets: inout CategorySets) throws(ModelFormatError) -> [Int32] {
    guard value["split_type"] != nil else { return [] }
    let types = try Self.numbers(value, "split_type", nodes)
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
