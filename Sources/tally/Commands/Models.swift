import ArgumentParser
import Configuration
import Dataflow
import Foundation
import Registry

/// `tally models`: versions of models, and which of them is served.
struct Models: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists, imports, promotes and verifies versions of models.",
    discussion: """
      A registry is a folder (setting registry, or --registry DIR): PIPELINE/MODEL/VERSION/ holds the model's files and metadata.json.
      A version is the hash of its files and never changes. The aliases production, candidate and shadow lead to versions;
      every move is kept with who, when and why. tally train registers candidates; with the setting registry tally run,
      replay, verify, features and check score with production. A process takes a new production version when it starts.

      VERSION is 16 hex digits, at least the first four of them, or an alias.

      Examples:
        tally models list --registry registry
        tally models import churn churn.json --pipeline pipelines/engagement.yaml --registry registry
        tally models diff churn production candidate
        tally models promote churn candidate --why "AUC 0.83, was 0.81"
        tally models rollback churn --why "too many alarms"
        tally models verify
      """,
    subcommands: [
      List.self, Show.self, Diff.self, Promote.self, Rollback.self, VerifyAll.self, Import.self, Delete.self,
    ])
}

/// What every command of `tally models` needs.
struct RegistryOptions: ParsableArguments {
  @OptionGroup var connection: ConnectionOptions

  /// The settings and their registry. Throws `Failure` when there is none.
  func open() throws -> (settings: Settings, registry: ModelRegistry) {
    let settings = try connection.settings()
    guard let path = settings.registry else {
      throw Failure(
        "no registry is set: --registry DIR, or registry: DIR in the configuration file", reason: .usage)
    }
    return (settings, ModelRegistry(path: path))
  }

  /// One model of the pipeline's, with the registry. Throws `Failure` for a model that the pipeline does not declare.
  func model(_ name: String) throws -> (
    registration: ModelRegistration, declaration: ModelDeclaration, model: RegisteredModel
  ) {
    let (settings, registry) = try open()
    let pipeline = try LoadedPipeline(file: settings.pipeline)
    let models = pipeline.declaration.models
    guard let declaration = models.first(where: { $0.name == name }) else {
      throw Failure(
        "\(pipeline.file) declares no model \(name), but \(models.map(\.name).joined(separator: ", "))",
        reason: .notFound)
    }
    return (
      ModelRegistration(registry: registry, pipeline: pipeline), declaration,
      try registry.model(name, of: pipeline.declaration.name)
    )
  }
}

extension Models {
  /// Runs a command's body; errors of the registry get a code.
  static func reportingRegistry(_ body: () throws -> Void) throws {
    try reporting {
      do {
        try body()
      } catch let error as RegistryError {
        let reason: ErrorReason =
          switch error.code {
          case .missing: .notFound
          case .altered: .modelUnusable
          case .busy: .busy
          case .invalidName, .inUse: .usage
          case .failed: .badFile
          }
        throw Failure(error.detail, reason: reason)
      }
    }
  }

  /// A figure for readers.
  static func figure(_ value: Double) -> String { String(format: "%.4g", value) }
}
