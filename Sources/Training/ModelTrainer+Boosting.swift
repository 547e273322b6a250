internal import Dataflow
internal import Foundation
internal import Scorer
internal import XGBoost

extension ModelTrainer {
  /// Boosts with an objective of the library: numbers, two classes or several.
  func boosted(
    _ model: ModelDeclaration, _ set: TrainingSet, _ roles: TrainingRoles, _ recipe: Recipe,
    _ progress: (BoostingRound) -> Void
  ) throws -> TrainedModel {
    let (weights, stopWeights) = (
      roles.learn.weights(recipe.classWeights), roles.stop.weights(recipe.classWeights)
    )
    let matrix = try roles.learn.matrix(weights: weights, threads: options.threads)
    let stopMatrix = try roles.stop.matrix(weights: stopWeights, threads: options.threads)
    let parameters = parameters(of: model, roles.learn, weights) + recipe.parameters(set.columnNames)
    let booster = try Booster(training: matrix, heldBack: stopMatrix, parameters: parameters)
    var rounds: [BoostingRound] = []
    let outcome = try booster.train(
      on: matrix, heldBack: stopMatrix, rounds: recipe.trees, earlyStoppingRounds: recipe.earlyStopping
    ) { round in
      rounds.append(round)
      progress(round)
      return true
    }
    let best = try booster.limited(toRounds: outcome.bestRound + 1)
    try best.setAttribute("best_iteration", String(outcome.bestRound))
    try best.setAttribute("best_score", String(outcome.bestValue))
    let held = try roles.held.matrix(weights: nil, threads: options.threads)
    var all = described(parameters, recipe)
    var result: Calibrated
    switch model.kind {
    case .binary(let recall):
      // Rows of one class calibrate nothing; those that were learnt from are better than none, and a warning says so.
      let learnt = roles.held.isOfOneClass ? try best.predict(matrix, kind: .margin) : nil
      result = try calibrated(
        try best.predict(held, kind: .margin), recall: recall, roles, set.columns, byLearnt: learnt)
    case .classes(let classes):
      result = try calibrated(
        try best.predict(held, kind: .margin), classes: classes.count, roles, set.columns)
    default:
      let outputs = try best.predict(held)
      result = Calibrated(
        outputs: outputs,
        quality: ModelQuality(labels: roles.held.labels, predictions: outputs, isBinary: model.isBinary))
      result.notes = [
        "Training stopped by the rows that these figures are of: rows never seen do a little worse."
      ]
    }
    for (name, value) in result.parameters { all[name] = value }
    try best.setFeatureNames(set.columnNames)
    let gains = try best.gains()
    var trained = TrainedModel(
      best, outputs: result.outputs, quality: result.quality, trees: outcome.bestRound + 1, parameters: all)
    trained.postprocessing = result.postprocessing
    trained.rounds = rounds
    trained.bestRound = outcome.bestRound
    trained.gains = gains
    trained.notes = result.notes
    trained.warnings = result.warnings
    return trained
  }

  /// XGBoost's parameters, and what else decides on a model beside its rows.
  func described(_ parameters: [(name: String, value: String)], _ recipe: Recipe) -> [String: String] {
    var all = Dictionary(parameters) { $1 }
    all["rounds"] = "\(recipe.trees)"
    all["early_stopping_rounds"] = "\(recipe.earlyStopping)"
    all["held_back_share"] = "\(options.heldBackShare)"
    if let weights = recipe.classWeights { all["class_weights"] = "0: \(weights.zero), 1: \(weights.one)" }
    return all
  }

  private func parameters(
    of model: ModelDeclaration, _ learn: Sample, _ weights: [Float]?
  ) -> [(name: String, value: String)] {
    let objective = model.trainedObjective
    var parameters: [(name: String, value: String)] = [
      ("objective", objective), ("tree_method", "hist"),
      ("seed", String(options.seed & 0x7fff_ffff)), ("nthread", String(options.threads)),
    ]
    if case .classes(let classes) = model.kind {
      parameters += [("num_class", String(classes.count)), ("eval_metric", "mlogloss")]
    }
    // The library starts at 0.5; starting at the mean saves the rounds that would only go there.
    if model.isBinary || objective == "reg:squarederror" {
      parameters.append(("base_score", String(learn.mean(weights: weights))))
      parameters.append(("eval_metric", model.isBinary ? "logloss" : "rmse"))
    }
    return parameters
  }
}

extension ModelDeclaration {
  /// The objective that its kind is trained with.
  var trainedObjective: String {
    switch kind {
    case .regression: objective
    case .binary: "binary:logistic"
    case .classes: "multi:softprob"
    case .quantiles, .anomaly: "reg:squarederror"
    }
  }

  /// Whether labels are 0 and 1, and outputs probabilities.
  var isBinary: Bool { trainedObjective == "binary:logistic" }
}
