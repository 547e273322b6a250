public import Dataflow
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
  /// What the pipeline declares to be listed; nil: nothing.
  public var board: BoardDeclaration?
  /// The entities of the board, highest first.
  public var entries: [BoardEntry]

  package init(
    title: String, current: MetricsSnapshot, previous: MetricsSnapshot, intervalSeconds: Double,
    elapsedSeconds: Double, board: BoardDeclaration?, entries: [BoardEntry]
  ) {
    self.title = title
    self.current = current
    self.previous = previous
    self.intervalSeconds = intervalSeconds
    self.elapsedSeconds = elapsedSeconds
    self.board = board
    self.entries = entries
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
    if let board, !entries.isEmpty { lines += [TextLine()] + list(board, width: width) }
    return lines.map { ansi ? $0.ansi(width: width) : $0.plain(width: width) }
  }

  /// The view as one line, for output that is no terminal.
  public func compactLine() -> String {
    let total = current.interval.last ?? LatencySummary()
    var parts = [
      Figures.clock(seconds: elapsedSeconds),
      "read \(Figures.grouped(current.read)) (\(rate(\.read))/s)",
      "scored \(Figures.grouped(current.scored)) (\(rate(\.scored))/s)",
      hasPartitions ? "lag \(Figures.grouped(current.lag))" : "no partitions",
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

  /// Whether the process has partitions: without any its lag is not 0, but unknown.
  private var hasPartitions: Bool { current.partitions.contains(where: \.isOurs) }

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
      ("scored", Figures.grouped(current.scored)),
      ("lag", hasPartitions ? Figures.grouped(current.lag) : "-"),
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

  /// Least width of a column of numbers.
  private static let numberWidth = 6

  private func list(_ board: BoardDeclaration, width: Int) -> [TextLine] {
    func columnWidth(_ name: String) -> Int { max(name.count, Self.numberWidth) + 2 }
    let columns = ([board.orderBy] + board.show).reduce(0) { $0 + columnWidth($1) }
    let idWidth = max(12, min(width - columns, 40))
    var header = TextLine()
    header.append(left: board.title, width: idWidth, .faint)
    header.append(right: board.orderBy, width: columnWidth(board.orderBy), .faint)
    for (index, name) in board.show.enumerated() {
      if case .word = entries[0].cells[index] {
        header.append("  ")
        header.append(left: name, width: columnWidth(name) - 2, .faint)
      } else {
        header.append(right: name, width: columnWidth(name), .faint)
      }
    }
    return [header]
      + entries.map { entry in
        var line = TextLine()
        line.append(left: entry.entityID, width: idWidth)
        line.append(
          right: Figures.fixed(Double(entry.value), decimals: 3), width: columnWidth(board.orderBy), .strong)
        for (name, cell) in zip(board.show, entry.cells) {
          switch cell {
          case .number(let value):
            line.append(right: Figures.fixed(Double(value), decimals: 3), width: columnWidth(name))
          case .word(let word):
            line.append("  ")
            line.append(left: word, width: columnWidth(name) - 2)
          }
        }
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
