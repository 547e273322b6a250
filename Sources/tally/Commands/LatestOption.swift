import ArgumentParser
import Configuration
import Events

/// Options of the commands that read files, whose records have no broker's timestamp to compare event times with.
struct LatestOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Latest event time of a file's events: RFC 3339 (2026-01-31T12:00:00Z) or microseconds since 1970. One later is a dead letter.",
      valueName: "time"))
  var latest: String?
  @Option(
    help: ArgumentHelp(
      "Ingest time of a file's records, as --latest takes it: where the pipeline's event_time is ingest, and to compare event times with.",
      valueName: "time"))
  var ingestTime: String?

  /// Throws `ValidationError` when there is no file for it.
  func check(readsFiles: Bool) throws {
    guard !readsFiles,
      let option = latest.map({ _ in "--latest" }) ?? ingestTime.map({ _ in "--ingest-time" })
    else { return }
    throw ValidationError("\(option) goes with files only: records of a topic have the brokers' timestamp")
  }

  /// The settings with the bound; says once what reading files without one means. Throws `Failure`.
  func applied(to settings: Settings, readsFiles: Bool) throws -> Settings {
    var bounded = settings
    bounded.fileTime = try ingestTime.map { try Moment.parse($0, flag: "--ingest-time") }
    if let latest {
      bounded.latestTime = try Moment.parse(latest, flag: "--latest")
    } else if readsFiles && bounded.fileTime == nil {
      warn(
        "a file's records have no timestamp: an event dated years ahead would empty its entity's windows for good; "
          + "--latest TIME makes it a dead letter")
    }
    return bounded
  }
}
