internal import Dataflow
internal import Features
internal import Foundation
internal import Scorer
internal import XGBoost

extension ModelTrainer {
  /// One set of trees for each quantile, in one file, and shifts that make intervals cover what they promise.
  func quantiles(
    _ model: ModelDeclaration, _ levels: [Double], _ group: FeatureMention?, _ set: TrainingSet,
    _ roles: TrainingRoles, _ recipe: Recipe, _ progress: (BoostingRound) -> Void
  ) throws -> TrainedModel {
    let weights = roles.learn.weights
    let matrix = try roles.learn.matrix(weights: weights, threads: options.threads)
    let parameters = quantileParameters(recipe, set)
    var outcomes: [QuantileBoosting.Outcome] = []
    for level in levels {
      let boosting = QuantileBoosting(
        level: level, recipe: recipe, parameters: parameters, directions: recipe.directions(set.columnNames),
        seed: options.seed)
      // Rounds are counted on from quantile to quantile.
      let before = outcomes.count * recipe.trees
      outcomes.append(
        try boosting.boost(matrix, roles.learn, weights: weights, stop: roles.stop) { round in
          var counted = round
          counted.number += before
          progress(counted)
        })
    }
    let rounds = outcomes.map(\.trees.count).max() ?? 1
    let ensemble = TreeEnsemble(
      trees: Self.interleaved(outcomes.map(\.trees), rounds: rounds), groups: levels.count,
      featureCount: set.columnNames.count)
    let booster = try Booster(reference: ensemble, threads: options.threads)
    try booster.setAttribute("best_iteration", String(rounds - 1))
    let held = try roles.held.matrix(weights: nil, threads: options.threads)
    let margins = try booster.predict(held, kind: .margin)
    let conformal = try calibrated(
      margins, levels: levels, group: try groupColumn(group, model, set), roles, set.columns)
    var all = described(parameters, recipe)
    all["objective"] = "pinball"
    all["eta"] = "\(recipe.eta)"
    for (level, outcome) in zip(levels, outcomes) {
      all["trees_of_quantile_\(level)"] = "\(outcome.trees.count)"
    }
    for (name, value) in conformal.parameters { all[name] = value }
    try booster.setFeatureNames(set.columnNames)
    let gains = try booster.gains()
    var trained = TrainedModel(
      booster, outputs: conformal.outputs, quality: conformal.quality, trees: rounds, parameters: all)
    trained.postprocessing = conformal.postprocessing
    // The middle quantile stands for all where one curve is shown.
    trained.rounds = outcomes[levels.count / 2].rounds
    trained.bestRound = outcomes[levels.count / 2].trees.count - 1
    trained.gains = gains
    trained.notes = conformal.notes
    trained.warnings = conformal.warnings
    return trained
  }

  private func quantileParameters(_ recipe: Recipe, _ set: TrainingSet) -> [(name: String, value: String)] {
    var parameters: [(name: String, value: String)] = [
      ("objective", "reg:squarederror"), ("base_score", "0"), ("tree_method", "hist"),
      ("nthread", String(options.threads)),
    ]
    parameters += recipe.parameters(set.columnNames).filter { $0.name != "eta" }
    parameters.append(("eta", "1"))
    if !parameters.contains(where: { $0.name == "min_child_weight" }) {
      parameters.append(("min_child_weight", String(QuantileBoosting.leafRowsMin)))
    }
    return parameters
  }

  /// Round by round a tree of each quantile; those that stopped earlier go on with leaves of 0.
  private static func interleaved(_ trees: [[RegressionTree]], rounds: Int) -> [RegressionTree] {
    (0..<rounds).flatMap { round in
      trees.enumerated().map { group, own in
        var tree = round < own.count ? own[round] : RegressionTree(leaf: 0, cover: own[0].cover[0])
        tree.group = group
        return tree
      }
    }
  }

  /// The column of the feature that tells groups apart; nil: none is declared.
  private func groupColumn(
    _ group: FeatureMention?, _ model: ModelDeclaration, _ set: TrainingSet
  ) throws -> (name: String, column: Int)? {
    guard let group else { return nil }
    guard let column = set.columnNames.firstIndex(where: { $0.utf8.elementsEqual(group.name.utf8) }) else {
      throw TrainingError(
        .failed, "model \(model.name): the group \(group.name) is none of the rows' features")
    }
    guard !model.training.monotone.contains(where: { $0.feature.name.utf8.elementsEqual(group.name.utf8) })
    else {
      throw TrainingError(
        .failed,
        "model \(model.name): \(group.name) is its group and monotone; shifts of groups could break that: drop one"
      )
    }
    return (group.name, column)
  }

  /// An isolation forest, which needs no label and no library to grow.
  func anomaly(
    _ model: ModelDeclaration, _ set: TrainingSet, _ roles: TrainingRoles, _ recipe: Recipe
  ) throws -> TrainedModel {
    let count = recipe.declaredTrees ?? IsolationForest.treesDefault
    let forest = IsolationForest(
      roles.learn, trees: count, depth: recipe.declaredDepth, seed: options.seed)
    let ensemble = TreeEnsemble(trees: forest.trees, groups: 1, featureCount: set.columnNames.count)
    let booster = try Booster(reference: ensemble, threads: options.threads)
    try booster.setFeatureNames(set.columnNames)
    var outputs: [Float] = []
    if roles.held.count > 0 {
      outputs = [Float](repeating: 0, count: roles.held.count)
      try booster.predict(
        roles.held.values, rows: roles.held.count, columns: roles.held.columns, kind: .margin, into: &outputs)
    }
    let postprocessing = Postprocessing(link: .anomaly(scale: forest.scale))
    outputs = try ServedOutputs(width: 1, columns: set.columns, sample: roles.held).of(
      outputs, Array(0..<roles.held.count), by: postprocessing)
    var trained = TrainedModel(
      booster, outputs: outputs, quality: ModelQuality(anomaly: outputs), trees: count,
      parameters: [
        "algorithm": "isolation forest", "trees": "\(count)", "seed": "\(options.seed)",
        "rows_of_a_tree": "\(min(roles.learn.count, IsolationForest.rowsOfATree))",
        "held_back_share": "\(options.heldBackShare)",
      ])
    trained.postprocessing = postprocessing
    trained.notes = [
      "The forest has not seen the rows held back. It learns no label, so there is nothing to measure it by."
    ]
    return trained
  }
}
