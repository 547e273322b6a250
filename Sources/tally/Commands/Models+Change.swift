import ArgumentParser
import Configuration
import Dataflow
import Foundation
import Registry

extension Models {
  /// `tally models promote`.
  struct Promote: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Moves an alias to a version.",
      discussion: """
        The version's hash is checked, and that it fits the pipeline, as at the start of tally run. A version that is to become production
        is compared with the present one on the rows that both held back: it is refused when its AUC is lower by more than the margin,
        or, of models without one, its RMSE higher by more than the margin's share. What cannot be compared is said. A pipeline with
        control: in its file, which runs with the registry, takes the new production version at once, at an exact offset:

        1. All running processes load and check the set of its models, the new one among them, and answer in Redis. One that refuses, or
           does not answer within --wait, and nothing is changed; the exit code and the text say who and why.
        2. A signed event is appended to every partition: from the record behind it on the new set scores, in every process, retry and replay.
        3. production moves.

        Interrupted, the same command completes it. Other pipelines serve the version from their next start on.

        Examples:
          tally models promote churn candidate --why "AUC 0.83, was 0.81"
          tally models promote churn 3f2a91bc00d1e4f7 --margin 0.02 --why "fewer features"
          tally models promote churn 3f2a --alias shadow --why "to be watched"
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Argument(help: "VERSION or alias.") var version: String
    @Option(
      help: "production, candidate or shadow.", completion: .list(ModelAlias.allCases.map(\.rawValue)),
      transform: Models.alias)
    var alias = ModelAlias.production
    @Option(help: "How much worse than production it may be: of AUC, or as a share of RMSE.") var margin =
      0.005
    @Option(help: "Why, for the log.") var why: String
    @Flag(help: "Promote it even if it is worse.") var force = false
    @OptionGroup var service: PromotionOptions
    @OptionGroup var options: RegistryOptions

    func validate() throws {
      guard margin.isFinite, margin >= 0 else { throw ValidationError("--margin is 0 or more") }
      try checkWhy(why)
    }

    func run() throws {
      try reportingRegistry {
        let (registration, declaration, registered) = try options.model(model)
        let version = try registered.version(version)
        let content = try registered.read(version)
        try registration.check(
          content.model, as: declaration, acceptsChangedFeatures: options.connection.acceptChangedFeatures)
        if alias == .production { try compare(content.metadata, registered) }
        let reason = ModelRegistration.reason(why)
        if alias == .production {
          say(
            try ServicePromotion(
              settings: try options.open().settings, registration: registration, declaration: declaration,
              options: service
            ).promote(version, .promote, reason))
        }
        guard let move = try registered.promote(version, to: alias, reason: reason) else {
          return say("\(alias.rawValue) of \(registered.title) is \(version.hex) already")
        }
        say(Models.text(of: move, registered))
      }
    }

    private func compare(_ metadata: VersionMetadata, _ registered: RegisteredModel) throws {
      guard let current = try registered.aliases()[.production], current.hex != metadata.version else {
        return
      }
      switch MetricComparison(metadata, beside: try registered.metadata(current), margin: margin) {
      case .notWorse(let text): say(text)
      case .unknown(let text): warn("not compared with production: \(text)")
      case .worse(let text):
        guard force else {
          throw Failure(
            "version \(metadata.version) of \(registered.title) is worse than production by more than --margin \(margin): \(text); "
              + "--force promotes it all the same", reason: .refused)
        }
        warn("worse than production, promoted all the same: \(text)")
      }
    }
  }

  /// `tally models rollback`.
  struct Rollback: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Moves an alias back to the version before.",
      discussion: """
        To where it led before its last promotion; once more: to the one before that. production of a running pipeline is taken back as
        tally models promote puts it in service: a new promotion, to the earlier set.

        Examples:
          tally models rollback churn --why "too many alarms"
          tally models rollback churn --alias shadow --why "a mistake"
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Option(
      help: "production, candidate or shadow.", completion: .list(ModelAlias.allCases.map(\.rawValue)),
      transform: Models.alias)
    var alias = ModelAlias.production
    @Option(help: "Why, for the log.") var why: String
    @OptionGroup var service: PromotionOptions
    @OptionGroup var options: RegistryOptions

    func validate() throws { try checkWhy(why) }

    func run() throws {
      try reportingRegistry {
        let (registration, declaration, registered) = try options.model(model)
        let reason = ModelRegistration.reason(why)
        if alias == .production {
          let version = try registered.former()
          try registration.check(
            try registered.read(version).model, as: declaration,
            acceptsChangedFeatures: options.connection.acceptChangedFeatures)
          say(
            try ServicePromotion(
              settings: try options.open().settings, registration: registration, declaration: declaration,
              options: service
            ).promote(version, .rollback, reason))
        }
        guard let move = try registered.rollback(alias, reason: reason) else {
          return say("\(alias.rawValue) of \(registered.title) is where it was before")
        }
        say(Models.text(of: move, registered))
      }
    }
  }

  /// `tally models import`.
  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Registers a model file that was made elsewhere, as candidate.",
      discussion: """
        The file, XGBoost's JSON or UBJSON, has to pass every check that serving has: columns and their types, objective, number of
        outputs, and libxgboost's scores in every bit. It has no figures of its own, so promote cannot compare it.

        Examples:
          tally models import churn ~/churn.json --registry registry
          tally models import age_interval quantiles.ubj --pipeline pipelines/age.yaml --registry registry
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Argument(help: "Model file (.json, .ubj).", completion: .file(extensions: ["json", "ubj"])) var file:
      String
    @OptionGroup var options: RegistryOptions

    func run() throws {
      try reportingRegistry {
        let (registration, declaration, _) = try options.model(model)
        let path = SettingsPath.absolute(file) as NSString
        let given = GivenModel(
          file: try ModelFolder(path: path.deletingLastPathComponent).read(path.lastPathComponent),
          source: "import")
        let (registered, version, isNew) = try registration.register(
          given, as: declaration, acceptsChangedFeatures: options.connection.acceptChangedFeatures)
        try registered.promote(
          version, to: .candidate, reason: ModelRegistration.reason("tally models import"))
        say(
          "\(registered.title) \(version.hex) is candidate: \(registered.path(of: version))"
            + (isNew ? "" : "; the same files were there already"))
      }
    }
  }

  /// `tally models verify`.
  struct VerifyAll: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "verify",
      abstract:
        "Recomputes the hash of every version and names what is altered, truncated, foreign or missing.",
      discussion: """
        Of all pipelines in the registry, with their aliases and logs. Exit code 1 when anything is found.

        Examples:
          tally models verify
          tally models verify --registry registry --json
        """)

    @OptionGroup var options: RegistryOptions
    @Flag(help: "One JSON object a finding.") var json = false

    func run() throws {
      try reportingRegistry {
        let (_, registry) = try options.open()
        let models = try registry.models()
        let findings = try registry.findings()
        for finding in findings {
          say(
            json
              ? "{\"place\":\(Terminal.quote(finding.place)),\"problem\":\(Terminal.quote(finding.problem))}"
              : "\(finding.place): \(finding.problem)")
        }
        guard findings.isEmpty else { throw ExitCode.failure }
        let versions = try models.reduce(0) { $0 + (try $1.versions().count) }
        if !json { say("\(versions) versions of \(models.count) models are as they were registered") }
      }
    }
  }

  private static func text(of move: AliasMove, _ model: RegisteredModel) -> String {
    "\(move.alias.rawValue) of \(model.title): \(move.from ?? "nothing") → \(move.to)"
  }

  private static func alias(_ text: String) throws -> ModelAlias {
    guard let alias = ModelAlias(rawValue: text) else {
      throw ValidationError("--alias is " + ModelAlias.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return alias
  }

  private static func checkWhy(_ why: String) throws {
    guard !why.allSatisfy(\.isWhitespace), why.utf8.count <= 1000 else {
      throw ValidationError("--why has 1 to 1000 bytes")
    }
  }
}
