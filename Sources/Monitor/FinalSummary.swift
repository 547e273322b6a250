public import Metrics

/// The end of a run as a reader takes it: totals, whether every record is accounted for, latencies since the
/// start.
public struct FinalSummary: Sendable {
  /// What was running.
  public var title: String
  /// Metrics at the end.
  public var metrics: MetricsSnapshot
  /// How long it ran, seconds.
  public var elapsedSeconds: Double

  package init(title: String, metrics: MetricsSnapshot, elapsedSeconds: Double) {
    self.title = title
    self.metrics = metrics
    self.elapsedSeconds = elapsedSeconds
  }

  /// `read N = scored A + duplicate B + dead-lettered C (reason: n, …)`, with `+ erased E` and `+ promoted P` when there were any; with `≠` and the difference when it
  /// does not hold.
  public var identity: String {
    let reasons = MonitorView.reasons(metrics.deadLettered, separator: ", ") {
      "\($0): \(Figures.grouped($1))"
    }
    let sum = metrics.scored + metrics.duplicate + metrics.erased + metrics.promoted + metrics.deadLetters
    let erased = metrics.erased > 0 ? " + erased \(Figures.grouped(metrics.erased))" : ""
    let promoted = metrics.promoted > 0 ? " + promoted \(Figures.grouped(metrics.promoted))" : ""
    let difference = Int64(clamping: metrics.read) - Int64(clamping: sum)
    return "read \(Figures.grouped(metrics.read)) \(metrics.isBalanced ? "=" : "≠")"
      + " scored \(Figures.grouped(metrics.scored)) + duplicate \(Figures.grouped(metrics.duplicate))"
      + erased + promoted
      + " + dead-lettered \(Figures.grouped(metrics.deadLetters))" + (reasons.isEmpty ? "" : " (\(reasons))")
      + (metrics.isBalanced ? "" : "; the difference is \(Figures.grouped(difference))")
  }

  /// The summary as lines; the identity is never cut.
  public func lines(width: Int, ansi: Bool) -> [String] {
    let rate = elapsedSeconds > 0 ? Double(metrics.scored) / elapsedSeconds : 0
    let heading =
      "\(title): \(Figures.fixed(elapsedSeconds, decimals: 1)) s, \(Figures.rate(rate)) scores/s"
      + (metrics.partitions.isEmpty ? "" : ", lag \(Figures.grouped(UInt64(clamping: metrics.lag)))")
    let check = TextLine(identity, metrics.isBalanced ? .good : .bad)
    let table = LatencyTable.lines(metrics.total, width: width)
    func text(_ line: TextLine, _ width: Int) -> String {
      ansi ? line.ansi(width: width) : line.plain(width: width)
    }
    let rebuilt =
      metrics.rebuilt == 0
      ? []
      : [
        text(TextLine("rebuilt \(Figures.grouped(metrics.rebuilt)) records into states that were lost"), .max)
      ]
    return [text(TextLine(heading, .strong), width), text(check, .max)] + rebuilt + [""]
      + table.map { text($0, width) }
  }
}
