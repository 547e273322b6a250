import Operations
import ArgumentParser
import Configuration
import Dataflow
import Foundation
import Scorer
import Verification

/// `tally verify`: whether what was given live is what the log gives.
struct Verify: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Re-computes a sample of scores from the log and compares them with what was given live.",
    discussion: """
      Chooses a share of the entities by a hash of their ids, reads the topic from where the states began up to where the
      pipeline stands, does over again what it did with their events (the same decoding, states, features, models and
      decisions), and compares, bit for bit: the rows of the tables scores (of the last offsets, see --last) and
      latest_scores, and the states in Redis. Without a table, the states only. It writes nothing and works beside a
      running tally run: every state and row is compared as of the position that it was read at.

      What cannot be compared is counted, with the reason, and stands in the result: rows of models that no promotion in
      the log has put in force (of starts before there were promotions), or of another definition, and those that would lie before the first row of a table that was added later. The report names nobody: places are
      PARTITION/OFFSET. Features of states are compared as of the entity's last event. Memory grows with the sample.

      Where the log no longer reaches back to where the states began, because of its retention, those entities only are compared
      whose stored state counts as many events as the log has of them, so that theirs began within it. --accept-compacted does
      the same for a log that lacks records in its middle.

      Exit codes: 0 all equal, 1 different (or it failed: then without a report), 3 equal as far as the log reaches, 64
      wrong usage.

      Examples:
        tally verify
        tally verify --sample 0.1 --seed 7
        tally verify --sample 1 --all --json
        tally verify --entity alice
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Share of the entities: more than 0, at most 1 (default: 0.01).") var sample: Double?
  @Option(help: "Chooses other entities.") var seed: UInt64 = 0
  @Option(help: "Only this entity.") var entity: String?
  @Option(
    help: "Rows of scores that are compared: of the last N offsets of every partition (default: 1000000).")
  var last: Int64?
  @Flag(help: "Compare all rows of scores.") var all = false
  @Flag(help: .hidden) var acceptShorterLog = false
  @OptionGroup var compacted: CompactedOption
  @Flag(help: "One JSON object.") var json = false

  private static let sampleDefault = 0.01
  private static let lastDefault: Int64 = 1_000_000

  func validate() throws {
    if let sample, !(sample > 0 && sample <= 1) {
      throw ValidationError("--sample takes more than 0, at most 1")
    }
    if let last, last < 1 { throw ValidationError("--last takes a number of offsets: 1 or more") }
    guard last == nil || !all else { throw ValidationError("give one of --last and --all") }
    guard let entity else { return }
    guard !entity.isEmpty else { throw ValidationError("--entity takes an id") }
    guard sample == nil, seed == 0 else {
      throw ValidationError("--entity goes with neither --sample nor --seed")
    }
  }

  func run() throws {
    try reporting {
      let settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let isCompacted = try TopicCheck(settings, pipeline, compacted).enforce().isCompacted
      let share = sample ?? Self.sampleDefault
      let chosen =
        entity.map { EntitySample(only: Array($0.utf8)) } ?? EntitySample(share: share, seed: seed)
      let verification = LogVerification(
        access: Deployment(settings, pipeline),
        makeModels: {
          let models = try PipelineModels(settings, pipeline, .bounded(isTopic: true))
          let scorer = ForestScorer(models.first)
          return (scorer, models.sets(scorer))
        },
        decider: try pipeline.makeDecider(), sample: chosen, only: entity,
        last: all ? nil : last ?? Self.lastDefault, isCompacted: isCompacted)
      let report = try verification.run()
      if json {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        say(String(decoding: try encoder.encode(report), as: UTF8.self))
      } else {
        let who = entity ?? "\((share * 100).formatted()) % of the entities by hash, seed \(seed)"
        say("verify: \(who): \(report.lines[0])")
        for line in report.lines.dropFirst() { say(line) }
      }
      if report.outcome != .equal { throw ExitCode(report.outcome.exitCode) }
    }
  }
}
