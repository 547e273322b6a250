internal import Events
public import Metrics

/// Everything that the terminal view shows at one moment; rendering is a function of it.
public struct MonitorView: Sendable {
  /// What is running.
  public var title: String
  /// Metrics now.
  public var current: MetricsSnapshot
  /// Metrics when the interval began.
  public var previous: MetricsSnapshot
  /// Length of the interval, seconds.
  public var intervalSeconds: Double
  /// Time since the start, seconds.
  public var elapsedSeconds: Double
  /// The people most at risk, most first.
  public var atRisk: [AtRiskEntry]

  /// A view.
  public init(
    title: String, current: MetricsSnapshot, previous: MetricsSnapshot, intervalSeconds: Double,
    elapsedSeconds: Double, atRisk: [AtRiskEntry]
  ) {
    self.title = title
    self.current = current
    self.previous = previous
    self.intervalSeconds = intervalSeconds
    self.elapsedSeconds = elapsedSeconds
    self.atRisk = atRisk
  }

  /// The view as lines of at most `width` characters, with colours if asked.
  public func lines(width: Int, ansi: Bool) -> [String] {
    var lines = [heading(width: width), counters(width: width), TextLine()]
    lines += workers()
    lines += LatencyTable.lines(current.interval, width: width)
    if current.deadLetters > 0 {
      var line = TextLine()
      line.append(left: "dead letters", width: 14, .bad)
      line.append(Self.reasons(current.deadLettered, separator: "  ") { "\($0) \(Figures.grouped($1))" })
      lines += [TextLine(), line]
    }
    if !atRisk.isEmpty { lines += [TextLine()] + riskTable(width: width) }
    return lines.map { ansi ? $0.ansi(width: width) : $0.plain(width: width) }
  }

  /// The view as one line, for output that is no terminal.
  public func compactLine() -> String {
    let total = current.interval.last ?? LatencySummary()
    var parts = [
      Figures.clock(seconds: elapsedSeconds),
      "read \(Figures.grouped(current.read)) (\(rate(\.read))/s)",
      "scored \(Figures.grouped(current.scored)) (\(rate(\.scored))/s)",
      "lag \(Figures.grouped(current.lag))",
    ]
    if total.events > 0 {
      parts.append("p50 \(Figures.duration(total.p50))  p99 \(Figures.duration(total.p99))")
    }
    if current.duplicate > 0 { parts.append("duplicates \(Figures.grouped(current.duplicate))") }
    if current.deadLetters > 0 { parts.append("dead letters \(Figures.grouped(current.deadLetters))") }
    if current.rebuilt > 0 { parts.append("rebuilt \(Figures.grouped(current.rebuilt))") }
    parts += current.workers.filter { !$0.isHealthy }.map { "worker \($0.worker) \($0.text)" }
    if let silence = current.silence { parts.append(silence) }
    return TextLine(parts.joined(separator: "  ")).plain(width: .max)
  }

  private func heading(width: Int) -> TextLine {
    let isKnown = !current.workers.isEmpty
    let health = !isKnown ? "starting" : current.isHealthy ? "healthy" : "unhealthy"
    let time = Figures.clock(seconds: elapsedSeconds)
    var line = TextLine()
    line.append(left: title, width: max(width - health.count - time.count - 3, 0), .strong)
    line.append(" ")
    line.append(health, !isKnown ? .faint : current.isHealthy ? .good : .bad)
    line.append("  \(time)", .faint)
    return line
  }

  /// Counters, as many as fit.
  private func counters(width: Int) -> TextLine {
    var line = TextLine()
    let all = [
      ("events/s", rate(\.read)), ("scores/s", rate(\.scored)), ("read", Figures.grouped(current.read)),
      ("scored", Figures.grouped(current.scored)), ("lag", Figures.grouped(current.lag)),
      ("duplicates", Figures.grouped(current.duplicate)),
    ]
    for (name, value) in all where line.count + name.count + value.count + 3 <= width {
      if line.count > 0 { line.append("  ") }
      line.append("\(name) ", .faint)
      line.append(value, .strong)
    }
    return line
  }

  /// Workers that are not as they should be.
  private func workers() -> [TextLine] {
    var lines = current.workers.filter { !$0.isHealthy }.map { worker in
      var line = TextLine()
      line.append(left: "worker \(worker.worker)", width: 14, .bad)
      line.append(worker.text, .bad)
      return line
    }
    if let silence = current.silence {
      var line = TextLine()
      line.append(left: "not ready", width: 14, .bad)
      line.append(silence, .bad)
      lines.append(line)
    }
    return lines.isEmpty ? [] : lines + [TextLine()]
  }

  private func riskTable(width: Int) -> [TextLine] {
    let idWidth = max(12, min(width - 34, 40))
    var header = TextLine()
    header.append(left: "most at risk", width: idWidth, .faint)
    header.append(right: "churn", width: 8, .faint)
    header.append(right: "engagement", width: 12, .faint)
    header.append("  category", .faint)
    return [header]
      + atRisk.map { entry in
        var line = TextLine()
        line.append(left: entry.entityID, width: idWidth)
        line.append(right: Figures.fixed(Double(entry.churn), decimals: 3), width: 8, .strong)
        line.append(right: entry.engagement.map { Figures.fixed(Double($0), decimals: 3) } ?? "-", width: 12)
        line.append("  " + (entry.category ?? "-"))
        return line
      }
  }

  private func rate(_ count: (MetricsSnapshot) -> UInt64) -> String {
    guard intervalSeconds > 0, count(current) >= count(previous) else { return "0" }
    return Figures.rate(Double(count(current) - count(previous)) / intervalSeconds)
  }

  /// The reasons that there are, most frequent first.
  static func reasons(_ counts: [UInt64], separator: String, _ text: (String, UInt64) -> String) -> String {
    let all = zip(DeadLetterReason.allCases, counts).filter { $0.1 > 0 }
    let sorted = all.sorted { $0.1 == $1.1 ? $0.0.rawValue < $1.0.rawValue : $0.1 > $1.1 }
    return sorted.map { text($0.0.rawValue, $0.1) }.joined(separator: separator)
  }
}
