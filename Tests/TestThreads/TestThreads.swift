import Foundation
import Synchronization
public import Testing

/// Runs the tests of a suite on threads of their own, a few at a time.
///
/// For tests that wait for servers or compute for long: Swift's pool has as many threads as there are cores, and what blocks
/// them keeps everything that is asynchronous waiting, in the tests beside it, too.
public struct ThreadsTrait: SuiteTrait, TestTrait, TestScoping {
  /// Each test of the suite, however deep.
  public var isRecursive: Bool { true }

  /// Runs a test, or one case of it, on a thread.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await RunningTests.note(test) {
      try await withTaskExecutorPreference(Threads.shared) {
        try await RunningTests.time(test) { try await function() }
      }
    }
  }
}

extension Trait where Self == ThreadsTrait {
  /// Runs the tests on threads of their own, a few at a time.
  public static var onThreads: Self { ThreadsTrait() }
}

/// Runs a body that waits a lot on a thread of its own, as `ThreadsTrait` does with whole suites.
public func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  guard let test = Test.current else {
    return try await withTaskExecutorPreference(Threads.shared) { try body() }
  }
  try await RunningTests.note(test) {
    try await withTaskExecutorPreference(Threads.shared) {
      try await RunningTests.time(test) { try body() }
    }
  }
}

/// Which tests have a thread, for scripts/test.sh to tell when the run dies: lines of the file that TALLY_TEST_RUNNING names,
/// `? NAME` when a test waits for a thread, `+ NAME` when it has one, `- NAME` at its end; `= SECONDS NAME`: how long it had one.
private enum RunningTests {
  private static let file: Int32? = ProcessInfo.processInfo.environment["TALLY_TEST_RUNNING"].flatMap {
    let descriptor = open($0, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600)
    return descriptor < 0 ? nil : descriptor
  }

  static func note(_ test: Test, _ body: () async throws -> Void) async throws {
    tell("?", test)
    defer { tell("-", test) }
    try await body()
  }

  /// Runs a test that has a thread.
  static func time(_ test: Test, _ body: () async throws -> Void) async throws {
    tell("+", test)
    let begin = ContinuousClock.now
    defer { tell("= \((ContinuousClock.now - begin).components.seconds)", test) }
    try await body()
  }

  private static func tell(_ mark: String, _ test: Test) {
    guard let file else { return }
    let name = test.displayName.map { "\"\($0)\"" } ?? test.name
    let line = Array("\(mark) \(name)\n".utf8)
    _ = write(file, line, line.count)
  }
}

/// Gives every job a thread, a few at a time, in their order. Few: a test starts programs and servers, and dozens of them on
/// two cores keep each other waiting.
private final class Threads: TaskExecutor {
  static let shared = Threads()
  private static let runningMax = 8

  private struct Jobs {
    var running = 0
    var waiting: [UnownedJob] = []
  }
  private let jobs = Mutex(Jobs())

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isNewThread = jobs.withLock { jobs in
      if jobs.running == Self.runningMax {
        jobs.waiting.append(job)
        return false
      }
      jobs.running += 1
      return true
    }
    guard isNewThread else { return }
    let thread = Thread {
      var next: UnownedJob? = job
      while let job = next {
        job.runSynchronously(on: self.asUnownedTaskExecutor())
        next = self.next()
      }
    }
    thread.stackSize = 8 << 20
    thread.start()
  }

  private func next() -> UnownedJob? {
    jobs.withLock { jobs in
      if jobs.waiting.isEmpty {
        jobs.running -= 1
        return nil
      }
      return jobs.waiting.removeFirst()
    }
  }
}
