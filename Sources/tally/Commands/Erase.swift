import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Foundation
import Ingest
import Kafka
import Pipeline

/// `tally erase`: appends an erasure of an entity.
struct Erase: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Appends an erasure: an entity's state, rows and dead letters go.",
    discussion: """
      The erasure is an event in the log. When the pipeline reaches it, the entity's state in Redis goes, and so do the
      rows in scores, latest_scores and dead_letters; a replay of the log ends the same. What comes later starts from
      nothing. Rows and states of replay runs (tally runs) go at once.

      With --wait the command also looks for what is left: a SQLite file must not have the id's bytes any more, in no free part of a
      page and no write-ahead log (it is written anew if it must be and is not large, or with --vacuum), and letters that have the id
      somewhere in their bytes are named.

      Not found are letters of which the entity cannot be told: those that have another key and no readable entity id, or the id
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
      "Wait up to so many seconds until state and table are rid of the entity, then look for what is left.")
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
        throw Failure("an entity id has 1 to 256 bytes without control characters", reason: .usage)
      }
      let settings = try connection.settings()
      let access = Deployment(settings, try LoadedPipeline(file: settings.pipeline))
      let isClean = try Erasure(access: access, clock: SystemClock(), key: key).run(
        waitSeconds: wait, vacuums: vacuum)
      if !isClean { throw ExitCode.failure }
    }
  }
}
