import Configuration
import Dataflow
import Registry
import Scorer
import Synchronization

/// Loads sets of models from a registry, each once for all workers that need it at the same time. It is kept by those who score with it,
/// and, of sets that are proposed, by the loader.
final class ModelSetLoader: Sendable {
  private struct Loaded {
    weak var models: ServedModels?
  }

  private struct State {
    var loaded: [String: Loaded] = [:]
    /// The set that was proposed last: its promotion is about to come.
    var proposed: ServedModels?
  }

  private let state: Mutex<State>
  private let load: @Sendable (String) throws -> ServedModels

  /// A loader of a pipeline's sets; `first` is loaded already.
  init(_ settings: Settings, _ pipeline: LoadedPipeline, _ registry: String, first: ServedModels) throws {
    let registry = ModelRegistry(path: registry)
    let log = try PromotionLog(registry, pipeline: pipeline.declaration.name)
    let (kernel, accepts) = (settings.kernel, settings.acceptsChangedFeatures)
    let pipeline = pipeline
    state = Mutex(State(loaded: [first.modelSet.hashHex: Loaded(models: first)]))
    load = { hash in
      let pinned = PinnedModels(
        registry, pipeline: pipeline.declaration.name, versions: try log.versions(of: hash))
      let models = try pipeline.loadModels(pinned, kernel: kernel, acceptsChangedFeatures: accepts)
      guard models.modelSet.hashHex == hash else {
        throw PortError(
          .misuse, "the versions of the set \(hash) make the set \(models.modelSet.hashHex) here",
          cause:
            "the pipeline's file declares other models, or other trees of them, than when the set was promoted",
          reason: .modelUnusable)
      }
      return models
    }
  }

  /// The models of a set. Waits for others that load. Throws what loading throws.
  func models(of hash: String) throws -> ServedModels {
    try state.withLock { state in
      state.loaded = state.loaded.filter { $0.value.models != nil }
      if let known = state.loaded[hash]?.models { return known }
      let made = try load(hash)
      state.loaded[hash] = Loaded(models: made)
      return made
    }
  }

  /// Loads a set that is proposed, and keeps it until another one is. Throws what loading throws.
  func prepare(_ hash: String) throws {
    let models = try models(of: hash)
    state.withLock { $0.proposed = models }
  }
}

/// The sets of a registry as one worker scores with them.
final class RegistrySets: ModelSets {
  /// What is known of promotions beside the log; nil: nothing, since the log that is read is not the topic's.
  private let notes: PromotionLog?
  private let load: (String) throws -> any RowScorer
  private let waits: Bool
  private var scorers: [String: any RowScorer] = [:]

  /// `waits`: whether a set that cannot be loaded is waited for; else it is refused.
  init(notes: PromotionLog?, waits: Bool, load: @escaping (String) throws -> any RowScorer) {
    self.notes = notes
    self.waits = waits
    self.load = load
  }

  func inForce(at offset: Int64, of partition: Int32) throws -> ModelSetInForce? {
    guard let notes else { return nil }
    do {
      return try notes.inForce(at: offset, of: partition)
    } catch let error as RegistryError {
      throw PortError(.unavailable, "the registry", cause: error.detail, reason: .modelUnusable)
    }
  }

  func scorer(of hash: String) throws -> any RowScorer {
    if let known = scorers[hash] { return known }
    do {
      let made = try load(hash)
      scorers[hash] = made
      return made
    } catch {
      throw PortError(
        waits ? .unavailable : .refused, "the set of models \(hash), which is in force, cannot be loaded",
        cause: "\(error)", reason: .modelUnusable)
    }
  }

  func keep(_ hashes: Set<String>) { scorers = scorers.filter { hashes.contains($0.key) } }
}

extension PromotionLog {
  /// The last promotion below an offset of a partition, or the baseline; nil: there is neither.
  func inForce(at offset: Int64, of partition: Int32) throws -> ModelSetInForce? {
    let place = Int(partition)
    return try inForce().last { note in
      guard note.number > 0 else { return true }
      return note.offsets.map { place < $0.count && $0[place] < offset } ?? false
    }.map { ModelSetInForce(number: $0.number, hash: $0.set) }
  }
}
