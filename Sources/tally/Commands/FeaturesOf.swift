import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Pipeline

/// `tally features`: one entity's features.
struct FeaturesOf: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Prints an entity's features now, at a later moment, or at an earlier one.",
    discussion: """
      Now means as of the entity's latest event, from the store. A later moment (--as-of) shows how windows empty. An
      earlier one must be made from the log: --from-log reads the topic (or --events FILE) up to that moment.

      Examples:
        tally features alice
        tally features alice --as-of 2026-02-01T00:00:00Z --json
        tally features alice --explain 5
        tally features alice --as-of 2025-12-01T00:00:00Z --from-log
        tally features 721186280 --events profiles.jsonl --ingest-time 2026-11-01T00:00:00Z --set pipeline=pipelines/age.yaml
      """)

  @Argument(help: "Entity id.") var id: String
  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Moment: RFC 3339 (2026-01-31T12:00:00Z) or microseconds since 1970.") var asOf: String?
  @Flag(help: "Make the state from the log instead of the store.") var fromLog = false
  @Option(help: "With --from-log: a file of events instead of the topic.", completion: .file()) var events:
    String?
  @OptionGroup var compacted: CompactedOption
  @OptionGroup var bound: LatestOption
  @Option(help: "Score them, too, and print the N features that move each score the most (TreeSHAP).")
  var explain: Int?
  @Flag(help: "One JSON object.") var json = false

  func validate() throws {
    try bound.check(readsFiles: events != nil)
    if let explain, explain < 1 { throw ValidationError("--explain takes a number of features: 1 or more") }
  }

  func run() throws {
    try reporting {
      let settings = try bound.applied(to: connection.settings(), readsFiles: events != nil)
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      if fromLog && events == nil { try TopicCheck(settings, pipeline, compacted).enforce() }
      let moment = try asOf.map { try Moment.parse($0) }
      let lookup = FeatureLookup(access: Deployment(settings, pipeline), id: Array(id.utf8))
      let features =
        fromLog || events != nil
        ? try lookup.fromTheLog(file: events, until: moment) : try lookup.fromTheStore(asOf: moment)
      let explanation = try explain.map {
        try ScoreExplanation(pipeline, settings, top: $0)
      }
      show(features, pipeline, explanation)
    }
  }

  private func show(
    _ features: EntityFeatures, _ pipeline: LoadedPipeline, _ explanation: ScoreExplanation?
  ) {
    let program = pipeline.program
    let columns = program.columnNames.count
    let row = features.row
    if json {
      let values = (0..<columns).map { "\(Terminal.quote(program.columnNames[$0])):\(Self.number(row[$0]))" }
      say(
        "{\"entity_id\":\(Terminal.quote(id)),\"as_of_us\":\(features.asOf),\"watermark_us\":\(features.watermark),"
          + "\"events\":\(features.events),\"features\":{\(values.joined(separator: ","))}"
          + (explanation.map { ",\"scores\":" + $0.json(of: row) } ?? "") + "}")
      return
    }
    say(
      "\(features.events) events up to \(Moment.format(features.watermark)); as of \(Moment.format(features.asOf))"
    )
    let width = program.columnNames.map(\.count).max() ?? 0
    for column in 0..<columns {
      let name = program.columnNames[column].padding(toLength: width, withPad: " ", startingAt: 0)
      say("  \(name)  \(Self.text(row[column], labels: program.columnLabels[column]))")
    }
    for line in explanation?.lines(of: row) ?? [] { say(line) }
  }

  static func number(_ value: Float) -> String { value.isNaN ? "null" : "\(value)" }

  private static func text(_ value: Float, labels: [String]) -> String {
    if value.isNaN { return "missing" }
    guard !labels.isEmpty else {
      return value == value.rounded() && abs(value) < 1e7 ? "\(Int(value))" : "\(value)"
    }
    return labels.indices.contains(Int(value)) ? labels[Int(value)] : "other"
  }
}
