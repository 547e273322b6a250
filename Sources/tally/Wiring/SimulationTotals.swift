import Foundation
import Simulation
import Synchronization

/// Runs many seeds on several threads and adds up what happened in them.
final class SimulationTotals: Sendable {
  private struct Sums {
    var next: UInt64 = 0
    var runs = 0
    var steps = 0
    var records = 0
    var lives = 0
    var faults: [FaultKind: Int] = [:]
    var failed: UInt64?
    var error: (any Error)?
    var seconds = 0.0
    var onProgress: (@Sendable (String) -> Void)?
  }

  private let sums = Mutex(Sums())
  private static let progressEverySeconds = 5.0

  /// Hears a line now and then.
  var onProgress: (@Sendable (String) -> Void)? {
    get { sums.withLock { $0.onProgress } }
    set { sums.withLock { $0.onProgress = newValue } }
  }

  /// The lowest seed that failed; nil: none.
  var failed: UInt64? { sums.withLock { $0.failed } }
  /// Runs that were made.
  var runs: Int { sums.withLock { $0.runs } }

  /// How often a kind of fault happened.
  func count(of kind: FaultKind) -> Int { sums.withLock { $0.faults[kind] ?? 0 } }

  /// Runs the seeds in order until one fails.
  func run(
    _ seeds: ClosedRange<UInt64>, _ options: SimulationOptions = SimulationOptions(), threads: Int
  ) throws {
    let start = ContinuousClock.now
    sums.withLock { $0.next = seeds.lowerBound }
    let done = DispatchGroup()
    for _ in 0..<threads {
      done.enter()
      let thread = Thread { [self] in
        work(seeds, options)
        done.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    while done.wait(timeout: .now() + Self.progressEverySeconds) == .timedOut {
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      let (runs, progress) = sums.withLock { ($0.runs, $0.onProgress) }
      progress?("\(runs) of \(seeds.count) seeds, \(Int(Double(runs) / seconds)) a second")
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let error = sums.withLock { sums in
      sums.seconds = seconds
      return sums.error
    }
    if let error { throw error }
  }

  private func work(_ seeds: ClosedRange<UInt64>, _ options: SimulationOptions) {
    do {
      let simulator = try Simulator()
      while let seed = take(seeds) { note(simulator.run(seed, options)) }
    } catch {
      sums.withLock { $0.error = error }
    }
  }

  private func take(_ seeds: ClosedRange<UInt64>) -> UInt64? {
    sums.withLock { sums in
      guard sums.failed == nil, sums.next <= seeds.upperBound else { return nil }
      sums.next += 1
      return sums.next - 1
    }
  }

  private func note(_ report: RunReport) {
    sums.withLock { sums in
      sums.runs += 1
      sums.steps += report.steps
      sums.records += report.records
      sums.lives += report.lives
      for fault in report.faults { sums.faults[fault.kind, default: 0] += 1 }
      if !report.problems.isEmpty { sums.failed = min(sums.failed ?? .max, report.seed) }
    }
  }

  /// What happened, line by line.
  var summary: [String] {
    sums.withLock { sums in
      let faults = sums.faults.values.reduce(0, +)
      var lines = [
        "\(sums.runs) runs in \(String(format: "%.1f", sums.seconds)) s, "
          + "\(Int(Double(sums.runs) / max(sums.seconds, 0.001))) a second: \(sums.records) records, "
          + "\(sums.lives) lives of workers, \(sums.steps) calls, \(faults) faults"
      ]
      for kind in FaultKind.allCases { lines.append("  \(kind.rawValue): \(sums.faults[kind] ?? 0)") }
      lines.append(sums.failed.map { "FAILED: seed \($0)" } ?? "no difference from the model")
      return lines
    }
  }
}

/// Runs in words.
enum SimulationText {
  /// The command that plays a run again.
  static func command(
    _ seed: UInt64, _ options: SimulationOptions, _ reduction: Reduction
  ) -> String {
    func list(_ numbers: Set<Int>) -> String { numbers.sorted().map(String.init).joined(separator: ",") }
    func list(_ faults: [Int: Int]) -> String {
      faults.sorted { $0.key < $1.key }.map { $0.key == $0.value ? "\($0.key)" : "\($0.key)=\($0.value)" }
        .joined(separator: ",")
    }
    var words = "tally simulate --history \(seed)"
    if options.choice != .any { words += " --guarantee \(options.choice.rawValue)" }
    if !options.only.isEmpty {
      words += " --only \(options.only.map(\.rawValue).sorted().joined(separator: ","))"
    }
    if !options.keepsState { words += " --without-state" }
    #if PLANTED_BUGS
      if let bug = options.bug { words += " --plant \(bug.name)" }
    #endif
    if let faults = reduction.faults { words += " --faults \"\(list(faults))\"" }
    if let records = reduction.records { words += " --records \"\(list(records))\"" }
    return words
  }

  /// A run's history, what was wrong, and how to play it again.
  static func history(_ report: RunReport, _ command: String?) -> [String] {
    var lines = [
      "seed \(report.seed): \(report.records) records, \(report.lives) lives, \(report.steps) calls"
    ]
    lines += report.history
    lines.append("faults: \(report.faults.map { "#\($0.step) \($0.kind.rawValue)" }.joined(separator: ", "))")
    lines += report.problems.isEmpty ? ["no difference from the model"] : report.problems.prefix(problemsMax)
    if report.problems.count > problemsMax {
      lines.append("… and \(report.problems.count - problemsMax) more")
    }
    if let command { lines.append("again: \(command)") }
    return lines
  }

  private static let problemsMax = 20
}
