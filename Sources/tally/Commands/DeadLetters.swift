import ArgumentParser
import Configuration
import Dataflow
import Events
import Foundation
import Tables

/// `tally dead-letters`: what could not be scored, and how it gets its second chance.
struct DeadLetters: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dead-letters",
    abstract: "Lists, shows, replays and purges records that could not be scored.",
    discussion: """
      Letters are kept in the pipeline's table, with reason, place in the source topic and all bytes. All commands work while
      tally run does. They stay until dead_letters.keep, a purge, or their entity's erasure takes them. A pipeline without a table has its letters in the dead-letter topic only:
        kcat -C -b BROKERS -t dead-letters -o beginning -e

      Examples:
        tally dead-letters list --counts
        tally dead-letters list --reason future-time --not-replayed
        tally dead-letters show 3/1042
        tally dead-letters replay --reason too-large
        tally dead-letters purge --older-than 90d
      """, subcommands: [List.self, Show.self, Replay.self, Purge.self])
}

/// Which letters, as flags.
struct LetterOptions: ParsableArguments {
  @Option(help: "Only letters with this reason (docs/reference/dead-letters.md lists them).") var reason:
    String?
  @Option(help: "Only letters of this partition of the source topic.") var partition: Int32?
  @Option(help: "Only letters written at this moment or later: RFC 3339 or microseconds since 1970.")
  var since: String?
  @Option(help: "Only letters written before this moment.") var until: String?

  /// Whether any letters are left out.
  var isFiltered: Bool { reason != nil || partition != nil || since != nil || until != nil }

  /// Throws `Failure` for an unknown reason or a moment that cannot be read.
  func filter() throws -> LetterFilter {
    var filter = LetterFilter()
    // Letters of earlier versions have reasons that are gone.
    if let reason, DeadLetterReason(stored: reason) == nil {
      throw Failure(
        "--reason \(reason): there are "
          + DeadLetterReason.allCases.map(\.rawValue).joined(separator: ", "), reason: .usage)
    }
    filter.reason = reason
    filter.partition = partition
    filter.since = try since.map { try Moment.parse($0, flag: "--since") }
    filter.until = try until.map { try Moment.parse($0, flag: "--until") }
    return filter
  }
}

extension DeadLetters {
  /// Why a letter may not be there.
  static let whyGone =
    "letters go by dead_letters.keep, by tally dead-letters purge, and with their entity's erasure"
}
