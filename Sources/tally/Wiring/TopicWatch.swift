import Configuration
import Dispatch
import Synchronization

/// Looks at the topics' configuration now and then while events are scored, and tells what has changed for the worse.
///
/// It stops nothing: a pipeline that reads what is new loses nothing by compaction, one that is stopped does.
final class TopicWatch: Sendable {
  private let review: @Sendable () throws -> LogReview
  private let told: Mutex<Set<String>>
  private static let periodSeconds = 300

  /// `first`: what was told at the start.
  init(after first: LogReview, review: @escaping @Sendable () throws -> LogReview) {
    told = Mutex(Set(first.complaints))
    self.review = review
  }

  /// What was not so the last time. Brokers that do not answer are the workers' to tell.
  func news() -> [String] {
    guard let found = (try? review())?.complaints else { return [] }
    return told.withLock { told in
      defer { told = Set(found) }
      return found.filter { !told.contains($0) }
    }
  }

  /// Looks every five minutes, on a thread of its own, until the timer is cancelled.
  func start() -> any DispatchSourceTimer {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tally topics"))
    timer.schedule(
      deadline: .now() + .seconds(Self.periodSeconds), repeating: .seconds(Self.periodSeconds))
    timer.setEventHandler { [self] in
      for text in news() { warn("since the start: \(text)") }
    }
    timer.resume()
    return timer
  }
}
