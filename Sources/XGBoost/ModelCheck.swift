/// Whether the bytes of a file are a model that libxgboost 1.7.4 can be given.
///
/// The library trusts its files: nesting ends its stack, a child or a feature outside its array is read all the same,
/// a tree that is its own descendant never ends. Refused here, before the library sees them: all of that, and models
/// that this program does not serve (other boosters than gbtree, several outputs a row, categorical splits).
/// File format: XGBoost 1.7, doc/model.schema and src/tree/tree_model.cc.
enum ModelCheck {
  /// More columns than any pipeline has.
  static let featuresMax = 1 << 16

  /// Throws why not.
  static func check(_ bytes: [UInt8], _ format: ModelFormat) throws(ModelFormatError) {
    guard !bytes.isEmpty else { throw ModelFormatError(text: "the file is empty") }
    try check(try document(bytes, format))
  }

  /// The bytes as libxgboost reads them from a buffer: it tells the forms apart by `{"` or `{L` at the beginning, and
  /// takes no space in an empty list. JSON as it writes it itself has no space at all and stays as it is.
  static func libraryForm(of bytes: [UInt8], _ format: ModelFormat) -> [UInt8] {
    if format == .ubj || bytes.starts(with: [UInt8(ascii: "{"), UInt8(ascii: "\"")]) { return bytes }
    var compact: [UInt8] = []
    compact.reserveCapacity(bytes.count)
    var isText = false
    var isEscaped = false
    for byte in bytes {
      if !isText && (byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09) { continue }
      compact.append(byte)
      if byte == UInt8(ascii: "\"") && !isEscaped { isText.toggle() }
      isEscaped = isText && byte == UInt8(ascii: "\\") && !isEscaped
    }
    return compact
  }

  static func document(_ bytes: [UInt8], _ format: ModelFormat) throws(ModelFormatError) -> ModelValue {
    switch format {
    case .json:
      try (bytes + [0]).withUnsafeBufferPointer {
        (all: UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> ModelValue in
        try JSONModelReader.read(zeroTerminated: all)
      }
    case .ubj:
      try bytes.withUnsafeBufferPointer {
        (all: UnsafeBufferPointer<UInt8>) throws(ModelFormatError) -> ModelValue in
        try UBJSONModelReader.read(UnsafeRawBufferPointer(all))
      }
    }
  }

  private static func check(_ root: ModelValue) throws(ModelFormatError) {
    guard let learner = root["learner"], let parameters = learner["learner_model_param"],
      let booster = learner["gradient_booster"], let objective = learner["objective"]
    else { throw ModelFormatError(text: "not a model of XGBoost: parts are missing") }
    let features = try whole(parameters, "num_feature", 1...featuresMax)
    for name in ["num_class", "num_target"] where parameters[name] != nil {
      let count = try whole(parameters, name, 0...Int(Int32.max))
      if count > 1 { throw ModelFormatError(text: "\(count) outputs a row (\(name)); one is allowed") }
    }
    try checkObjective(objective)
    if let names = learner["feature_names"]?.elements, !names.isEmpty, names.count != features {
      throw ModelFormatError(text: "\(names.count) feature names for \(features) features")
    }
    guard case .text("gbtree") = booster["name"] else {
      throw ModelFormatError(text: "the booster is not gbtree, the only one that is served")
    }
    guard let model = booster["model"] else { throw ModelFormatError(text: "no trees") }
    try checkTrees(model, features: features)
  }

  private static func checkObjective(_ objective: ModelValue) throws(ModelFormatError) {
    guard case .text(let name) = objective["name"],
      ["reg:", "binary:", "count:", "rank:", "survival:"].contains(where: { name.hasPrefix($0) })
    else {
      throw ModelFormatError(
        text: "the objective is not one with one output a row (reg:, binary:, count:, …)")
    }
  }

  private static func checkTrees(_ model: ModelValue, features: Int) throws(ModelFormatError) {
    guard let parameters = model["gbtree_model_param"], let trees = model["trees"]?.elements,
      case .numbers(let groups)? = model["tree_info"]
    else { throw ModelFormatError(text: "no trees") }
    let count = try whole(parameters, "num_trees", 0...Int(Int32.max))
    guard trees.count == count, groups.count == count, groups.allSatisfy({ $0 == 0 }) else {
      throw ModelFormatError(text: "the number of trees is not num_trees, or they make several outputs")
    }
    if parameters["num_parallel_tree"] != nil {
      let parallel = try whole(parameters, "num_parallel_tree", 1...Int(Int32.max))
      guard count % parallel == 0 else { throw ModelFormatError(text: "a round's trees are not complete") }
    }
    var seen = [Bool](repeating: false, count: count)
    for (index, tree) in trees.enumerated() {
      guard case .number(let id)? = tree["id"], let number = Int(exactly: id), seen.indices.contains(number),
        !seen[number]
      else { throw ModelFormatError(text: "tree \(index) has no id of its own") }
      seen[number] = true
      do throws(ModelFormatError) {
        try ModelTreeCheck(tree).check(features: features)
      } catch { throw ModelFormatError(text: "tree \(index): \(error.text)") }
    }
  }

  /// A parameter: written as a text of a whole number.
  static func whole(
    _ object: ModelValue, _ name: String, _ range: ClosedRange<Int>
  ) throws(ModelFormatError) -> Int {
    guard case .text(let text)? = object[name], let value = Int(text), range.contains(value) else {
      throw ModelFormatError(text: "\(name) is not a whole number in \(range.lowerBound)…\(range.upperBound)")
    }
    return value
  }
}

/// The check of one tree.
private struct ModelTreeCheck {
  private let nodes: Int
  private let left: [Double]
  private let right: [Double]
  private let parents: [Double]
  private let splitIndices: [Double]
  private let splitConditions: [Double]

  /// Reads the arrays and checks their lengths.
  init(_ tree: ModelValue) throws(ModelFormatError) {
    guard let parameters = tree["tree_param"] else { throw ModelFormatError(text: "no tree_param") }
    let count = try ModelCheck.whole(parameters, "num_nodes", 1...Int(Int32.max))
    func numbers(_ name: String) throws(ModelFormatError) -> [Double] {
      guard case .numbers(let values)? = tree[name], values.count == count else {
        throw ModelFormatError(text: "\(name) does not have num_nodes numbers")
      }
      return values
    }
    nodes = count
    left = try numbers("left_children")
    right = try numbers("right_children")
    parents = try numbers("parents")
    splitIndices = try numbers("split_indices")
    splitConditions = try numbers("split_conditions")
    for name in ["loss_changes", "sum_hessian", "base_weights", "default_left"] { _ = try numbers(name) }
    for name in ["categories", "categories_nodes", "categories_segments", "categories_sizes"] {
      if let values = tree[name]?.elements, !values.isEmpty {
        throw ModelFormatError(text: "categorical splits are not served")
      }
    }
    if tree["split_type"] != nil, try numbers("split_type").contains(where: { $0 != 0 }) {
      throw ModelFormatError(text: "categorical splits are not served")
    }
  }

  /// Checks that the nodes form one tree, and that splits name features.
  func check(features: Int) throws(ModelFormatError) {
    for node in 1..<max(nodes, 1) where index(parents[node]) == nil {
      throw ModelFormatError(text: "node \(node): the parent is no node")
    }
    var seen = [Bool](repeating: false, count: nodes)
    var waiting = [0]
    while let node = waiting.popLast() {
      guard !seen[node] else { throw ModelFormatError(text: "node \(node) is reached twice") }
      seen[node] = true
      guard splitConditions[node].isFinite else {
        throw ModelFormatError(text: "node \(node): not a finite number")
      }
      if left[node] == -1 && right[node] == -1 { continue }
      guard let first = index(left[node]), let second = index(right[node]) else {
        throw ModelFormatError(text: "node \(node): a child is no node")
      }
      guard splitIndices[node] >= 0, splitIndices[node] < Double(features) else {
        throw ModelFormatError(text: "node \(node): splits on a feature that the model does not have")
      }
      waiting.append(first)
      waiting.append(second)
    }
  }

  private func index(_ value: Double) -> Int? {
    guard let index = Int(exactly: value), index >= 0, index < nodes else { return nil }
    return index
  }
}
