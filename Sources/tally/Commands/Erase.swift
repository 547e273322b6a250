import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Foundation
import Ingest
import Kafka
import Pipeline

/// `tally erase`: forgets a person.
struct Erase: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Appends an erasure: a person's state, rows and dead letters go.",
    discussion: """
      The erasure is an event in the log. When the pipeline reaches it, the person's state in Redis goes, and so do the
      rows in scores, latest_scores and dead_letters; a replay of the log ends the same. What comes later starts from
      nothing. Rows and states of replay runs (tally runs) go at once.

      With --wait the command also looks for what is left: a SQLite file must not have the id's bytes any more, in no free part of a
      page and no write-ahead log (it is written anew if it must be and is not large, or with --vacuum), and letters that have the id
      somewhere in their bytes are named.

      Not found are letters of which the person cannot be told: those that have another key and no readable entity id, or the id
      written in another way. Topics keep what they hold (events, scores, dead letters) until their retention ends: Kafka cannot
      take single records back. PostgreSQL keeps removed rows in its files until VACUUM, and in its write-ahead log and backups.

      Examples:
        tally erase alice
        tally erase alice --wait 30     # until the pipeline has done it, and look for what is left
      """)

  @Argument(help: "Entity id.") var id: String
  @OptionGroup var connection: ConnectionOptions
  @Option(
    help:
      "Wait up to so many seconds until state and table are rid of the person, then look for what is left.")
  var wait: Int?
  @Flag(help: "With --wait: write a SQLite file anew if it still has the id's bytes, however large it is.")
  var vacuum = false

  func validate() throws {
    if vacuum && wait == nil { throw ValidationError("--vacuum goes with --wait") }
  }

  func run() throws {
    try reporting {
      let key = Array(id.utf8)
      guard !key.isEmpty, key.count <= 256, !key.contains(where: { $0 < 0x20 || $0 == 0x7f }) else {
        throw Failure("an entity id has 1 to 256 bytes without control characters")
      }
      let settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let rule = try settings.controlRule(pipeline)
      let partitions = try settings.partitionCount()
      let (store, _) = try settings.openStore(pipeline, partitionCount: partitions)
      defer { store.close() }
      try append(settings, key, rule)
      let ends = try settings.ends()
      say("erase: appended to \(settings.topic); done when the pipeline gets there")
      var failure: (any Error)?
      if let wait {
        do { try waitUntilDone(wait, ends, settings, pipeline, store) } catch { failure = error }
      }
      // Last: a run that reads the log may have made them anew meanwhile.
      let runs = try ReplayRuns(live: settings, pipeline: pipeline).erase(key, partitions: partitions, store)
      if !runs.runs.isEmpty {
        say(
          "erase: \(runs.rows) rows and \(runs.states) states removed from replay runs: "
            + runs.runs.joined(separator: ", "))
      }
      for problem in runs.problems {
        complain("tally: the person could not be removed from replay run \(problem)")
      }
      if let failure { throw failure }
      let traces = EraseTraces(settings: settings, pipeline: pipeline, key: key, vacuums: vacuum)
      if wait != nil {
        try traces.remove()
        say("erase: done")
        try traces.tellOfLetters()
      }
      say("erase: \(traces.whatStays)")
      if !runs.problems.isEmpty { throw ExitCode.failure }
    }
  }

  /// To the partition that the person belongs to.
  private func append(_ settings: Settings, _ key: [UInt8], _ rule: ControlRule?) throws {
    let now = SystemClock().wallMicros()
    let appender = try EventAppender(settings)
    defer { appender.close() }
    try appender.append(.erasure, id: "erase-\(now)", entityID: key, time: now, signedBy: rule)
    try appender.flush()
  }

  /// Waits until W and T of all partitions have passed these ends.
  private func waitUntilDone(
    _ seconds: Int, _ ends: [Int64], _ settings: Settings, _ pipeline: LoadedPipeline, _ store: any StateStore
  ) throws {
    let deadline = Date().addingTimeInterval(Double(seconds))
    let numbers = ends.indices.map { Int32($0) }
    repeat {
      let records = try store.records(numbers).map { $0.flatMap { PartitionRecord.decode($0)?.record } }
      let table = try settings.tablePositions(pipeline, numbers)
      let isDone = ends.indices.allSatisfy { index in
        let next = records[index]?.nextOffset ?? 0
        return (next >= ends[index] || ends[index] == 0)
          && (table[index]?.next ?? next) >= min(next, ends[index])
      }
      if isDone { return }
      usleep(200_000)
    } while Date() < deadline
    throw Failure(
      "the pipeline has not got there within \(seconds) s; is tally run working? See tally status")
  }
}
