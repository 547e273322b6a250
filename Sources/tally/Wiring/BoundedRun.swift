import Foundation
import Metrics
import Pipeline

/// Watches a run over a log that ends: progress and time left on standard error, and a clean stop on a signal.
struct BoundedRun {
  private let run: PipelineRun
  private let what: String
  private let total: Int64
  private static let tickMs = 50
  /// Records of a log from which on it is told that mapped attributes stood in none of them.
  private static let mappedRecordsLeast: UInt64 = 1000

  /// `total`: records to come.
  init(_ run: PipelineRun, what: String, total: Int64) {
    self.run = run
    self.what = what
    self.total = total
  }

  /// Waits for the end. Returns false when a signal came before it; throws what a worker failed with.
  func watch() throws -> Bool {
    let stopping = RunStop()
    stopping.attach(run.stop)
    let interrupts = Interrupts { stopping.stop() }
    defer { withExtendedLifetime(interrupts) {} }
    var progress = Progress(what: what, total: total)
    var said = ""
    while !run.isFinished {
      usleep(UInt32(Self.tickMs) * 1000)
      progress.reach(Int64(run.metrics.read))
      said = tellTrouble(said)
    }
    let wasStopped = run.stop.isStopped
    try run.join()
    progress.reach(Int64(run.metrics.read))
    progress.finish("records")
    if let text = run.metrics.names.textOfUnmatched(least: Self.mappedRecordsLeast) {
      note("\(what): \(text)")
    }
    return !wasStopped
  }

  /// What a worker waits for is told once.
  private func tellTrouble(_ said: String) -> String {
    let trouble = run.metrics.snapshot().workers.first { !$0.isHealthy }?.text ?? ""
    if !trouble.isEmpty && trouble != said { note("\(what): \(trouble)") }
    return trouble
  }
}
