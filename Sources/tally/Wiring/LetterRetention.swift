import Operations
import Configuration
import Dataflow
import Dispatch
import Foundation
import Tables
import Synchronization

/// Takes letters from the table that are older than `dead_letters.keep`, beside the workers: in statements of its own that each take a
/// few hundred, over a connection of its own.
///
/// By the wall clock and the letters' `recorded_at`: what is kept for operators to look at is no part of any output. Counters stay.
final class LetterRetention: Sendable {
  private let settings: Settings
  private let pipeline: LoadedPipeline
  private let keepMicros: Int64
  /// What was complained of last: said once.
  private let told = Mutex("")

  private static let periodSeconds = 60
  /// Statements of one round: what is left waits for the next one.
  private static let statementsMax = 1_000
  /// Rest after each, so that workers find the table free.
  private static let pauseMicros: UInt32 = 5_000

  /// nil: letters are kept for ever, or there is no table.
  init?(_ settings: Settings, _ pipeline: LoadedPipeline) {
    guard let keep = settings.lettersKeepMicros, settings.table != .none else { return nil }
    self.settings = settings
    self.pipeline = pipeline
    keepMicros = keep
  }

  /// Looks now and then, on a thread of its own, until the timer is cancelled; what is under way then ends with the process.
  func start() -> any DispatchSourceTimer {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tally letters", qos: .background))
    timer.schedule(deadline: .now(), repeating: .seconds(Self.periodSeconds))
    timer.setEventHandler { [self] in round() }
    timer.resume()
    return timer
  }

  /// Removes what is due; an error is told, once, and tried again in the next round.
  func round() {
    var removed = 0
    do {
      let table = try settings.deadLetterTable(pipeline)
      var filter = LetterFilter()
      filter.until = SystemClock().wallMicros() - keepMicros
      for _ in 0..<Self.statementsMax {
        let some = try table.removeSome(filter, ofAllTopics: true)
        removed += some
        guard some == DeadLetterTable.removedAtOnce else { break }
        usleep(Self.pauseMicros)
      }
      told.withLock { $0 = "" }
    } catch {
      let text = "dead letters that are older than dead_letters.keep could not be removed: \(error)"
      let isNew = told.withLock { told in
        defer { told = text }
        return told != text
      }
      if isNew { note("\(text)") }
    }
    if removed > 0 { note("\(removed) dead letters removed: older than dead_letters.keep") }
  }
}
