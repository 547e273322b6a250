import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Foundation
import Tables

extension DeadLetters {
  /// `tally dead-letters replay`.
  struct Replay: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Appends letters to the log again, as they came, and marks them.",
      discussion: """
        Key and value are the original bytes, so the event keeps its id; the header tally-replay names where it came from
        (TOPIC/PARTITION/OFFSET). It goes to the partition that its key belongs to. A letter of the reason wrong-partition
        holds no value, and one of a very large record only its beginning: the record is read from the log again. A letter that was replayed before is left out unless --again is given. Killed between appending and
        marking, a letter is appended once more by the next replay: its event id then makes it a duplicate.

        Letters of the reason corrupt-state come back as duplicates after tally rebuild --entity, since the rebuilt state
        knows their events already.

        Examples:
          tally dead-letters replay 3/1042 3/1043
          tally dead-letters replay --reason too-large --dry-run
          tally dead-letters replay --all
        """)

    @Argument(help: "Letters by address, PARTITION/OFFSET.") var addresses: [String] = []
    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var letters: LetterOptions
    @Flag(help: "All letters.") var all = false
    @Flag(help: "Also letters that were replayed before.") var again = false
    @Flag(help: "Say what would be done and do nothing.") var dryRun = false

    func validate() throws {
      guard addresses.isEmpty == (all || letters.isFiltered) else {
        throw ValidationError(
          "name letters by address, or by --reason, --partition, --since, --until, or take --all")
      }
    }

    func run() throws {
      try reporting {
        let settings = try connection.settings()
        let pipeline = try LoadedPipeline(file: settings.pipeline)
        let table = try settings.deadLetterTable(pipeline)
        let chosen = try choose(table)
        var done = chosen.letters
        var failed = 0
        if !dryRun && !done.isEmpty {
          let replay = LetterReplay(
            access: Deployment(settings, pipeline), table: table, clock: SystemClock())
          (done, failed) = try replay.run(done)
        }
        var counts: [String: Int] = [:]
        for letter in done { counts[letter.reason, default: 0] += 1 }
        let reasons = counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(
          separator: ", ")
        say(
          "dead-letters: \(done.count) \(dryRun ? "would be replayed" : "replayed")"
            + (reasons.isEmpty ? "" : " (\(reasons))")
            + (chosen.passedOver > 0 ? "; \(chosen.passedOver) were replayed before: --again" : ""))
        if failed > 0 { throw ExitCode.failure }
      }
    }

    /// Addresses and reasons only: contents are read when they are sent.
    private func choose(_ table: DeadLetterTable) throws -> (letters: [StoredLetter], passedOver: Int) {
      var found: [StoredLetter] = []
      if addresses.isEmpty {
        try table.forEach(try letters.filter(), contents: false) { letter in
          found.append(letter)
          return true
        }
      } else {
        for address in Set(try addresses.map { try LetterAddress($0) }).sorted() {
          guard let letter = try table.letter(at: address) else {
            throw Failure(
              "there is no dead letter at \(address.text), or no longer (\(DeadLetters.whyGone)); nothing was replayed",
              reason: .notFound
            )
          }
          found.append(letter)
        }
      }
      let due = found.filter { again || $0.replayedAt == nil }
      return (due, found.count - due.count)
    }
  }
}
