/// Makes an ensemble of a model file's values, and checks it on the way.
struct EnsembleReader {
  private var sets = CategorySets()
  private var features = 0

  /// The ensemble; throws what is wrong with the model, or not served.
  static func read(_ root: ModelValue) throws(ModelFormatError) -> TreeEnsemble {
    var reader = EnsembleReader()
    return try reader.ensemble(root)
  }

  private mutating func ensemble(_ root: ModelValue) throws(ModelFormatError) -> TreeEnsemble {
    guard let learner = root["learner"], let parameters = learner["learner_model_param"],
      let booster = learner["gradient_booster"], let named = learner["objective"]
    else { throw ModelFormatError(text: "not a model of XGBoost: parts are missing") }
    features = try Self.whole(parameters, "num_feature", 1...ModelFile.featuresMax)
    let objective = try Self.objective(named)
    let groups = try Self.groups(parameters, objective)
    let names = try Self.names(learner, features: features)
    let (model, weights) = try Self.trees(of: booster)
    let trees = try trees(model, weights: weights, groups: groups)
    return TreeEnsemble(
      objective: objective, baseScores: try Self.baseScores(root, parameters, objective, groups: groups),
      featureCount: features, featureNames: names, attributes: Self.attributes(learner),
      isDart: weights != nil, trees: trees,
      categorySets: sets.sets)
  }

  private static func objective(_ value: ModelValue) throws(ModelFormatError) -> Objective {
    guard case .text(let name)? = value["name"] else {
      throw ModelFormatError(text: "the objective has no name")
    }
    guard let objective = Objective(rawValue: name) else {
      let served = Objective.allCases.map(\.rawValue).joined(separator: ", ")
      throw ModelFormatError(text: "the objective is \(shortened(name)); served are \(served)")
    }
    return objective
  }

  private static func groups(
    _ parameters: ModelValue, _ objective: Objective
  ) throws(ModelFormatError) -> Int {
    func count(_ name: String) throws(ModelFormatError) -> Int {
      parameters[name] == nil ? 1 : max(1, try whole(parameters, name, 0...ModelFile.groupsMax))
    }
    let (classes, targets) = (try count("num_class"), try count("num_target"))
    guard targets == 1 || classes == 1 && !objective.isMultiClass else {
      throw ModelFormatError(text: "several classes of several targets are not served")
    }
    return max(classes, targets)
  }

  /// `0.5`, or from version 3.1 on `[5E-1]` or one for each group.
  ///
  /// From 3.2 on the library keeps probabilities a millionth away from 0 and 1 (src/objective/logistic_obj.h); they are read so.
  private static func baseScores(
    _ root: ModelValue, _ parameters: ModelValue, _ objective: Objective, groups: Int
  ) throws(ModelFormatError) -> [Float] {
    guard case .text(let text)? = parameters["base_score"] else {
      throw ModelFormatError(text: "no base_score")
    }
    var inner = text[...]
    if inner.hasPrefix("[") && inner.hasSuffix("]") { inner = inner.dropFirst().dropLast() }
    var scores = inner.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let digits = part.filter { $0 != " " }
      return digits.allSatisfy { "0123456789+-.eE".contains($0) } ? Float(digits) ?? .nan : .nan
    }
    if objective.transform == .logistic && isFrom(3, 2, root) {
      scores = scores.map { $0.isNaN ? $0 : min(max($0, 1e-6), 1 - 1e-6) }
    }
    // A count of 0 is allowed: its margin is minus infinity, and every score 0.
    guard scores.count == 1 || scores.count == groups,
      scores.allSatisfy({ !objective.baseMargin($0).isNaN && objective.baseMargin($0) < .infinity })
    else {
      throw ModelFormatError(
        text:
          "base_score \(shortened(text)) is not a score of this objective, or one for each of \(groups) outputs"
      )
    }
    return scores.count == groups ? scores : [Float](repeating: scores[0], count: groups)
  }

  /// Whether the file says that it is of this version or a later one.
  private static func isFrom(_ major: Double, _ minor: Double, _ root: ModelValue) -> Bool {
    guard case .numbers(let version)? = root["version"], version.count >= 2 else { return false }
    return version[0] > major || version[0] == major && version[1] >= minor
  }

  private static func names(_ learner: ModelValue, features: Int) throws(ModelFormatError) -> [String] {
    guard let values = learner["feature_names"]?.elements, !values.isEmpty else { return [] }
    guard values.count == features else {
      throw ModelFormatError(text: "\(values.count) feature names for \(features) features")
    }
    var names: [String] = []
    for value in values {
      guard case .text(let name) = value else {
        throw ModelFormatError(text: "a feature's name is not a text")
      }
      names.append(name)
    }
    return names
  }

  private static func attributes(_ learner: ModelValue) -> [String: String] {
    guard case .object(let members)? = learner["attributes"] else { return [:] }
    var attributes: [String: String] = [:]
    for member in members { if case .text(let text) = member.value { attributes[member.name] = text } }
    return attributes
  }

  /// The model of the trees, and DART's weights.
  private static func trees(
    of booster: ModelValue
  ) throws(ModelFormatError) -> (model: ModelValue, weights: [Double]?) {
    switch booster["name"] {
    case .text("gbtree"):
      if let model = booster["model"] { return (model, nil) }
    case .text("dart"):
      guard case .numbers(let weights)? = booster["weight_drop"] else {
        throw ModelFormatError(text: "dart without weight_drop")
      }
      if let model = booster["gbtree"]?["model"] { return (model, weights) }
    case .text(let name):
      throw ModelFormatError(text: "the booster is \(shortened(name)); served are gbtree and dart")
    default: break
    }
    throw ModelFormatError(text: "no trees")
  }

  private mutating func trees(
    _ model: ModelValue, weights: [Double]?, groups: Int
  ) throws(ModelFormatError) -> [RegressionTree] {
    guard let parameters = model["gbtree_model_param"],
      case .numbers(let groupsOfTrees)? = model["tree_info"],
      let trees = model["trees"]?.elements
    else { throw ModelFormatError(text: "no trees") }
    let count = try Self.whole(parameters, "num_trees", 0...Int(Int32.max))
    try Self.checkLeafSize(parameters)
    guard trees.count == count, groupsOfTrees.count == count, weights == nil || weights?.count == count else {
      throw ModelFormatError(text: "the number of trees is not num_trees")
    }
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
    return ordered.compactMap { $0 }
  }

  /// Throws when leaves are vectors.
  static func checkLeafSize(_ parameters: ModelValue) throws(ModelFormatError) {
    guard parameters["size_leaf_vector"] != nil else { return }
    let size = try whole(parameters, "size_leaf_vector", 0...Int(Int32.max))
    guard size <= 1 else { throw ModelFormatError(text: "leaves of \(size) outputs are not served") }
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

  /// A file's text as an error can show it.
  private static func shortened(_ text: String) -> String {
    "\"" + String(text.unicodeScalars.prefix(40).map { $0.isASCII && $0.value >= 32 ? Character($0) : "?" })
      + "\""
  }
}
