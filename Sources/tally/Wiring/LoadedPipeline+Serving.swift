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
    _ folder: String, kernel choice: String = "auto", acceptsChangedFeatures: Bool
  ) throws -> ServedModels {
    guard let kernel = Kernel(choice: choice) else {
      let names = Kernel.available.map(\.rawValue).joined(separator: ", ")
      throw Failure("kernel \(choice): this machine has \(names)", reason: .badSetting)
    }
    let models = try ServedModels(
      models: declaration.models, folder: ModelFolder(path: folder), columns: program.columns,
      features: program.featureHashes, acceptsChangedFeatures: acceptsChangedFeatures, kernel: kernel)
    for text in models.notes { note(text) }
    return models
  }

  /// The models of the settings.
  func loadModels(_ settings: Settings) throws -> ServedModels {
    try loadModels(
      settings.models, kernel: settings.kernel, acceptsChangedFeatures: settings.acceptsChangedFeatures)
  }

  /// How the pipeline's model files are read.
  func modelLoading(_ folder: String, acceptsChangedFeatures: Bool) -> ModelLoading {
    ModelLoading(
      folder: ModelFolder(path: folder), columns: program.columns, features: program.featureHashes,
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
