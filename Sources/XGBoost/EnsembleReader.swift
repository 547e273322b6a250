/// Makes an ensemble of a model file's values, and checks it on the way.
struct EnsembleReader {
  private let reading: ModelReading
  private let release: XGBoostRelease
  private let learner: ModelValue
  private let parameters: ModelValue
  private let features: Int

  /// The ensemble; throws what is wrong with the model, or not served.
  static func read(_ root: ModelValue, _ reading: ModelReading) throws(ModelFormatError) -> TreeEnsemble {
    guard root["Model"] == nil else {
      throw ModelFormatError(text: "a snapshot of a Booster in memory, not a model: write it with save_model")
    }
    guard let learner = root["learner"], let parameters = learner["learner_model_param"],
      let booster = learner["gradient_booster"], let named = learner["objective"]
    else { throw ModelFormatError(text: "not a model of XGBoost: parts are missing") }
    let release = try release(of: root, reading)
    let objective = try objective(named)
    let trees = try BoosterReader(booster)
    try ModelKeys.file.check(root, release)
    let reader = EnsembleReader(
      reading: reading, release: release, learner: learner, parameters: parameters,
      features: try whole(parameters, "num_feature", 1...ModelBytes.featuresMax))
    return try reader.ensemble(objective, named, trees)
  }

  private func ensemble(
    _ objective: Objective, _ named: ModelValue, _ booster: BoosterReader
  ) throws(ModelFormatError) -> TreeEnsemble {
    let groups = try groups(objective)
    let alphas = try Self.alphas(named, objective, groups: groups)
    try Self.checkClasses(named, objective, groups: groups)
    let attributes = try attributes()
    let (trees, sets) = try booster.trees(features: features, groups: groups)
    guard !trees.isEmpty else { throw ModelFormatError(text: "a model without trees") }
    let ends = try booster.roundEnds(trees: trees.count, groups: groups)
    let rounds = try CountedRounds(attributes, ends: ends).counted(reading.trees)
    let sortsOutputs = objective == .quantileError && groups > 1 && release >= XGBoostRelease(3, 4)
    if sortsOutputs, zip(alphas, alphas.dropFirst()).contains(where: { $0 > $1 }) {
      throw ModelFormatError(text: "quantile_alpha does not ascend, which XGBoost \(release) refuses, too")
    }
    return TreeEnsemble(
      release: release, objective: objective, sortsOutputs: sortsOutputs,
      baseScores: try baseScores(objective, groups: groups), featureCount: features,
      featureNames: try texts("feature_names"), featureTypes: try featureTypes(),
      categoryNames: try CategoryNames.read(booster.categoryNames, features: features),
      attributes: attributes, isDart: booster.hasWeights, trees: Array(trees[..<ends[rounds - 1]]),
      categorySets: sets)
  }

  private static func release(
    of root: ModelValue, _ reading: ModelReading
  ) throws(ModelFormatError) -> XGBoostRelease {
    guard let release = XGBoostRelease(file: root) else {
      throw ModelFormatError(text: "the file does not say which release of XGBoost wrote it")
    }
    let compared = XGBoostRelease.compared
    guard compared.contains(release) || reading.acceptsRelease else {
      throw ModelFormatError(
        text: """
          written by XGBoost \(release); files of \(compared.lowerBound) to \(compared.upperBound) were compared with what \
          their release predicts. Save it with one of those, or take the risk: "accept_version: true" for the model in \
          the pipeline (tally forest: --accept-version)
          """)
    }
    return release
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

  private func groups(_ objective: Objective) throws(ModelFormatError) -> Int {
    func count(_ name: String) throws(ModelFormatError) -> Int {
      parameters[name] == nil ? 1 : max(1, try Self.whole(parameters, name, 0...ModelBytes.groupsMax))
    }
    let (classes, targets) = (try count("num_class"), try count("num_target"))
    guard targets == 1 || classes == 1 && !objective.isMultiClass else {
      throw ModelFormatError(text: "several classes of several targets are not served")
    }
    return max(classes, targets)
  }

  /// Throws when the objective is of another number of classes than the model: it is what the library takes.
  private static func checkClasses(
    _ named: ModelValue, _ objective: Objective, groups: Int
  ) throws(ModelFormatError) {
    guard objective.isMultiClass else { return }
    guard let parameters = named["softmax_multiclass_param"],
      try whole(parameters, "num_class", 1...ModelBytes.groupsMax) == groups
    else { throw ModelFormatError(text: "the objective's num_class is not the model's \(groups)") }
  }

  /// The quantiles of `reg:quantileerror`: as many as outputs.
  private static func alphas(
    _ named: ModelValue, _ objective: Objective, groups: Int
  ) throws(ModelFormatError) -> [Float] {
    guard objective == .quantileError else { return [] }
    guard case .text(let text)? = named["quantile_loss_param"]?["quantile_alpha"] else {
      throw ModelFormatError(text: "no quantile_alpha")
    }
    let alphas = numbers(text)
    guard alphas.count == groups, alphas.allSatisfy({ $0 >= 0 && $0 <= 1 }) else {
      throw ModelFormatError(text: "quantile_alpha \(shortened(text)) is not \(groups) numbers in 0…1")
    }
    return alphas
  }

  /// `5E-1`, `[5E-1]` or `[1E-1,5E-1]`; NaN for what is no number.
  private static func numbers(_ text: String) -> [Float] {
    var inner = text[...]
    if inner.hasPrefix("[") && inner.hasSuffix("]") { inner = inner.dropFirst().dropLast() }
    return inner.split(separator: ",", omittingEmptySubsequences: false).map { part in
      let digits = part.filter { $0 != " " }
      return digits.allSatisfy { "0123456789+-.eE".contains($0) } ? Float(digits) ?? .nan : .nan
    }
  }

  /// `0.5`, or from version 3.1 on `[5E-1]` or one for each group.
  ///
  /// From 3.2 on the library keeps probabilities a millionth away from 0 and 1 (src/objective/logistic_obj.h); they are read so.
  private func baseScores(_ objective: Objective, groups: Int) throws(ModelFormatError) -> [Float] {
    guard case .text(let text)? = parameters["base_score"] else {
      throw ModelFormatError(text: "no base_score")
    }
    var scores = Self.numbers(text)
    if objective.transform == .logistic && release >= XGBoostRelease(3, 2) {
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

  /// A text for each feature; none is allowed, too.
  private func texts(_ name: String) throws(ModelFormatError) -> [String] {
    guard let list = learner[name] else { return [] }
    guard let values = list.elements else { throw ModelFormatError(text: "\(name) is not a list") }
    if values.isEmpty { return [] }
    guard values.count == features else {
      let what = name.split(separator: "_").joined(separator: " ")
      throw ModelFormatError(text: "\(values.count) \(what) for \(features) features")
    }
    var texts: [String] = []
    for value in values {
      guard case .text(let text) = value else {
        throw ModelFormatError(text: "one of \(name) is not a text")
      }
      texts.append(text)
    }
    return texts
  }

  private func featureTypes() throws(ModelFormatError) -> [FeatureType] {
    var types: [FeatureType] = []
    for text in try texts("feature_types") {
      guard let type = FeatureType(rawValue: text) else {
        throw ModelFormatError(
          text: "the type \(shortened(text)) of a feature; known are "
            + FeatureType.allCases.map(\.rawValue).joined(separator: ", "))
      }
      types.append(type)
    }
    return types
  }

  private func attributes() throws(ModelFormatError) -> [String: String] {
    guard case .object(let members)? = learner["attributes"] else { return [:] }
    var attributes: [String: String] = [:]
    for member in members { if case .text(let text) = member.value { attributes[member.name] = text } }
    return attributes
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
