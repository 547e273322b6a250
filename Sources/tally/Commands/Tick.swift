import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Features
import Foundation

/// `tally tick`: appends ticks for the silent.
struct Tick: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Appends ticks for readers who have fallen silent, so that they are scored again.",
    discussion: """
      Windows empty while an entity is silent, but only an event moves the entity's as-of time. This command looks at all
      states in the store and appends a tick event for everybody whose last own event is 1, 3, 7 and 14 days old: one a
      threshold, dated at the moment at which the threshold was reached. Run it once a day (cron), or with --every.
      A tick has an id of its own, so a second run appends nothing that is scored twice. Run it when the pipeline has
      caught up (tally status): the store says who is silent.

      Examples:
        tally tick
        tally tick --idle 7d,30d
        tally tick --dry-run
        tally tick --every 1h
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Days (d) or hours (h) of silence after which a tick is due, ascending.")
  var idle = "1d,3d,7d,14d"
  @Option(help: "Pretend that it is this moment: RFC 3339 or microseconds since 1970.") var now: String?
  @Option(help: "Do it again and again, with this pause (15m, 1h, 1d), until stopped.") var every: String?
  @Flag(help: "Count only; append nothing.") var dryRun = false

  func run() throws {
    try reporting {
      let thresholds = try idle.split(separator: ",").map { try Self.span(String($0), "--idle") }
      guard !thresholds.isEmpty, zip(thresholds, thresholds.dropFirst()).allSatisfy({ $0.micros < $1.micros })
      else { throw Failure("--idle \(idle): write ascending spans, such as 1d,3d,7d,14d", reason: .usage) }
      let pause = try every.map { try Self.span($0, "--every").micros / 1_000_000 }
      let settings = try connection.settings()
      let access = Deployment(settings, try LoadedPipeline(file: settings.pipeline))
      let stopped = DispatchSemaphore(value: 0)
      let interrupts = pause == nil ? nil : Interrupts { stopped.signal() }
      defer { withExtendedLifetime(interrupts) {} }
      repeat {
        let moment = try now.map { try Moment.parse($0, flag: "--now") } ?? SystemClock().wallMicros()
        try SilenceTicks(
          access: access, clock: SystemClock(), thresholds: thresholds, isDryRun: dryRun
        ).append(asOf: moment)
      } while pause != nil && stopped.wait(timeout: .now() + .seconds(Int(pause ?? 0))) == .timedOut
    }
  }

  /// Reads `90m`, `12h`, `7d`. Throws `Failure`.
  static func span(_ text: String, _ option: String) throws -> SilenceTicks.Span {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
      count <= 36_500 * 86_400 / unit
    else { throw Failure("\(option) \(text): write a span such as 15m, 12h or 7d", reason: .usage) }
    return SilenceTicks.Span(text: text, micros: count * unit * 1_000_000)
  }
}
