public import Dataflow
internal import Foundation

extension ModelTrainer {
  /// Tries `count` recipes of what the model's `training: tune:` allows, by successive halving; best first. It writes nothing.
  ///
  /// Recipes are compared by what training stops by, on entities that are neither learnt from nor held back: the figures of a model that
  /// is trained by the best one afterwards are of rows that had no say in its choice. `progress` is called after every recipe.
  public func tune(
    _ model: ModelDeclaration, on set: TrainingSet, count: Int,
    progress: (_ done: Int, _ all: Int) -> Void = { _, _ in }
  ) throws(TrainingError) -> [Tuning.Trial] {
    guard model.kind != .anomaly else {
      throw TrainingError(
        .noLabel, "model \(model.name) learns no label: there is nothing to compare recipes by")
    }
    guard !model.training.tuning.isEmpty else {
      throw TrainingError(
        .noRanges,
        "model \(model.name) declares nothing to tune, as training: {tune: {depth: {from: 3, to: 10}}}")
    }
    let label = try Self.column(of: model, in: set)
    let weight = try Self.weight(of: model, in: set)
    let split = set.split(
      label: label, heldBackShare: options.heldBackShare, seed: options.seed, time: options.timeSplit)
    let roles = TrainingRoles(set, split, label: label, weight: weight, stopsApart: true, seed: options.seed)
    try TrainingCheck(model, roles, set.columnNames).refuse()
    let tuning = Tuning(model.training, count: count, seed: options.seed)
    let all = tuning.trainings
    var done = 0
    return try tuning.run { trial, share throws(TrainingError) in
      let part = roles.learning(ofShare: share, set, label: label, weight: weight, seed: options.seed)
      var tried = model
      tried.training = trial.recipe
      defer {
        done += 1
        progress(done, all)
      }
      // Too few rows of one class, for example: the recipe is not at fault, and all others have the same rows.
      guard (try? TrainingCheck(tried, part, set.columnNames).refuse()) != nil else { return .nan }
      do {
        return try trained(tried, set, part, Recipe(trial.recipe, options.recipe)) { _ in }.stopValue
      } catch { throw TrainingError(.failed, "model \(model.name): \(error)") }
    }
  }
}
