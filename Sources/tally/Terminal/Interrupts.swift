import Dispatch
import Foundation

/// Turns SIGTERM and SIGINT into a call, once; a second signal ends the program at once.
final class Interrupts: @unchecked Sendable {
  private var sources: [any DispatchSourceSignal] = []
  private let queue = DispatchQueue(label: "tally.interrupts")
  private var seen = false

  /// Calls `onFirst` on a queue of its own when the first signal comes.
  init(_ onFirst: @escaping @Sendable () -> Void) {
    for number in [SIGTERM, SIGINT] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in
        guard let self else { return }
        if self.seen { _exit(130) }
        self.seen = true
        onFirst()
      }
      source.resume()
      sources.append(source)
    }
  }
}
