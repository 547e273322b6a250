public import Dataflow
internal import Features
internal import Foundation
public import Registry
public import Report
internal import Scorer
public import XGBoost

/// Trains a pipeline's models: with libxgboost, but for isolation forests.
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
    let label = model.kind == .anomaly ? nil : try Self.column(of: model, in: set)
    let weight = try Self.weight(of: model, in: set)
    let split = set.split(
      label: label, heldBackShare: options.heldBackShare, seed: options.seed,
      time: options.timeSplit)
    let roles = TrainingRoles(
      set, split, label: label, weight: weight, stopsApart: model.kind != .regression && label != nil,
      seed: options.seed)
    let check = TrainingCheck(model, roles, set.columnNames)
    try check.refuse()
    do {
      let path = try folder.path(of: model.file)
      guard let format = ModelFormat(path: path) else { throw RegistryError(.invalidName, path) }
      let recipe = Recipe(model.training, options.recipe)
      var trained = try trained(model, set, roles, recipe, progress)
      trained.warnings = check.warnings + trained.warnings.map { "model \(model.name): \($0)" }
      let bytes = try trained.model.serialized(format)
      let baseline = RidgeBaseline(model, roles, set.columns)
      let evaluation = try evaluation(of: trained, model, set, roles, bytes, path, baseline)
      try evaluated(evaluation)
      return report(
        of: trained, model, set, roles, path: path, version: try folder.write(model.file, bytes),
        baseline: baseline)
    } catch let error as TrainingError {
      throw error
    } catch { throw TrainingError(.failed, "model \(model.name): \(error)") }
  }

  private func trained(
    _ model: ModelDeclaration, _ set: TrainingSet, _ roles: TrainingRoles, _ recipe: Recipe,
    _ progress: (BoostingRound) -> Void
  ) throws -> TrainedModel {
    let trained: TrainedModel
    switch model.kind {
    case .regression, .binary, .classes: trained = try boosted(model, set, roles, recipe, progress)
    case .quantiles(let levels, let group):
      trained = try quantiles(model, levels, group, set, roles, recipe, progress)
    case .anomaly: trained = try anomaly(model, set, roles, recipe)
    }
    try trained.model.setAttribute(FeatureHashes.modelAttribute, set.featureHashes?.text)
    if let postprocessing = trained.postprocessing {
      try trained.model.setAttribute(Postprocessing.attribute, postprocessing.json)
    }
    return trained
  }

  private func evaluation(
    of trained: borrowing TrainedModel, _ model: ModelDeclaration, _ set: TrainingSet, _ roles: TrainingRoles,
    _ bytes: [UInt8], _ path: String, _ baseline: RidgeBaseline?
  ) throws -> Evaluation {
    var evaluation = Evaluation(
      model: model, columns: set.columns, training: set.evaluated(roles.learning, roles.learn),
      heldBack: set.evaluated(roles.heldBack, roles.held), outputs: trained.outputs)
    evaluation.featureHashes = set.featureHashes
    evaluation.rounds = trained.rounds
    evaluation.bestRound = trained.rounds.isEmpty ? nil : trained.bestRound
    evaluation.gains = trained.gains
    let ensemble = try TreeEnsemble(bytes: bytes, name: path)
    evaluation.ensemble = ensemble
    let scorer = try TrainedScorer(ensemble, trained.postprocessing, set.columns)
    evaluation.score = { scorer.score($0, $1, into: $2) }
    evaluation.parameters = trained.parameters
    evaluation.threshold = trained.postprocessing?.threshold
    if let baseline { evaluation.baselines = [Baseline(name: "ridge", outputs: baseline.outputs)] }
    evaluation.notes = trained.notes
    evaluation.warnings = trained.warnings
    evaluation.seed = options.seed
    return evaluation
  }

  private func report(
    of trained: borrowing TrainedModel, _ model: ModelDeclaration, _ set: TrainingSet, _ roles: TrainingRoles,
    path: String, version: ModelVersion, baseline: RidgeBaseline?
  ) -> TrainingReport {
    var report = TrainingReport(
      model: model.name, trainingRows: roles.learning.count, heldBackRows: roles.heldBack.count,
      trainingEntities: set.entityCount(roles.learning), heldBackEntities: set.entityCount(roles.heldBack),
      trees: trained.trees, rounds: trained.rounds.count, parameters: trained.parameters,
      quality: trained.quality, topFeatures: Array(trained.gains.prefix(options.topFeatures)),
      warnings: trained.warnings, path: path, version: version)
    report.stopRows = roles.stopsApart ? roles.stopping.count : 0
    report.baseline = baseline?.quality
    report.notes = trained.notes
    return report
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

  private static func weight(of model: ModelDeclaration, in set: TrainingSet) throws(TrainingError) -> Int? {
    guard model.training.weight != nil else { return nil }
    let name = RowWeights.column(of: model)
    guard let column = set.labelNames.firstIndex(where: { $0.utf8.elementsEqual(name.utf8) }) else {
      throw TrainingError(
        .invalidWeight,
        "model \(model.name): rows have no column \(name), which says what they weigh: export them again")
    }
    return column
  }
}

/// A model with all that a report says of it.
struct TrainedModel: ~Copyable {
  /// The trees.
  var model: Booster
  /// nil: outputs are what the objective makes of the margins.
  var postprocessing: Postprocessing?
  /// For the rows held back, [row][output]: with what was fitted on other ones of them.
  var outputs: [Float]
  var quality: ModelQuality
  var rounds: [BoostingRound] = []
  var bestRound = 0
  /// Rounds of trees that the model has.
  var trees: Int
  var gains: [FeatureGain] = []
  var parameters: [String: String]
  var notes: [String] = []
  var warnings: [String] = []

  init(
    _ model: consuming Booster, outputs: [Float], quality: ModelQuality, trees: Int,
    parameters: [String: String]
  ) {
    self.model = model
    self.outputs = outputs
    self.quality = quality
    self.trees = trees
    self.parameters = parameters
  }
}
