public import Dataflow
public import Features

/// Reads how a model is trained: `training: {trees: 800, monotone: {tenure: increasing}}`.
enum TrainingLoader {
  /// XGBoost's parameters, and what they may be.
  private static let parameters: KeyValuePairs<String, ClosedRange<Double>> = [
    "min_child_weight": 0...1e9, "gamma": 0...1e9, "lambda": 0...1e9, "alpha": 0...1e9,
    "max_delta_step": 0...1e9,
    "subsample": 1e-6...1, "colsample_bytree": 1e-6...1, "colsample_bylevel": 1e-6...1,
    "colsample_bynode": 1e-6...1,
  ]
  private static let weightsMost = 1e9
  private static let weightsLeast = 1e-9

  /// `objective`: what the model learns with.
  static func training(
    _ value: YAMLValue?, label: String?, objective: String
  ) throws(DeclarationError) -> TrainingDeclaration {
    var training = TrainingDeclaration()
    guard let value else { return training }
    guard label != nil else {
      throw DeclarationError(
        value.position, found: "training of a model without a label",
        allowed: "training of models that have a label")
    }
    let section = try value.section()
    try section.allow(
      ["trees", "depth", "eta", "early_stopping", "monotone", "interactions", "class_weights"]
        + parameters.map(\.key))
    training.trees = try section["trees"]?.int(in: TrainingBounds.trees)
    training.depth = try section["depth"]?.int(in: TrainingBounds.depth)
    training.eta = try section["eta"]?.number(in: TrainingBounds.eta)
    training.earlyStopping = try section["early_stopping"]?.int(in: TrainingBounds.earlyStopping)
    for (name, range) in parameters { training.parameters[name] = try section[name]?.number(in: range) }
    for entry in try section["monotone"]?.section().entries ?? [] {
      let direction = try entry.value.choice(of: ["increasing", "decreasing"])
      training.monotone.append(
        MonotoneFeature(
          feature: FeatureMention(name: entry.key, position: entry.position),
          isIncreasing: direction == "increasing"))
    }
    for group in try section["interactions"]?.list() ?? [] {
      var mentions: [FeatureMention] = []
      for item in try group.list() {
        mentions.append(FeatureMention(name: try item.string(), position: item.position))
      }
      guard !mentions.isEmpty else { throw group.wrong(allowed: "a list of features that may meet") }
      training.interactions.append(mentions)
    }
    training.classWeights = try section["class_weights"].map { (value) throws(DeclarationError) in
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
    return training
  }
}

/// Checks features that models' training names; throws at the first that the pipeline has not, or whose values have no order.
public func checkTraining(
  of models: [ModelDeclaration], _ columns: [ColumnDescription]
) throws(DeclarationError) {
  for model in models {
    let mentions = model.training.monotone.map(\.feature) + model.training.interactions.flatMap { $0 }
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
  }
}

private func isUnordered(_ name: String, _ columns: [ColumnDescription]) -> Bool {
  columns.contains { column in
    guard sameBytes(column.name, name), case .category = column.kind else { return false }
    return true
  }
}
