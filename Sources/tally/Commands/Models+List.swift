import ArgumentParser
import Configuration
import Foundation
import Registry

extension Models {
  /// `tally models list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists all versions with their aliases and figures.",
      discussion: """
        Of all pipelines in the registry, in the order in which they were made. The first figure is the one by which promote compares.

        Examples:
          tally models list
          tally models list --only churn --json
        """)

    @OptionGroup var options: RegistryOptions
    @Option(help: "Only the versions of this model; may be given again.") var only: [String] = []
    @Flag(help: "One JSON object a version.") var json = false

    func run() throws {
      try reportingRegistry {
        let (_, registry) = try options.open()
        var count = 0
        for model in try registry.models() where only.isEmpty || only.contains(model.name) {
          let aliases = try model.aliases()
          let all = try model.versions().compactMap { version -> (ModelVersion, VersionMetadata)? in
            do throws(RegistryError) {
              return (version, try model.metadata(version))
            } catch {
              warn("left out: \(error.detail); tally models verify")
              return nil
            }
          }
          for (version, metadata) in all.sorted(by: {
            ($0.1.createdAt, $0.0.hex) < ($1.1.createdAt, $1.0.hex)
          }) {
            if !json && count == 0 {
              say(
                "model".padded(34) + "version".padded(18) + "made".padded(26) + "figure".padded(18) + "alias")
            }
            count += 1
            let names = aliases.filter { $0.value == version }.map(\.key.rawValue).sorted()
            say(json ? Self.json(metadata, names) : Self.line(model, metadata, names))
          }
        }
        if !json && count == 0 { say("no versions in \(registry.path)") }
      }
    }

    private static func line(_ model: RegisteredModel, _ metadata: VersionMetadata, _ aliases: [String])
      -> String
    {
      let best = ["auc", "rmse"].lazy.compactMap { name in
        metadata.metrics[name].map { "\(name) \(Models.figure($0))" }
      }.first
      return model.title.padded(34) + metadata.version.padded(18) + metadata.createdAt.padded(26)
        + (best ?? "-").padded(18) + (aliases.isEmpty ? "-" : aliases.joined(separator: ", "))
    }

    static func json(_ metadata: VersionMetadata, _ aliases: [String]) -> String {
      let names = aliases.map { Terminal.quote($0) }.joined(separator: ",")
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let text = (try? encoder.encode(metadata)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
      return "{\"aliases\":[\(names)],\"metadata\":\(text)}"
    }
  }

  /// `tally models show`.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows a version: its metadata, its files, where aliases lead, and their moves.",
      discussion: """
        The version's hash is checked.

        Examples:
          tally models show churn production
          tally models show churn 3f2a --json
          tally models show churn candidate --card
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Argument(help: "VERSION or alias.") var version = ModelAlias.production.rawValue
    @OptionGroup var options: RegistryOptions
    @Flag(help: "One JSON object.") var json = false
    @Flag(help: "The version's card, in Markdown; card.html beside it has the plots.") var card = false

    func validate() throws {
      guard !card || !json else { throw ValidationError("give --card or --json, not both") }
    }

    func run() throws {
      try reportingRegistry {
        let (_, _, registered) = try options.model(model)
        let version = try registered.version(version)
        if card { return say(try registered.text(of: "card.md", version)) }
        let content = try registered.read(version)
        let names = try registered.aliases().filter { $0.value == version }.map(\.key.rawValue).sorted()
        if json { return say(List.json(content.metadata, names)) }
        say("\(registered.title) \(version.hex)  \(names.joined(separator: ", "))")
        for line in Diff.fields(of: content.metadata) { say("  \(line.name.padded(28))  \(line.value)") }
        for file in content.metadata.files {
          say("  \("file \(file.name)".padded(28))  \(file.length) bytes, hash \(file.hash)")
        }
        for move in try registered.moves() where move.to == version.hex || move.from == version.hex {
          say(
            "  \(move.at)  \(move.alias.rawValue) \(move.from ?? "nothing") → \(move.to) by \(move.who), \(move.action.rawValue): "
              + move.why)
        }
      }
    }
  }

  /// `tally models diff`.
  struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Shows metadata, parameters and figures of two versions side by side.",
      discussion: """
        Examples:
          tally models diff churn production candidate
          tally models diff churn 3f2a 91bc --json
        """)

    @Argument(help: "Model of the pipeline.") var model: String
    @Argument(help: "VERSION or alias.") var first: String
    @Argument(help: "VERSION or alias.") var second: String
    @OptionGroup var options: RegistryOptions
    @Flag(help: "Only what differs.") var changed = false
    @Flag(help: "One JSON object a line of the table.") var json = false

    func run() throws {
      try reportingRegistry {
        let (_, _, registered) = try options.model(model)
        let both = try [first, second].map { try registered.metadata(try registered.version($0)) }
        let sides = both.map {
          Dictionary(Self.fields(of: $0).map { ($0.name, $0.value) }) { first, _ in first }
        }
        var names = Self.fields(of: both[0]).map(\.name)
        names += Self.fields(of: both[1]).map(\.name).filter { !names.contains($0) }
        let values = names.map { name in sides.map { $0[name] ?? "-" } }
        let width = values.map { $0[0].count }.max() ?? 0
        for (name, pair) in zip(names, values) where !changed || pair[0] != pair[1] {
          if json {
            say(
              "{\"name\":\(Terminal.quote(name)),\"first\":\(Terminal.quote(pair[0])),\"second\":\(Terminal.quote(pair[1]))}"
            )
          } else {
            say("\(pair[0] == pair[1] ? " " : "≠") \(name.padded(28))  \(pair[0].padded(width))  \(pair[1])")
          }
        }
      }
    }

    /// Everything that is known of a version, by name.
    static func fields(of metadata: VersionMetadata) -> [(name: String, value: String)] {
      var fields: [(name: String, value: String)] = [
        ("version", metadata.version), ("source", metadata.source), ("created at", metadata.createdAt),
        ("who", metadata.who), ("code version", metadata.codeVersion), ("algorithm", metadata.algorithm),
        ("objective", metadata.objective),
      ]
      fields += metadata.parameters.sorted { $0.key < $1.key }.map { ("parameter \($0.key)", $0.value) }
      if let data = metadata.data {
        fields += [
          ("rows", "\(data.rows)"), ("rows held back", "\(data.heldBackRows)"), ("data", data.digest),
          ("data held back", data.heldBackDigest),
        ]
      }
      if let seconds = metadata.trainingSeconds { fields.append(("training seconds", "\(seconds)")) }
      fields += metadata.metrics.sorted { $0.key < $1.key }.map { ("figure \($0.key)", "\($0.value)") }
      fields += (metadata.fairness ?? [:]).sorted { $0.key < $1.key }.map {
        ("groups \($0.key)", "\($0.value)")
      }
      return fields
        + metadata.featureHashes.sorted { $0.key < $1.key }.map { ("feature \($0.key)", $0.value) }
    }
  }
}
