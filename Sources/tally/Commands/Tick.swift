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
    abstract: "Appends ticks for people who have fallen silent, so that they are scored again.",
    discussion: """
      Windows empty while a person is silent, but only an event moves the person's as-of time. This command looks at all
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
      else { throw Failure("--idle \(idle): write ascending spans, such as 1d,3d,7d,14d") }
      let pause = try every.map { try Self.span($0, "--every").micros / 1_000_000 }
      let settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let stopped = DispatchSemaphore(value: 0)
      let interrupts = pause == nil ? nil : Interrupts { stopped.signal() }
      defer { withExtendedLifetime(interrupts) {} }
      repeat {
        try tick(settings, pipeline, thresholds)
      } while pause != nil && stopped.wait(timeout: .now() + .seconds(Int(pause ?? 0))) == .timedOut
    }
  }

  private func tick(_ settings: Settings, _ pipeline: LoadedPipeline, _ thresholds: [Span]) throws {
    let moment = try now.map { try FeaturesOf.parse($0, flag: "--now") } ?? SystemClock().wallMicros()
    let rule = try settings.controlRule(pipeline)
    let (store, _) = try settings.openStore(pipeline, partitionCount: try settings.partitionCount())
    defer { store.close() }
    let appender = dryRun ? nil : try EventAppender(settings)
    defer { appender?.close() }
    let state = EntityState(pipeline.program)
    var people: Set<[UInt8]> = []
    var counts = Counts(thresholds: thresholds.count)
    var progress = Progress(what: "tick: looking at states", total: nil)
    try store.forEachState { _, id, bytes in
      // One that is written while we look may be shown twice.
      guard people.insert(id).inserted else { return }
      progress.advance()
      guard state.decode(bytes) else {
        counts.unreadable += 1
        return
      }
      for (index, threshold) in thresholds.enumerated() {
        let due = state.activeTime + threshold.micros
        // The states of events in seconds or milliseconds, which older versions took, can get no valid tick.
        guard due > state.watermark, due <= moment, due >= EventTimeBounds.start else { continue }
        counts.due[index] += 1
        try appender?.append(
          .tick, id: "tick-\(threshold.text)-\(state.activeTime)", entityID: id, time: due, signedBy: rule)
      }
    }
    try appender?.flush()
    report(counts, thresholds, people: people.count)
  }

  private func report(_ counts: Counts, _ thresholds: [Span], people: Int) {
    let list = zip(thresholds, counts.due).map { "\($0.text): \($1)" }.joined(separator: ", ")
    let verb = dryRun ? "would be appended" : "appended"
    say("tick: \(counts.due.reduce(0, +)) ticks \(verb) for \(people) people (\(list))")
    if counts.unreadable > 0 {
      complain(
        "tally: \(counts.unreadable) states cannot be read; their people's next events are dead letters that name them"
      )
    }
  }

  private struct Counts {
    var due: [Int]
    var unreadable = 0

    init(thresholds: Int) { due = Array(repeating: 0, count: thresholds) }
  }

  /// A span of time as it was written.
  struct Span {
    let text: String
    let micros: Int64
  }

  /// Reads `90m`, `12h`, `7d`. Throws `Failure`.
  static func span(_ text: String, _ option: String) throws -> Span {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let count = Int64(text.dropLast()), count > 0,
      count <= 36_500 * 86_400 / unit
    else { throw Failure("\(option) \(text): write a span such as 15m, 12h or 7d") }
    return Span(text: text, micros: count * unit * 1_000_000)
  }
}
