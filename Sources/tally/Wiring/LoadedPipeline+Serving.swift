import Configuration
import Dataflow
import Events
import Features
import Monitor
import Pipeline
import Registry
import Scorer

/// What a declared pipeline is served with.
extension LoadedPipeline {
  /// The pipeline's models, loaded and checked once for all workers; what operators should know of them is said.
  func loadModels(
    _ files: any ModelFiles, kernel choice: String = "auto", acceptsChangedFeatures: Bool
  ) throws -> ServedModels {
    guard let kernel = Kernel(choice: choice) else {
      let names = Kernel.available.map(\.rawValue).joined(separator: ", ")
      throw Failure("kernel \(choice): this machine has \(names)", reason: .badSetting)
    }
    let models = try ServedModels(
      models: declaration.models, decisions: declaration.decisions, folder: files, columns: program.columns,
      features: program.featureHashes, acceptsChangedFeatures: acceptsChangedFeatures, kernel: kernel)
    for text in models.notes { note(text) }
    return models
  }

  /// The models of the settings.
  func loadModels(_ settings: Settings) throws -> ServedModels {
    try loadModels(
      modelFiles(settings), kernel: settings.kernel, acceptsChangedFeatures: settings.acceptsChangedFeatures)
  }

  /// Where the settings have the pipeline's models: the registry's production versions, or the folder of model files.
  func modelFiles(_ settings: Settings) -> any ModelFiles {
    modelFiles(folder: settings.models, registry: settings.registry)
  }

  func modelFiles(folder: String, registry: String?) -> any ModelFiles {
    registry.map { AliasedModels(ModelRegistry(path: $0), pipeline: declaration.name) }
      ?? ModelFolder(path: folder)
  }

  /// How the pipeline's model files are read.
  func modelLoading(_ files: any ModelFiles, acceptsChangedFeatures: Bool) -> ModelLoading {
    ModelLoading(
      folder: files, columns: program.columns, features: program.featureHashes,
      acceptsChangedFeatures: acceptsChangedFeatures)
  }

  func makeDecider() throws -> RuleDecider {
    try RuleDecider(
      declaration.decisions, outputNames: declaration.outputNames, results: program.results)
  }

  /// The list of entities that the pipeline declares; nil: none.
  func makeBoard(_ settings: Settings, scorer: any RowScorer) throws -> EntityBoard? {
    guard let board = declaration.board else { return nil }
    return EntityBoard(
      board, context: context(topic: settings.topic, scorer: scorer, decider: try makeDecider()))
  }
}
