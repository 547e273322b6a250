import ArgumentParser
import Configuration
import Dataflow
import FeatureStore
import Features
import Operations
import Registry
import Scorer

/// What promote and rollback take for a running stream.
struct PromotionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How long to wait for the answers of running processes, which load and check the models first.",
      valueName: "seconds"))
  var wait = 60
  @Flag(
    help:
      "Append the promotion although nobody can be asked: of a pipeline without states, whose processes have no Redis to answer in."
  )
  var unasked = false

  func validate() throws {
    guard (1...600).contains(wait) else { throw ValidationError("--wait takes 1 to 600 seconds") }
  }
}

/// Puts a version in service on a running stream, before the alias production moves to it.
struct ServicePromotion {
  let settings: Settings
  let registration: ModelRegistration
  let declaration: ModelDeclaration
  let options: PromotionOptions

  private var pipeline: LoadedPipeline { registration.pipeline }
  private var registry: ModelRegistry { registration.registry }

  /// Promotes the set of all models in force, with this version in place of the model's. Returns when the version is served. Throws
  /// `Failure`; when it was interrupted, the same again completes it.
  func promote(_ version: ModelVersion, _ action: PromotionNote.Action, _ reason: ChangeReason) throws
    -> String
  {
    guard !pipeline.declaration.features.control.isEmpty else {
      return
        "served from the next start on, since \(pipeline.file) has no control: and so takes no promotions"
    }
    let log = try PromotionLog(registry, pipeline: pipeline.declaration.name)
    guard let last = try log.inForce().last else {
      return "served from the first start on: nothing has run with this registry yet"
    }
    var versions = try log.versions(of: last.set)
    versions[declaration.name] = version
    let models = try pipeline.loadModels(
      PinnedModels(registry, pipeline: pipeline.declaration.name, versions: versions),
      kernel: settings.kernel, acceptsChangedFeatures: settings.acceptsChangedFeatures)
    let votes = pipeline.program.keepsState ? try settings.makeProposals(pipeline) : nil
    defer { votes?.close() }
    guard votes != nil || options.unasked else {
      throw Failure(
        "\(pipeline.declaration.name) keeps no state, so that its processes have no Redis in which they could say whether they can score with "
          + "the set; what cannot load it waits, unready, when it meets the promotion: --unasked promotes all the same",
        reason: .refused)
    }
    let promotion = SetPromotion(
      access: Deployment(settings, pipeline), log: log, votes: votes, clock: SystemClock(),
      waitMs: options.wait * 1000)
    let order = SetPromotion.Order(
      versions: versions, set: models.modelSet.hashHex, action: action, model: declaration.name,
      reason: reason)
    guard let note = try promotion.run(order) else {
      return "the set of models \(order.set) is in force already"
    }
    let offsets = (note.offsets ?? []).enumerated().map { "\($0)/\($1)" }.joined(separator: ", ")
    return "promotion \(note.number) to the set of models \(note.set), in force behind \(offsets)"
  }
}
