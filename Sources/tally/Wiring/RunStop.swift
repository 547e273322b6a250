import Foundation
import Pipeline
import Synchronization

/// What a signal does to a run: before its workers are there, it ends the program; afterwards it stops them.
final class RunStop: Sendable {
  private let workers = Mutex<StopSignal?>(nil)
  /// Longest time for stopping, seconds.
  private static let secondsMax = 5

  /// The workers are there.
  func attach(_ signal: StopSignal) { workers.withLock { $0 = signal } }

  /// Stops the workers; ends the program with exit code 0 when there are none yet.
  func stop() {
    guard let signal = workers.withLock({ $0 }) else {
      note("stopped before it began")
      _exit(0)
    }
    signal.stop()
    StopDeadline.begin(seconds: Self.secondsMax)
  }
}

/// Ends the program when stopping takes too long; safe at any instruction, as a crash is.
enum StopDeadline {
  static func begin(seconds: Int) {
    DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) {
      note(
        "something did not answer within \(seconds) s; leaving as after a crash, nothing is lost")
      _exit(1)
    }
  }
}
