import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Foundation
import Sink

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
        if !dryRun && !done.isEmpty { (done, failed) = try replay(done, table, settings, pipeline) }
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
              "there is no dead letter at \(address.text), or no longer (\(DeadLetters.whyGone)); nothing was replayed"
            )
          }
          found.append(letter)
        }
      }
      let due = found.filter { again || $0.replayedAt == nil }
      return (due, found.count - due.count)
    }

    /// Letters appended before they are marked. When all of them are appended a second time, because they could not be
    /// marked, a person's state must know them: it remembers the last 32 event ids.
    private static let pageLetters = 32

    /// Returns the letters that were appended and marked, and the number of those that could not be.
    private func replay(
      _ letters: [StoredLetter], _ table: DeadLetterTable, _ settings: Settings, _ pipeline: LoadedPipeline
    ) throws -> (done: [StoredLetter], failed: Int) {
      let partitions = try settings.partitionCount()
      let (store, homes) = try settings.openStore(pipeline, partitionCount: partitions)
      store.close()
      let appender = try EventAppender(settings)
      defer { appender.close() }
      var progress = Progress(what: "dead-letters: replaying", total: Int64(letters.count))
      var done: [StoredLetter] = []
      var failed = 0
      // A page at a time: appended, acknowledged, then marked.
      for start in stride(from: 0, to: letters.count, by: Self.pageLetters) {
        let page = letters[start..<min(start + Self.pageLetters, letters.count)]
        let logged = try LoggedRecords(settings: settings).read(
          try page.filter { try table.letter(at: $0.address)?.needsLog ?? false }.map(\.address))
        var appended: [StoredLetter] = []
        for listed in page {
          guard let letter = try table.letter(at: listed.address) else {
            complain(
              "tally: the letter \(listed.address.text) is no longer there: it was purged, or its person was erased"
            )
            continue
          }
          if let problem = try append(letter, logged[letter.address], appender, settings.topic, homes) {
            failed += 1
            complain("tally: the letter \(listed.address.text) was left out: \(problem)")
          } else {
            appended.append(listed)
          }
        }
        try appender.flush()
        let now = SystemClock().wallMicros()
        for letter in appended { try table.markReplayed(letter.address, at: now) }
        done += appended
        progress.advance(Int64(page.count))
      }
      return (done, failed)
    }

    /// Appends a letter's record. Returns why it cannot be; nil: it is appended.
    private func append(
      _ letter: StoredLetter, _ logged: LoggedRecord?, _ appender: EventAppender, _ topic: String,
      _ homes: KeyHomes
    ) throws -> String? {
      var (key, value) = (letter.key, letter.value)
      var headers: [(StaticString, String)] = [("tally-replay", "\(topic)/\(letter.address.text)")]
      if letter.needsLog {
        guard let logged else { return "the log no longer has its record" }
        (key, value) = (logged.key, logged.value)
        switch logged.contentType {
        case .json: headers.append(("content-type", "application/json"))
        case .protobuf: headers.append(("content-type", "application/x-protobuf"))
        case .unspecified, .unknown: break
        }
      }
      let home = key.map { key in key.withUnsafeBytes { homes.home(of: $0) } }
      if letter.reason == "entity-moved" && home == letter.address.partition {
        return
          "an earlier version refused it for its partition, which is the right one: the state knows its event"
      }
      do {
        try appender.append(
          key: key, value: value, headers: headers,
          partition: min(letter.address.partition, homes.partitionCount - 1))
        return nil
      } catch let error as RecordTooLarge {
        return "\(error)"
      }
    }
  }
}

extension StoredLetter {
  /// Whether its record is in the log alone.
  fileprivate var needsLog: Bool { isCut || reason == DeadLetterReason.wrongPartition.rawValue }
}
