import Operations
import ArgumentParser
import Configuration
import Foundation
import Tables

extension DeadLetters {
  /// `tally dead-letters list`.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Lists letters without their contents, in the order of the log.",
      discussion: """
        Examples:
          tally dead-letters list
          tally dead-letters list --counts
          tally dead-letters list --reason key-mismatch --since 2026-01-31T00:00:00Z --limit 0 --json
        """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var letters: LetterOptions
    @Flag(help: "Only letters that were not replayed.") var notReplayed = false
    @Flag(help: "Only letters that were replayed.") var replayed = false
    @Flag(help: "Numbers by reason instead of letters.") var counts = false
    @Option(help: "Letters to list at most; 0: all.") var limit = 50
    @Flag(help: "One JSON object a line.") var json = false

    func validate() throws {
      if replayed && notReplayed { throw ValidationError("give one of --replayed and --not-replayed") }
      if limit < 0 { throw ValidationError("--limit takes 0 or more") }
    }

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        var filter = try letters.filter()
        let table = try settings.deadLetterTable(pipeline)
        if replayed || notReplayed { filter.isReplayed = replayed }
        if counts { try showCounts(table, filter) } else { try showLetters(table, filter) }
      }
    }

    private func showCounts(_ table: DeadLetterTable, _ filter: LetterFilter) throws {
      let counts = try table.counts(filter)
      if !json { say(Self.columns("reason", "letters", "replayed")) }
      for (reason, count, replayed) in counts {
        say(
          json
            ? "{\"reason\":\"\(reason)\",\"letters\":\(count),\"replayed\":\(replayed)}"
            : Self.columns(reason, "\(count)", "\(replayed)"))
      }
    }

    private static func columns(_ reason: String, _ count: String, _ replayed: String) -> String {
      reason.padded(20) + count.padded(-10) + replayed.padded(-10)
    }

    private func showLetters(_ table: DeadLetterTable, _ filter: LetterFilter) throws {
      if !json {
        say(
          "address".padded(16) + "reason".padded(18) + "written".padded(26) + "replayed".padded(26) + "detail"
        )
      }
      var listed = 0
      try table.forEach(filter, contents: false) { letter in
        guard limit == 0 || listed < limit else { return false }
        listed += 1
        say(json ? Self.json(letter) : Self.line(letter))
        return true
      }
      let all = try table.counts(filter).reduce(0) { $0 + $1.count }
      if !json && all > listed { say("\(listed) of \(all); more with --limit") }
      if !json && all == 0 { say("no letters") }
    }

    private static func line(_ letter: StoredLetter) -> String {
      letter.address.text.padded(16) + letter.reason.padded(18)
        + Moment.format(letter.recordedAt).padded(26)
        + (letter.replayedAt.map(Moment.format) ?? "-").padded(26) + letter.detailForLists
    }

    private static func json(_ letter: StoredLetter) -> String {
      "{\"address\":\"\(letter.address.text)\",\"reason\":\"\(letter.reason)\",\"recorded_at_us\":"
        + "\(letter.recordedAt),\"ingest_time_us\":\(letter.ingestTime.map { "\($0)" } ?? "null"),\"replayed_at_us\":"
        + "\(letter.replayedAt.map { "\($0)" } ?? "null"),\"replays\":\(letter.replays)}"
    }
  }
}

extension StoredLetter {
  /// What a list says of it: the keys that a corrupt state's letter names have entities' ids in them.
  fileprivate var detailForLists: String {
    reason == "corrupt-state" ? "see tally dead-letters show" : detail
  }
}

extension String {
  /// Filled up with blanks on the right, or on the left of a negative width; never cut.
  func padded(_ width: Int) -> String {
    let blanks = String(repeating: " ", count: max(0, abs(width) - count))
    return width < 0 ? blanks + self : self + blanks
  }
}
