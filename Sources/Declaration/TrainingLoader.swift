public import Dataflow
public import Features

/// Reads how a model is trained: `training: {trees: 800, monotone: {tenure: increasing}}`.
struct TrainingLoader {
  /// XGBoost's parameters, and what they may be.
  private static let parameters: KeyValuePairs<String, ClosedRange<Double>> = [
    "min_child_weight": 0...1e9, "gamma": 0...1e9, "lambda": 0...1e9, "alpha": 0...1e9,
    "max_delta_step": 0...1e9,
    "subsample": 1e-6...1, "colsample_bytree": 1e-6...1, "colsample_bylevel": 1e-6...1,
    "colsample_bynode": 1e-6...1,
  ]
  /// What an isolation forest is made by.
  private static let anomalyKeys = ["trees", "depth"]
  private static let weightsMost = 1e9
  private static let weightsLeast = 1e-9

  private(set) var training = TrainingDeclaration()
  /// What a row weighs; nil: nothing is said.
  private(set) var weight: ExpressionDeclaration?

  /// `objective`: what the model learns with.
  init(
    _ value: YAMLValue, label: String?, objective: String, kind: ModelKind
  ) throws(DeclarationError) {
    guard label != nil || kind == .anomaly else {
      throw DeclarationError(
        value.position, found: "training of a model without a label",
        allowed: "training of models that have a label, or are of kind: anomaly")
    }
    let section = try value.section()
    try section.allow(
      kind == .anomaly
        ? Self.anomalyKeys
        : [
          "trees", "depth", "eta", "early_stopping", "monotone", "interactions", "class_weights", "weight",
          "tune",
        ] + Self.parameters.map(\.key))
    training.trees = try section["trees"]?.int(in: TrainingBounds.trees)
    training.depth = try section["depth"]?.int(in: TrainingBounds.depth)
    training.eta = try section["eta"]?.number(in: TrainingBounds.eta)
    training.earlyStopping = try section["early_stopping"]?.int(in: TrainingBounds.earlyStopping)
    for (name, range) in Self.parameters { training.parameters[name] = try section[name]?.number(in: range) }
    training.monotone = try Self.monotone(section)
    training.interactions = try Self.interactions(section)
    training.classWeights = try Self.classWeights(section, objective: objective)
    weight = try section["weight"].map { (value) throws(DeclarationError) in
      try DecisionLoader.expression(value)
    }
    for entry in try section["tune"]?.section().entries ?? [] {
      training.tuning[entry.key] = try Self.range(entry)
    }
  }

  private static func monotone(_ section: YAMLSection) throws(DeclarationError) -> [MonotoneFeature] {
    var constraints: [MonotoneFeature] = []
    for entry in try section["monotone"]?.section().entries ?? [] {
      let direction = try entry.value.choice(of: ["increasing", "decreasing"])
      constraints.append(
        MonotoneFeature(
          feature: FeatureMention(name: entry.key, position: entry.position),
          isIncreasing: direction == "increasing"))
    }
    return constraints
  }

  private static func interactions(_ section: YAMLSection) throws(DeclarationError) -> [[FeatureMention]] {
    var groups: [[FeatureMention]] = []
    for group in try section["interactions"]?.list() ?? [] {
      var mentions: [FeatureMention] = []
      for item in try group.list() {
        mentions.append(FeatureMention(name: try item.string(), position: item.position))
      }
      guard !mentions.isEmpty else { throw group.wrong(allowed: "a list of features that may meet") }
      groups.append(mentions)
    }
    return groups
  }

  private static func classWeights(
    _ section: YAMLSection, objective: String
  ) throws(DeclarationError) -> ClassWeights? {
    guard let value = section["class_weights"] else { return nil }
    guard objective.hasPrefix("binary:") else {
      throw DeclarationError(
        value.position, found: "class_weights of a model that learns \(objective)",
        allowed: "class_weights where the objective is binary:logistic or binary:logitraw")
    }
    let weights = try value.section()
    try weights.allow(["0", "1"])
    let range = weightsLeast...weightsMost
    return ClassWeights(
      zero: try weights.required("0").number(in: range), one: try weights.required("1").number(in: range))
  }

  /// `depth: {from: 3, to: 10}` or `eta: {from: 0.01, to: 0.3, log: true}`.
  private static func range(_ entry: YAMLEntry) throws(DeclarationError) -> TuningRange {
    let isWhole = sameBytes(entry.key, "depth")
    let allowed: ClosedRange<Double>
    if isWhole {
      allowed = Double(TrainingBounds.depth.lowerBound)...Double(TrainingBounds.depth.upperBound)
    } else if sameBytes(entry.key, "eta") {
      allowed = TrainingBounds.eta
    } else if let known = parameters.first(where: { sameBytes($0.key, entry.key) }) {
      allowed = known.value
    } else {
      throw DeclarationError(
        entry.position, found: "the key \(quoted(entry.key))",
        allowed: (["depth", "eta"] + parameters.map(\.key)).joined(separator: ", "))
    }
    let section = try entry.value.section()
    try section.allow(["from", "to", "log"])
    func bound(_ key: String) throws(DeclarationError) -> (value: YAMLValue, number: Double) {
      let value = try section.required(key)
      let number =
        isWhole ? Double(try value.int(in: TrainingBounds.depth)) : try value.number(in: allowed)
      return (value, number)
    }
    let (from, to) = (try bound("from"), try bound("to"))
    guard from.number < to.number else { throw to.value.wrong(allowed: "a number above from") }
    let isLogarithmic = try section["log"]?.bool() ?? false
    if isLogarithmic, from.number <= 0 { throw from.value.wrong(allowed: "a number above 0 where log: true") }
    return TuningRange(from.number...to.number, isLogarithmic: isLogarithmic, isWhole: isWhole)
  }
}

/// Checks features that models and their training name; throws at the first that the pipeline has not, or whose values do not do.
public func checkTraining(
  of models: [ModelDeclaration], _ columns: [ColumnDescription]
) throws(DeclarationError) {
  for model in models {
    var mentions = model.training.monotone.map(\.feature) + model.training.interactions.flatMap { $0 }
    if case .quantiles(_, let group?) = model.kind { mentions.append(group) }
    for mention in mentions where !columns.contains(where: { sameBytes($0.name, mention.name) }) {
      throw DeclarationError(
        mention.position, found: "\(quoted(mention.name)), which is no feature",
        allowed: "names of features: \(columns.map(\.name).joined(separator: ", "))")
    }
    for mention in model.training.monotone.map(\.feature) where isUnordered(mention.name, columns) {
      throw DeclarationError(
        mention.position, found: "\(mention.name), a category, whose codes have no order",
        allowed: "numbers, flags and categories that are ordered: true")
    }
    if case .quantiles(_, let group?) = model.kind, !hasGroups(group.name, columns) {
      throw DeclarationError(
        group.position, found: "the group \(group.name), a number",
        allowed: "a category, a flag, or whole numbers from 0, as bucket(\(group.name), …) makes them")
    }
  }
}

private func isUnordered(_ name: String, _ columns: [ColumnDescription]) -> Bool {
  columns.contains { column in
    guard sameBytes(column.name, name), case .category = column.kind else { return false }
    return true
  }
}

/// Whether rows can be told apart by the feature's value.
private func hasGroups(_ name: String, _ columns: [ColumnDescription]) -> Bool {
  columns.contains { sameBytes($0.name, name) && $0.kind != .number }
}
