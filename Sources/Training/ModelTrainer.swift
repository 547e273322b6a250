public import Dataflow
internal import Events
internal import Features
public import Registry
public import Report
public import XGBoost

/// Trains a pipeline's models with libxgboost.
///
/// The same rows, options and machine give the same file, byte for byte.
public struct ModelTrainer {
  /// How to train.
  public var options: TrainingOptions

  package init(options: TrainingOptions = TrainingOptions()) { self.options = options }

  /// Trains one model and writes it to its file in the folder, so that readers see the old or the new one,
  /// whole.
  ///
  /// `progress` is called after every round; `evaluated` once, with what a report is made of, before the file is written: what it
  /// throws ends the training, with nothing written.
  public func train(
    _ model: ModelDeclaration, on set: TrainingSet, into folder: ModelFolder,
    progress: (BoostingRound) -> Void = { _ in }, evaluated: (Evaluation) throws -> Void = { _ in }
  ) throws(TrainingError) -> TrainingReport {
    let label = try Self.column(of: model, in: set)
    let split = set.split(
      label: label, heldBackShare: options.heldBackShare, seed: options.seed,
      time: options.timeSplit)
    let training = Sample(set, label: label, rows: split.training)
    let heldBack = Sample(set, label: label, rows: split.heldBack)
    let check = TrainingCheck(model, training, heldBack, set.columnNames)
    try check.refuse()
    do {
      return try train(model, set, split, training, heldBack, folder, check.warnings, progress, evaluated)
    } catch { throw TrainingError(.failed, "model \(model.name): \(error)") }
  }

  private func train(
    _ model: ModelDeclaration, _ set: TrainingSet, _ split: TrainingSplit, _ training: Sample,
    _ heldBack: Sample, _ folder: ModelFolder, _ warnings: [String], _ progress: (BoostingRound) -> Void,
    _ evaluated: (Evaluation) throws -> Void
  ) throws -> TrainingReport {
    let path = try folder.path(of: model.file)
    guard let format = ModelFormat(path: path) else { throw RegistryError(.invalidName, path) }
    let recipe = Recipe(model.training, options.recipe)
    let weights = recipe.classWeights
    let matrix = try training.matrix(weights: weights, threads: options.threads)
    let heldBackMatrix = try heldBack.matrix(weights: weights, threads: options.threads)
    let parameters = parameters(of: model, training) + recipe.parameters(set.columnNames)
    let booster = try Booster(training: matrix, heldBack: heldBackMatrix, parameters: parameters)
    var rounds: [BoostingRound] = []
    let outcome = try booster.train(
      on: matrix, heldBack: heldBackMatrix, rounds: recipe.trees, earlyStoppingRounds: recipe.earlyStopping
    ) { round in
      rounds.append(round)
      progress(round)
      return true
    }
    let best = try booster.limited(toRounds: outcome.bestRound + 1)
    try best.setFeatureNames(set.columnNames)
    try best.setAttribute("best_iteration", String(outcome.bestRound))
    try best.setAttribute("best_score", String(outcome.bestValue))
    try best.setAttribute(FeatureHashes.modelAttribute, set.featureHashes?.text)
    let outputs = try best.predict(heldBackMatrix)
    let quality = ModelQuality(labels: heldBack.labels, predictions: outputs, isBinary: model.isBinary)
    let described = described(parameters, recipe)
    let gains = try best.gains()
    let bytes = try best.serialized(format)
    var evaluation = Evaluation(
      model: model, columns: set.columns, training: set.evaluated(split.training, training),
      heldBack: set.evaluated(split.heldBack, heldBack), outputs: outputs)
    evaluation.featureHashes = set.featureHashes
    evaluation.rounds = rounds
    evaluation.bestRound = outcome.bestRound
    evaluation.gains = gains
    evaluation.ensemble = try TreeEnsemble(bytes: bytes, name: path)
    evaluation.parameters = described
    evaluation.notes = [
      "Training stopped by the rows that these figures are of: rows never seen do a little worse."
    ]
    evaluation.warnings = warnings
    evaluation.seed = options.seed
    try evaluated(evaluation)
    let version = try folder.write(model.file, bytes)
    return TrainingReport(
      model: model.name, trainingRows: split.training.count, heldBackRows: split.heldBack.count,
      trainingEntities: set.entityCount(split.training), heldBackEntities: set.entityCount(split.heldBack),
      trees: outcome.bestRound + 1, rounds: outcome.rounds,
      parameters: described, quality: quality, topFeatures: Array(gains.prefix(options.topFeatures)),
      warnings: warnings, path: path, version: version)
  }

  /// XGBoost's parameters, and what else decides on a model beside its rows.
  private func described(_ parameters: [(name: String, value: String)], _ recipe: Recipe) -> [String: String]
  {
    var all = Dictionary(parameters) { $1 }
    all["rounds"] = "\(recipe.trees)"
    all["early_stopping_rounds"] = "\(recipe.earlyStopping)"
    all["held_back_share"] = "\(options.heldBackShare)"
    if let weights = recipe.classWeights { all["class_weights"] = "0: \(weights.zero), 1: \(weights.one)" }
    return all
  }

  private func parameters(of model: ModelDeclaration, _ training: Sample) -> [(name: String, value: String)] {
    var parameters: [(name: String, value: String)] = [
      ("objective", model.objective), ("tree_method", "hist"),
      ("seed", String(options.seed & 0x7fff_ffff)), ("nthread", String(options.threads)),
    ]
    // The library starts at 0.5; starting at the mean saves the rounds that would only go there.
    if model.isBinary || model.objective == "reg:squarederror" {
      parameters.append(("base_score", String(training.mean(weights: model.training.classWeights))))
      parameters.append(("eval_metric", model.isBinary ? "logloss" : "rmse"))
    }
    return parameters
  }

  private static func column(of model: ModelDeclaration, in set: TrainingSet) throws(TrainingError) -> Int {
    guard let label = model.label else {
      throw TrainingError(.noLabel, "model \(model.name) declares no label, so it cannot be trained here")
    }
    guard let column = set.labelNames.firstIndex(where: { $0.utf8.elementsEqual(label.utf8) }) else {
      throw TrainingError(
        .noLabel,
        "model \(model.name): no label \(label) in the labels file, which has \(set.labelNames.joined(separator: ", "))"
      )
    }
    return column
  }
}
