import ArgumentParser
import Configuration
import Dataflow
import Events
import Features
import Foundation
import Registry
import Scorer
import Tables

/// `tally check`: validates a pipeline and says what it computes.
struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Validates a pipeline; prints its features, windows, state and models.",
    discussion: """
      Errors name file, line and column, what was found and what is allowed.

      Examples:
        tally check pipelines/engagement.yaml
        tally check pipelines/engagement.yaml --state     # what Redis holds, number by number
        tally check pipelines/engagement.yaml --models models
        tally check pipelines/engagement.yaml --registry registry    # its production versions
      """)

  @Argument(help: "Pipeline file.", completion: .file(extensions: ["yaml", "yml"])) var file: String
  @Flag(help: "Name the stored series and components, and every category's code.") var state = false
  @Option(help: "Folder of model files: check them, too.", completion: .directory) var models: String?
  @Option(help: "Registry of models: check its production versions, too.", completion: .directory)
  var registry: String?
  @Flag(
    help: "With --models or --registry: let pass models that were trained with features of another meaning.")
  var acceptChangedFeatures = false

  func validate() throws {
    guard models == nil || registry == nil else {
      throw ValidationError("give --models or --registry, not both")
    }
  }

  func run() throws {
    try reporting {
      let pipeline = try LoadedPipeline(file: file)
      printFeatures(pipeline)
      printNumbers(pipeline.declaration.features)
      printCodes(pipeline.program)
      printState(pipeline.program)
      printModels(pipeline.declaration)
      try tryViews(of: pipeline)
      if let place = models ?? registry {
        let files = pipeline.modelFiles(folder: place, registry: registry)
        let served = try pipeline.loadModels(files, acceptsChangedFeatures: acceptChangedFeatures)
        for (name, version) in zip(served.outputNames, served.modelVersions) {
          say("  \(name): version \(version) in \(place) fits")
        }
        for (model, postprocessing) in zip(served.models, served.postprocessing) {
          let summary = postprocessing?.summary ?? ""
          if !summary.isEmpty { say("  \(model.name): \(summary)") }
        }
      }
      for key in pipeline.declaration.features.control {
        say(
          "control events signed by key \(key.id) "
            + (key.since == 0 ? "from the beginning" : "from \(Moment.format(key.since)) on"))
      }
      say("definition \(pipeline.program.definitionHash.hex), state \(pipeline.program.stateHash.hex)")
      say("\(file) is valid")
    }
  }

  /// Warns of views that SQLite would not make of this pipeline's columns.
  private func tryViews(of pipeline: LoadedPipeline) throws {
    let outputs = pipeline.declaration.models.flatMap(\.outputs)
    let context = pipeline.context(
      topic: "", outputs: outputs, versions: outputs.map { _ in "" }, decider: try pipeline.makeDecider())
    for objection in try SQLiteTables.objections(toViewsOf: context) {
      warn("\(objection) (tried on empty SQLite tables of this pipeline alone)")
    }
  }
}
