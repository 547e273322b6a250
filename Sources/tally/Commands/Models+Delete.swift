import ArgumentParser
import Configuration
import Dataflow
import Features
import Operations
import Registry

extension Models {
  /// `tally models delete`.
  struct Delete: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes a version that nothing needs any more.",
      discussion: """
        Refused is a version to which an alias leads, which a set of models in force names, or one that a promotion puts in force within
        what the topic still has, and one that rows of the table name: they could no longer be recomputed. For the last, the whole table may have
        to be read. When the brokers or the table do not answer, it is refused, too.

        Examples:
          tally models delete churn 3f2a91bc00d1e4f7
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Argument(help: "VERSION.") var version: String
    @Flag(help: "Delete it although rows of the table name it.") var force = false
    @OptionGroup var options: RegistryOptions

    func run() throws {
      try reportingRegistry {
        let (registration, _, registered) = try options.model(model)
        let version = try registered.version(version)
        let settings = try options.open().settings
        let title = "version \(version.hex) of \(registered.title)"
        try checkPromotions(version, title, settings, registration)
        // An alias that leads to it is told before the table is read.
        if !force, !(try registered.aliases().values.contains(version)) {
          try checkRows(version, title, settings, registered, registration.pipeline)
        }
        try registered.delete(version)
        say("\(registered.title) \(version.hex) is gone")
      }
    }

    private func checkPromotions(
      _ version: ModelVersion, _ title: String, _ settings: Settings, _ registration: ModelRegistration
    ) throws {
      let pipeline = registration.pipeline
      let log = try PromotionLog(registration.registry, pipeline: pipeline.declaration.name)
      guard try log.need(of: version, of: model, from: nil) != nil else { return }
      // Some promotion names it: whether the topic still has events that are scored with it, the brokers know.
      let partitions = try settings.partitionCount()
      let bounds = try Deployment(settings, pipeline).logPositions((0..<partitions).map { $0 }).bounds
      guard let note = try log.need(of: version, of: model, from: bounds.map(\.low)) else { return }
      let what = note.number == 0 ? "the set that the pipeline began with" : "promotion \(note.number)"
      throw Failure(
        "\(title) is needed by \(what), \(note.set), and the topic still has events that are scored with that set, or are to be; what to do: "
          + "keep it", reason: .refused)
    }

    private func checkRows(
      _ version: ModelVersion, _ title: String, _ settings: Settings, _ registered: RegisteredModel,
      _ pipeline: LoadedPipeline
    ) throws {
      // Where trees are left out, rows have a name of their own for it.
      let best = (try? registered.read(version))?.model.bestVersion.hex
      let names = [version.hex] + (best.map { [$0] } ?? [])
      guard try settings.hasRows(pipeline, of: model, names) else { return }
      throw Failure(
        "\(title): rows of the table scores name it, and could no longer be recomputed; --force deletes it all the same",
        reason: .refused)
    }
  }
}
