import Logging
import Operations
import Dataflow
import Events
import Foundation
import Metrics
import Monitor
import Pipeline

/// Shows a run while it lasts, ends it when it has reached given offsets, and sums it up.
struct RunWatch {
  private let run: PipelineRun
  private let view: LiveView
  private let ends: [Int64]?
  private let refreshTicks: Int
  private let title: () -> String
  private let isPicture: Bool
  private let tellsOfTypes: Bool
  private static let tickMs = 100
  /// Seconds between lines when there is no live view.
  private static let lineSeconds = 10
  /// Ticks between lines that tell of a worker that waits, or works again.
  private static let healthTicks = 1000 / tickMs
  /// Events after which it is said which declared types were not among them.
  private static let typesAfterEvents = 10_000

  /// `ends`: stop the run when every partition has reached these; nil: never. `tellsOfTypes`: say once which declared event types
  /// have never been seen.
  init(
    _ run: PipelineRun, title: @escaping @autoclosure () -> String, isLive: Bool, ends: [Int64]?,
    tellsOfTypes: Bool = false
  ) {
    self.tellsOfTypes = tellsOfTypes
    self.run = run
    self.ends = ends
    self.title = title
    let output = StandardOutput()
    isPicture = isLive && output.isTerminal
    refreshTicks = (isLive && output.isTerminal ? 1 : Self.lineSeconds) * 1000 / Self.tickMs
    view = LiveView(
      title: title(), metrics: run.metrics, board: isLive ? run.board : nil, clock: SystemClock(),
      terminal: isLive ? output : LineOutput())
  }

  /// Returns when all workers have ended; prints the summary.
  func watch() {
    var tick = 0
    var isHealthy = true
    var hasToldOfTypes = !tellsOfTypes
    while !run.isFinished {
      usleep(UInt32(Self.tickMs) * 1000)
      tick += 1
      if let ends, hasReached(ends) { run.stop.stop() }
      tellOfStates()
      if !hasToldOfTypes && !isPicture && tick % Self.healthTicks == 0 { hasToldOfTypes = tellOfTypes() }
      // What a worker waits for is told at once, not with the next regular line.
      let changes = tick % Self.healthTicks == 0 && run.metrics.isHealthy != isHealthy
      if changes {
        isHealthy.toggle()
        tellOfHealth(isHealthy)
      }
      if changes || tick % refreshTicks == 0 {
        view.title = title()
        view.refresh()
      }
    }
    view.finish()
    tellOfStates(isFinished: true)
    if !hasToldOfTypes { _ = tellOfTypes() }
  }

  /// Says which declared event types and mapped attributes have never been seen, when enough events were. Returns whether they were.
  private func tellOfTypes() -> Bool {
    let names = run.metrics.names
    guard names.events >= Self.typesAfterEvents else { return false }
    for text in [names.textOfUnseen, names.textOfUnmatched()].compactMap({ $0 }) { note("\(text)") }
    return true
  }

  /// For collectors of messages: the view's lines show the same.
  private func tellOfHealth(_ isHealthy: Bool) {
    guard !isHealthy else { return mention("all workers are running") }
    for (number, worker) in run.metrics.snapshot().workers.enumerated() where !worker.isHealthy {
      mention("a worker waits", metadata: ["worker": "\(number)", "state": "\(worker.text)"])
    }
  }

  /// Says that states were lost, and that they are whole again; beside a live picture not before its end.
  private func tellOfStates(isFinished: Bool = false) {
    guard isFinished || !isPicture else { return }
    for notice in run.metrics.takeNotices() {
      note(
        "\(notice.text)",
        metadata: [
          "partition": "\(notice.partition)", "from": "\(notice.from)", "until": "\(notice.until)",
          "states": notice.because == nil ? "whole" : "made-again",
        ])
    }
    let (leftOut, untold) = run.metrics.takeLeftOut()
    for notice in leftOut {
      note(
        "\(notice.text)",
        metadata: [
          "partition": "\(notice.partition)", "from": "\(notice.passed.from)",
          "until": "\(notice.passed.until)", "left_out": "\(notice.passed.cause.rawValue)",
        ])
    }
    if untold > 0 { note("\(untold) more ranges are left out; tally status has their number") }
  }

  private func hasReached(_ ends: [Int64]) -> Bool {
    let partitions = run.metrics.partitions
    return ends.indices.allSatisfy { index in
      ends[index] == 0 || partitions.contains { Int($0.partition) == index && $0.next >= ends[index] }
    }
  }
}

extension StateLossNotice {
  /// For readers.
  var text: String {
    let rest =
      "from offset \(from) up to \(until) they are made from the log; nothing of it is delivered or counted again"
    switch because {
    case .lost: return "partition \(partition): the store has lost the states: \(rest)"
    case .rolledBack: return "partition \(partition): the store was rolled back to older states: \(rest)"
    case .unfinished: return "partition \(partition): the states are not whole yet: \(rest)"
    case nil: return "partition \(partition): the states are whole again, at offset \(from)"
    }
  }
}

extension LeftOutNotice {
  /// For readers.
  var text: String {
    let range =
      passed.count == 1 ? "offset \(passed.from) is" : "offsets \(passed.from)-\(passed.until - 1) are"
    let cause =
      switch passed.cause {
      case .deleted: "deleted from the log before they were scored, which was accepted"
      case .unreadable: "nobody can read them"
      case .skipped: "ordered with tally skip"
      }
    return "partition \(partition): \(range) left out: \(cause)" + (why.isEmpty ? "" : " (\(why))")
  }
}

/// Standard output, one line after the other.
final class LineOutput: TerminalOutput {
  let isTerminal = false
  var size: (columns: Int, rows: Int) { (StandardOutput.plainColumns, 50) }

  func write(_ text: String) { put(text, STDOUT_FILENO) }
}
