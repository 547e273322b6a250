import Configuration
package import Dataflow
import Events
package import Tables

/// Appends dead letters to the log again, as they came, and marks them.
package struct LetterReplay {
  package let access: any PipelineAccess
  package let table: DeadLetterTable
  package let clock: any Clock

  package init(access: any PipelineAccess, table: DeadLetterTable, clock: any Clock) {
    self.access = access
    self.table = table
    self.clock = clock
  }

  /// Letters appended before they are marked. When all of them are appended a second time, because they could not be
  /// marked, an entity's state must know them: it remembers the last 32 event ids.
  private static let pageLetters = 32

  /// Returns the letters that were appended and marked, and the number of those that could not be.
  package func run(_ letters: [StoredLetter]) throws -> (done: [StoredLetter], failed: Int) {
    let partitions = try access.partitionCount()
    let (store, homes) = try access.openStatesInForce(partitionCount: partitions)
    store.close()
    let appender = try access.makeAppender()
    defer { appender.close() }
    let progress = access.report.begin("dead-letters: replaying", total: Int64(letters.count))
    var done: [StoredLetter] = []
    var failed = 0
    // A page at a time: appended, acknowledged, then marked.
    for start in stride(from: 0, to: letters.count, by: Self.pageLetters) {
      let page = letters[start..<min(start + Self.pageLetters, letters.count)]
      let logged = try LoggedRecords(access: access).read(
        try page.filter { try table.letter(at: $0.address)?.needsLog ?? false }.map(\.address))
      var appended: [StoredLetter] = []
      for listed in page {
        guard let letter = try table.letter(at: listed.address) else {
          access.report.warn(
            "the letter \(listed.address.text) is no longer there: it was purged, or its entity was erased"
          )
          continue
        }
        if let problem = try append(letter, logged[letter.address], appender, homes) {
          failed += 1
          access.report.warn("the letter \(listed.address.text) was left out: \(problem)")
        } else {
          appended.append(listed)
        }
      }
      try appender.flush()
      let now = clock.wallMicros()
      for letter in appended { try table.markReplayed(letter.address, at: now) }
      done += appended
      progress.advance(Int64(page.count))
    }
    return (done, failed)
  }

  /// Appends a letter's record. Returns why it cannot be; nil: it is appended.
  private func append(
    _ letter: StoredLetter, _ logged: LoggedRecord?, _ appender: any EventAppending,
    _ homes: KeyHomes
  ) throws -> String? {
    var (key, value) = (letter.key, letter.value)
    var headers: [(StaticString, String)] = [
      ("tally-replay", "\(access.settings.topic)/\(letter.address.text)")
    ]
    if letter.needsLog {
      guard let logged else { return "the log no longer has its record" }
      (key, value) = (logged.key, logged.value)
      switch logged.contentType {
      case .json: headers.append(("content-type", "application/json"))
      case .protobuf: headers.append(("content-type", "application/x-protobuf"))
      case .unspecified, .unknown: break
      }
    }
    let home = key.flatMap { key in key.isEmpty ? nil : key.withUnsafeBytes { homes.home(of: $0) } }
    if letter.reason == "entity-moved" && home == letter.address.partition {
      return
        "an earlier version refused it for its partition, which is the right one: the state knows its event"
    }
    do {
      try appender.append(
        key: key, value: value, headers: headers,
        partition: home == nil ? min(letter.address.partition, homes.partitionCount - 1) : -1)
      return nil
    } catch let error as RecordTooLarge {
      return "\(error)"
    }
  }
}

extension StoredLetter {
  /// Whether its record is in the log alone.
  fileprivate var needsLog: Bool { isCut || reason == DeadLetterReason.wrongPartition.rawValue }
}
