import Dispatch
import Foundation

/// The threads on which the lives of processes run, one of them at a time: whoever has the baton.
///
/// They are kept from run to run. The baton's way is the timeline's, so that nothing depends on the system's scheduler.
final class Cast: @unchecked Sendable {
  /// A thread that waits for the baton.
  final class Performer: @unchecked Sendable {
    fileprivate let baton = DispatchSemaphore(value: 0)
    fileprivate var part: (() -> Void)?
    fileprivate var isDismissed = false
  }

  /// The thread that began the run.
  private let director = DispatchSemaphore(value: 0)
  private var idle: [Performer] = []
  private static let stackBytes = 1 << 20

  init() {}

  deinit {
    for performer in idle {
      performer.isDismissed = true
      performer.baton.signal()
    }
  }

  /// A performer that plays a part as soon as it gets the baton.
  func performer(_ part: @escaping () -> Void) -> Performer {
    let performer = idle.popLast() ?? start()
    performer.part = part
    return performer
  }

  /// Gives the baton on, and waits to get it back.
  func hand(to performer: Performer, from holder: Performer?) {
    performer.baton.signal()
    (holder?.baton ?? director).wait()
  }

  private func start() -> Performer {
    let performer = Performer()
    let thread = Thread { [weak self] in
      while true {
        performer.baton.wait()
        if performer.isDismissed { return }
        performer.part?()
        performer.part = nil
        guard let self else { return }
        self.idle.append(performer)
        self.director.signal()
      }
    }
    thread.stackSize = Self.stackBytes
    thread.start()
    return performer
  }
}
