import Operations
import ArgumentParser
import Configuration
import Dataflow
import Foundation
import Tables

extension DeadLetters {
  /// `tally dead-letters purge`.
  struct Purge: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Removes letters from the table, for good.",
      discussion: """
        Letters go a few hundred at a time, so that tally run is not held up. Counters stay as they are: tally status still tells how
        many there were. What is removed cannot be replayed any more; the records stay in the topic of events, and letters in their own
        topic, as long as those keep them. The setting dead_letters.keep does the same by itself, by age.

        Examples:
          tally dead-letters purge --older-than 90d
          tally dead-letters purge --reason undecodable --partition 3 --dry-run
          tally dead-letters purge --replayed
          tally dead-letters purge 3/1042 3/1043
          tally dead-letters purge --all
        """)

    @Argument(help: "Letters by address, PARTITION/OFFSET.") var addresses: [String] = []
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var letters: LetterOptions
    @Option(help: "Only letters that were written so long ago: 12h, 90d.") var olderThan: String?
    @Flag(help: "Only letters that were replayed.") var replayed = false
    @Flag(help: "Only letters that were not replayed.") var notReplayed = false
    @Flag(help: "All letters.") var all = false
    @Flag(help: "Say what would be done and do nothing.") var dryRun = false

    func validate() throws {
      if replayed && notReplayed { throw ValidationError("give one of --replayed and --not-replayed") }
      let isFiltered = letters.isFiltered || olderThan != nil || replayed || notReplayed
      guard addresses.isEmpty ? all != isFiltered : !all && !isFiltered else {
        throw ValidationError(
          "name letters by address, or by --older-than, --reason, --partition, --since, --until, --replayed, --not-replayed, "
            + "or take --all")
      }
    }

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        var filter = try letters.filter()
        if let olderThan {
          let moment = SystemClock().wallMicros() - (try Tick.span(olderThan, "--older-than")).micros
          filter.until = min(filter.until ?? moment, moment)
        }
        if replayed || notReplayed { filter.isReplayed = replayed }
        let named = try Set(addresses.map { try LetterAddress($0) }).sorted()
        let table = try settings.deadLetterTable(pipeline)
        let counts = try named.isEmpty ? counts(table, filter) : counts(table, named)
        let expected = counts.values.reduce(0, +)
        var removed = expected
        if !dryRun {
          removed = try named.isEmpty ? remove(table, filter, expected: expected) : table.remove(named)
          if removed > 0 { try settings.emptySQLiteLog() }
        }
        let reasons = counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(
          separator: ", ")
        say(
          "dead-letters: \(removed) \(dryRun ? "would be removed" : "removed")"
            + (reasons.isEmpty ? "" : " (\(reasons))")
            + (expected < named.count ? "; \(named.count - expected) were not there" : ""))
      }
    }

    private func counts(_ table: DeadLetterTable, _ filter: LetterFilter) throws -> [String: Int] {
      Dictionary(try table.counts(filter).map { ($0.reason, $0.count) }, uniquingKeysWith: +)
    }

    private func counts(_ table: DeadLetterTable, _ addresses: [LetterAddress]) throws -> [String: Int] {
      var counts: [String: Int] = [:]
      for address in addresses {
        if let letter = try table.letter(at: address) { counts[letter.reason, default: 0] += 1 }
      }
      return counts
    }

    private func remove(_ table: DeadLetterTable, _ filter: LetterFilter, expected: Int) throws -> Int {
      var progress = Progress(what: "dead-letters: removing", total: Int64(expected))
      var removed = 0
      while true {
        let some = try table.removeSome(filter)
        removed += some
        progress.advance(Int64(some))
        guard some == DeadLetterTable.removedAtOnce else { return removed }
      }
    }
  }
}

extension Settings {
  /// Takes SQLite's write-ahead log, which still has what was removed, into the database; does nothing for other tables.
  func emptySQLiteLog() throws {
    guard case .sqlite(let path) = table else { return }
    if try !SQLiteTraces(path: path).emptyLog() {
      note("a reader keeps \(path)-wal, which still has what was removed, until it has ended")
    }
  }
}
