public import Dataflow
public import Features
public import Registry
internal import Synchronization
internal import XGBoost

/// A pipeline's models, loaded and checked: what all workers score with. Immutable.
///
/// Every model is compared with libxgboost when it is loaded, see `ForestCheck`.
public final class ServedModels: Sendable {
  /// Output names, those of the first model first.
  public let outputNames: [String]
  /// The models that are there, in order.
  public let models: [ModelDeclaration]
  /// For each output, its model's name.
  public let modelNames: [String]
  /// For each output, its model's version; empty: the model is optional and not there.
  public let modelVersions: [String]
  /// The models as a set, with the hash that partition records carry.
  public let modelSet: ModelSet
  /// The trees of all models, which score a row together.
  public let forest: Forest

  /// For each output, the value from which on its model says yes; NaN: it has chosen none, or is not there.
  public let thresholds: [Float]
  /// For each model that is there, what is made of its margins; nil: what its objective says.
  public let postprocessing: [Postprocessing?]

  /// What is made of outputs of the trees, and the first of them that it is made of.
  private let postprocessors: [(postprocessor: Postprocessor, first: Int)]
  /// For each output that the trees give, its place among `outputNames`; nil: they are the same.
  let places: [Int]?

  /// What operators should know of the models, each once: the model's name and a sentence.
  public let notes: [String]

  /// Loads every model of a pipeline from a models folder, or a registry, and checks it against the pipeline's columns.
  ///
  /// `decisions`: those of the pipeline, some of which need a model's threshold. `features`: what the columns mean, compared with what a
  /// model was trained with; nil: not compared. A difference is an error unless `acceptsChangedFeatures`. Throws `PortError` with code `misuse` that says which file and what to do: a file
  /// that is missing or broken, a model for other features, of another objective, or with another number of outputs than
  /// declared, one of a kind that is not served, one that our evaluation and libxgboost score differently, one whose threshold
  /// is decided by and that has none.
  public init(
    models declarations: [ModelDeclaration], decisions: [DecisionDeclaration] = [], folder: any ModelFiles,
    columns: [ColumnDescription],
    features: FeatureHashes? = nil, acceptsChangedFeatures: Bool = false, kernel: Kernel = .best
  ) throws {
    let loader = ModelLoading(
      folder: folder, columns: columns, features: features, acceptsChangedFeatures: acceptsChangedFeatures)
    outputNames = declarations.flatMap(\.outputs)
    let names = declarations.flatMap { declaration in declaration.outputs.map { _ in declaration.name } }
    modelNames = names
    var absent: [ModelDeclaration] = []
    for declaration in declarations where declaration.isOptional {
      if try !folder.has(declaration.name, file: declaration.file) { absent.append(declaration) }
    }
    let all = declarations
    let declarations = all.filter { !absent.contains($0) }
    models = declarations
    guard !declarations.isEmpty else {
      throw PortError(
        .misuse, "models: none of the files is there, all of which are optional", reason: .modelUnusable)
    }
    let loaded = try declarations.map { try loader.load($0) }
    let ensembles = loaded.map(\.ensemble)
    do throws(XGBoostError) {
      forest = try Forest(ensembles, columns: columns.count, kernel: kernel)
      try forest.check(ensembles, names: loaded.map(\.path))
    } catch { throw PortError(.misuse, "models", cause: error.description, reason: .modelUnusable) }
    var postprocessors: [(postprocessor: Postprocessor, first: Int)] = []
    for (index, model) in loaded.enumerated() {
      guard let postprocessor = model.postprocessor else { continue }
      postprocessors.append((postprocessor, forest.outputs[..<index].reduce(0, +)))
    }
    self.postprocessors = postprocessors
    postprocessing = loaded.map { $0.postprocessor?.postprocessing }
    let chosen = Dictionary(
      uniqueKeysWithValues: zip(declarations.map(\.name), postprocessing.map { $0?.threshold ?? .nan }))
    thresholds = names.map { chosen[$0] ?? .nan }
    let versions = Dictionary(uniqueKeysWithValues: zip(declarations.map(\.name), loaded.map(\.version.hex)))
    modelVersions = names.map { versions[$0] ?? "" }
    let found = names.indices.filter { versions[names[$0]] != nil }
    places = absent.isEmpty ? nil : found
    modelSet = ModelSet(
      zip(declarations, loaded).map { ModelSet.Member(name: $0.name, version: $1.version) })
    notes =
      zip(declarations, loaded).flatMap { declaration, model in
        model.notes.map { "model \(declaration.name): \($0)" }
      }
      + absent.map {
        "model \($0.name) is optional, and \(Self.absence($0, folder)): its outputs are missing"
      }
    try Self.check(decisions, zip(declarations, loaded), chosen)
  }

  /// Throws when a decision asks for the threshold of a model that is there and has none.
  private static func check(
    _ decisions: [DecisionDeclaration], _ models: Zip2Sequence<[ModelDeclaration], [ModelLoading.Loaded]>,
    _ thresholds: [String: Float]
  ) throws {
    for case .modelTrigger(let name, let output) in decisions {
      for (model, loaded) in models where model.outputs == [output] && thresholds[model.name]?.isNaN ?? true {
        throw PortError(
          .misuse, "model \(model.name)",
          cause:
            "\(loaded.path): the model has chosen no threshold, and the decision \(name) is made by it (above: model); "
            + "train it as kind: binary with a recall, or write the number", reason: .modelUnusable)
      }
    }
  }

  /// Scores `count` rows, which lie one after the other, with the models that are there: `forest.outputCount` outputs a row. Nothing is
  /// allocated.
  public func score(
    _ rows: UnsafePointer<Float>, rows count: Int, scratch: ForestScratch,
    into output: UnsafeMutablePointer<Float>
  ) {
    forest.score(rows, rows: count, scratch: scratch, into: output)
    for (postprocessor, first) in postprocessors {
      postprocessor.apply(
        to: output + first, stride: forest.outputCount, rows: rows, columns: forest.columns, count: count)
    }
  }

  private static func absence(_ declaration: ModelDeclaration, _ files: any ModelFiles) -> String {
    files is ModelFolder
      ? "\(declaration.file) is not in \(files.place)" : "no version of it in \(files.place) is in production"
  }
}

/// The models that are served now; they can be replaced while workers score.
///
/// A batch is scored by one set of models, the one that was there when it began.
public final class ModelSlot: Sendable {
  private let models: Mutex<ServedModels>

  /// Begins with `models`.
  public init(_ models: ServedModels) { self.models = Mutex(models) }

  /// The models in service at this moment.
  public var current: ServedModels { models.withLock { $0 } }

  /// Serves other models from the next batch on. Throws `PortError` with code `misuse` when rows or outputs are others:
  /// those are another pipeline.
  public func replace(with other: ServedModels) throws {
    try models.withLock { models in
      guard other.outputNames == models.outputNames, other.forest.columns == models.forest.columns else {
        throw PortError(
          .misuse, "replace models",
          cause: "outputs are \(other.outputNames.joined(separator: ", ")), not "
            + models.outputNames.joined(separator: ", "), reason: .modelUnusable)
      }
      models = other
    }
  }
}
