import Dispatch
import Foundation

/// Threads on which the lives of processes run, one at a time: whoever was resumed last.
///
/// They are kept from run to run. Whose turn it is, the timeline says, so that nothing depends on the system's scheduler.
final class Scheduler: @unchecked Sendable {
  /// A thread that waits for its turn.
  final class Task: @unchecked Sendable {
    fileprivate let turn = DispatchSemaphore(value: 0)
    fileprivate var body: (() -> Void)?
    fileprivate var isCancelled = false
  }

  /// The turn of the thread that began the run.
  private let main = DispatchSemaphore(value: 0)
  private var idle: [Task] = []
  private static let stackBytes = 1 << 20

  init() {}

  deinit {
    for task in idle {
      task.isCancelled = true
      task.turn.signal()
    }
  }

  /// A task that runs `body` when it is resumed first.
  func task(_ body: @escaping () -> Void) -> Task {
    let task = idle.popLast() ?? start()
    task.body = body
    return task
  }

  /// Lets a task run, and waits for the turn of the calling one (nil: the thread that began the run).
  func resume(_ task: Task, suspending caller: Task?) {
    task.turn.signal()
    (caller?.turn ?? main).wait()
  }

  private func start() -> Task {
    let task = Task()
    let thread = Thread { [weak self] in
      while true {
        task.turn.wait()
        if task.isCancelled { return }
        task.body?()
        task.body = nil
        guard let self else { return }
        self.idle.append(task)
        self.main.signal()
      }
    }
    thread.stackSize = Self.stackBytes
    thread.start()
    return task
  }
}
