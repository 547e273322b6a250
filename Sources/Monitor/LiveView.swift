public import Dataflow
public import Metrics

/// A view of a running pipeline that is drawn over and over: in place on a terminal, else one line each time.
///
/// One thread. On a terminal nothing else should write between `refresh` and `finish`, or the picture tears.
public final class LiveView {
  /// Entities that the view lists.
  public static let boardRows = 8

  /// Title, drawn above everything.
  public var title: String
  private let metrics: PipelineMetrics
  private let board: EntityBoard?
  private let clock: any Clock
  private let terminal: any TerminalOutput
  private let startNanos: UInt64
  private var lastNanos: UInt64
  private var previous = MetricsSnapshot()
  private var linesDrawn = 0

  /// A view that begins now.
  public init(
    title: String, metrics: PipelineMetrics, board: EntityBoard?, clock: any Clock,
    terminal: any TerminalOutput
  ) {
    self.title = title
    self.metrics = metrics
    self.board = board
    self.clock = clock
    self.terminal = terminal
    startNanos = clock.monotonicNanos()
    lastNanos = startNanos
  }

  /// Draws what has come since the last time; begins a new interval of the metrics.
  public func refresh() {
    let now = clock.monotonicNanos()
    let current = metrics.snapshot(startingInterval: true)
    let view = MonitorView(
      title: title, current: current, previous: previous, intervalSeconds: Double(now - lastNanos) / 1e9,
      elapsedSeconds: Double(now - startNanos) / 1e9, board: board?.declaration,
      entries: board?.top(Self.boardRows) ?? [])
    previous = current
    lastNanos = now
    guard terminal.isTerminal else { return terminal.write(view.compactLine() + "\n") }
    let size = terminal.size
    // A picture higher than the terminal could not be drawn over: its first lines would have scrolled away.
    draw(Array(view.lines(width: size.columns, ansi: true).prefix(max(size.rows - 1, 1))))
  }

  /// Leaves the picture and writes the summary below it.
  public func finish() {
    let elapsed = Double(clock.monotonicNanos() - startNanos) / 1e9
    let summary = FinalSummary(title: title, metrics: metrics.snapshot(), elapsedSeconds: elapsed)
    let lines = summary.lines(width: terminal.size.columns, ansi: terminal.isTerminal)
    terminal.write((linesDrawn > 0 ? "\n" : "") + lines.joined(separator: "\n") + "\n")
    linesDrawn = 0
  }

  private func draw(_ lines: [String]) {
    // ECMA-48: CUU (up), EL (erase line), ED (erase to the end).
    var text = linesDrawn > 0 ? "\u{1b}[\(linesDrawn)A" : ""
    for line in lines { text += "\r\(line)\u{1b}[K\n" }
    if lines.count < linesDrawn { text += "\u{1b}[J" }
    linesDrawn = lines.count
    terminal.write(text)
  }
}
