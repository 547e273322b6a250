import Configuration
import Dataflow
import Features
import Registry
import Scorer

/// The models that a process begins with, and the sets that promotions may put in force on the way.
struct PipelineModels: Sendable {
  /// Why the log of a run is read, which says what is done about sets that cannot be loaded.
  enum Purpose {
    /// `tally run`: the first one with a registry notes what the pipeline begins with.
    case live
    /// A bounded log; `isTopic`: that of the topic, of which the registry knows where promotions lie.
    case bounded(isTopic: Bool)
    /// As `bounded`; whatever promotions say, the first models score all.
    case oneSet
  }

  /// What the process begins with: the models of a folder, or the registry's in production.
  let first: ServedModels
  /// nil: there is no registry.
  let loader: ModelSetLoader?
  private let notes: PromotionLog?
  private let purpose: Purpose

  /// Loads the first models. Throws what loading throws, and `Failure` when production is another set than the one in force.
  init(_ settings: Settings, _ pipeline: LoadedPipeline, _ purpose: Purpose) throws {
    first = try pipeline.loadModels(settings)
    self.purpose = purpose
    guard let registry = settings.registry else {
      (loader, notes) = (nil, nil)
      return
    }
    loader = try ModelSetLoader(settings, pipeline, registry, first: first)
    // Without keys there are no promotions: what production leads to at the start is served, as of files.
    guard !pipeline.declaration.features.control.isEmpty else {
      notes = nil
      return
    }
    let log = try PromotionLog(ModelRegistry(path: registry), pipeline: pipeline.declaration.name)
    if case .live = purpose {
      try log.begin(with: first, try Self.production(ModelRegistry(path: registry), pipeline, first))
    }
    if case .bounded(let isTopic) = purpose, !isTopic { notes = nil } else { notes = log }
  }

  /// The registered versions of models that production leads to: those that leave trees out have another name in sets.
  static func production(
    _ registry: ModelRegistry, _ pipeline: LoadedPipeline, _ models: ServedModels
  ) throws -> [String: ModelVersion] {
    var found: [String: ModelVersion] = [:]
    for model in models.models {
      found[model.name] = try registry.model(model.name, of: pipeline.declaration.name).aliases()[.production]
    }
    return found
  }

  /// The sets as one worker scores with them; `scorer`: its scorer of the first one.
  func sets(_ scorer: any RowScorer) -> any ModelSets {
    let hash = first.modelSet.hashHex
    var waits = true
    switch purpose {
    case .oneSet: return OneModelSet(scorer)
    case .bounded: waits = false
    case .live: break
    }
    guard let loader else {
      return OneModelSet(
        scorer, hash: hash,
        advice:
          "a folder of models has no sets by their hash: score from the registry that it was promoted in (--registry)"
          + (waits
            ? "" : "; tally replay --one-model-set scores all events with the models that are there now"),
        waits: waits)
    }
    return RegistrySets(notes: notes, waits: waits) { ForestScorer(try loader.models(of: $0)) }
  }

  /// What is known of promotions, where nothing is scored.
  static func knowledge(
    _ settings: Settings, _ pipeline: LoadedPipeline, _ scorer: any RowScorer
  ) throws -> any ModelSets {
    guard let registry = settings.registry, !pipeline.declaration.features.control.isEmpty else {
      return OneModelSet(scorer)
    }
    let log = try PromotionLog(ModelRegistry(path: registry), pipeline: pipeline.declaration.name)
    return RegistrySets(notes: log, waits: true) { _ in scorer }
  }
}

extension PromotionLog {
  /// Notes what the pipeline begins with, the first time. Later: throws `Failure` when production leads to another set than the last promotion
  /// has put in force.
  fileprivate func begin(with models: ServedModels, _ versions: [String: ModelVersion]) throws {
    let set = models.modelSet.hashHex
    try whileLocked {
      let known = try inForce()
      guard let last = known.last else {
        try keep(versions, as: set)
        return try append(
          PromotionNote(
            number: 0, set: set, action: .baseline, model: nil, version: nil,
            reason: ModelRegistration.reason("the pipeline begins with it"), from: nil))
      }
      guard last.set != set else { return }
      // The alias moves last: whoever was killed before has put the set in force all the same.
      guard known.dropLast().last?.set != set else {
        return warn(
          "promotion \(last.number) was interrupted before production was moved: repeat it, with tally models promote \(last.model ?? "MODEL") "
            + "\(last.version ?? "VERSION")")
      }
      throw Failure(
        "production leads to the set of models \(set), and \(last.number == 0 ? "the pipeline began with" : "promotion \(last.number) has put in force") "
          + "\(last.set): a start does not change models; promote the version that production leads to (tally models promote), or take the "
          + "alias back (tally models rollback)", reason: .refused)
    }
  }
}
