import Operations
import ArgumentParser
import Configuration
import Dataflow
import FeatureStore
import Features
import Foundation
import Tables

/// `tally runs`: what replays have left behind.
struct Runs: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Lists replay runs and clears them.",
    discussion: """
      A replay keeps its states (Redis) and rows (a schema or a file of its own) until somebody clears them. Of a person's they are personal
      data: tally erase removes a entity from all runs that are listed here.

      Examples:
        tally runs
        tally runs list --json
        tally runs clear january february
        tally runs clear --all --dry-run
        tally runs clear --of-generation 7694413910445124044     # one that has no table here
      """, subcommands: [List.self, Clear.self], defaultSubcommand: List.self)

  /// All runs; without a look into Redis where the pipeline keeps no state.
  private static func all(_ settings: Settings, _ pipeline: LoadedPipeline) throws -> [ReplayListing] {
    let runs = ReplayRuns(access: Deployment(settings, pipeline))
    guard pipeline.program.keepsState else { return try runs.all(nil) }
    let store = try settings.makeStore(pipeline, partitionCount: 1)
    defer { store.close() }
    return try runs.all(store)
  }

  /// `tally runs list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists replay runs with what they hold.",
      discussion: """
        Counts all rows and looks at every key of the Redis database. First and last: when their rows were written.

        Examples:
          tally runs
          tally runs list --json
        """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "One JSON object a run.") var json = false

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        let found = try Runs.all(settings, pipeline)
        if !json && found.isEmpty { return say("no runs") }
        if !json {
          say(
            "run".padded(30) + ["scores", "entities", "letters", "states"].map { $0.padded(-12) }.joined()
              + "  "
              + "first".padded(28) + "last".padded(28) + "where")
        }
        for listing in found { say(json ? Self.json(listing) : Self.line(listing)) }
      }
    }

    private static func line(_ listing: ReplayListing) -> String {
      let rows = listing.rows
      let numbers = [rows.scores, rows.entities, rows.letters, listing.states].map { "\($0)".padded(-12) }
      let times = [rows.first, rows.last].map { ($0.map(Moment.format) ?? "-").padded(28) }
      return listing.title.padded(30) + numbers.joined() + "  " + times.joined() + listing.place
    }

    private static func json(_ listing: ReplayListing) -> String {
      func number(_ value: Int64?) -> String { value.map { "\($0)" } ?? "null" }
      let name = listing.run.map { "\"\($0.name)\"" } ?? "null"
      let rows = listing.rows
      return
        "{\"run\":\(name),\"generation\":\(listing.generation),\"scores\":\(rows.scores),\"people\":\(rows.entities),"
        + "\"letters\":\(rows.letters),\"states\":\(listing.states),\"first_us\":\(number(rows.first)),"
        + "\"last_us\":\(number(rows.last))}"
    }
  }

  /// `tally runs clear`.
  struct Clear: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes runs: their states, rows and letters.",
      discussion: """
        The same as tally replay --run NAME --discard, for several. A run that is under way must be stopped first. Topics that a run
        wrote to (--to-topic) stay.

        Examples:
          tally runs clear january
          tally runs clear --all --dry-run
          tally runs clear --of-generation 7694413910445124044
        """)

    @Argument(help: "Runs by name, as tally runs lists them.") var names: [String] = []
    @OptionGroup var connection: ConnectionOptions
    @Option(help: "States of a run that has no table here, by their generation.") var ofGeneration: UInt64?
    @Flag(help: "All runs.") var all = false
    @Flag(help: "Say what would be done and do nothing.") var dryRun = false

    func validate() throws {
      guard [!names.isEmpty, ofGeneration != nil, all].count(where: { $0 }) == 1 else {
        throw ValidationError("name runs, or give one of --of-generation and --all")
      }
    }

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        let found = try Runs.all(settings, pipeline)
        let chosen = try choose(found)
        if let shared = chosen.first(where: { $0.rows.hasOthers }) {
          throw Failure(
            "run \(shared.title): another pipeline has rows in the same place (\(shared.place)), and would lose them; nothing was "
              + "removed")
        }
        for listing in chosen {
          let rows = listing.rows
          say(
            "runs: \(listing.title) \(dryRun ? "would be removed" : "removed"): \(rows.scores) scores, \(rows.entities) entities, "
              + "\(rows.letters) letters, \(listing.states) states")
          guard !dryRun else { continue }
          var own = listing.run?.settings(from: settings) ?? settings
          own.generation = listing.generation
          if let run = listing.run {
            try run.discard(Deployment(own, pipeline), hasStore: true)
          } else {
            let states = try own.makeStore(pipeline, partitionCount: 1)
            defer { states.close() }
            try states.removeGeneration()
          }
        }
      }
    }

    private func choose(_ found: [ReplayListing]) throws -> [ReplayListing] {
      if all { return found }
      if let ofGeneration {
        guard let listing = found.first(where: { $0.generation == ofGeneration }) else {
          throw Failure("no run has the generation \(ofGeneration); tally runs lists them", reason: .notFound)
        }
        return [listing]
      }
      return try names.map { name in
        guard let listing = found.first(where: { $0.run?.name == name }) else {
          let known = found.compactMap { $0.run?.name }
          throw Failure(
            "there is no run \(name); there are "
              + (known.isEmpty ? "none" : known.joined(separator: ", ")) + "; nothing was removed",
            reason: .notFound)
        }
        return listing
      }
    }
  }
}
