import Foundation
import Metrics
import Monitor

/// Shows a run while it lasts, ends it when it has reached given offsets, and sums it up.
struct RunWatch {
  private let run: PipelineRun
  private let title: String
  private let isLive: Bool
  private let ends: [Int64]?
  private static let tickMs = 100
  /// Seconds between lines when there is no live view.
  private static let lineSeconds = 10

  /// `ends`: stop the run when every partition has reached these; nil: never.
  init(_ run: PipelineRun, title: String, isLive: Bool, ends: [Int64]?) {
    self.run = run
    self.title = title
    self.isLive = isLive
    self.ends = ends
  }

  /// Returns when all workers have ended; prints the summary.
  func watch() {
    var view = LiveView(title: title, isTerminal: isLive && isatty(STDOUT_FILENO) == 1)
    let ticks = (isLive ? 1 : Self.lineSeconds) * 1000 / Self.tickMs
    var tick = 0
    while !run.isFinished {
      usleep(UInt32(Self.tickMs) * 1000)
      tick += 1
      if let ends, hasReached(ends) { run.stop.stop() }
      if tick % ticks == 0 { view.show(run.metrics.snapshot(startingInterval: true), run.atRisk?.top() ?? []) }
    }
    view.end()
    print(Summary.render(run.metrics.snapshot()))
  }

  private func hasReached(_ ends: [Int64]) -> Bool {
    let partitions = run.metrics.snapshot().partitions
    return ends.indices.allSatisfy { index in
      ends[index] == 0 || partitions.contains { Int($0.partition) == index && $0.next >= ends[index] }
    }
  }
}
