import Dataflow
import Events
import Metrics
import Monitor
import Testing

@Suite struct MonitorViewTests {
  private func summary(_ base: UInt64) -> LatencySummary {
    var summary = LatencySummary()
    summary.events = 12_000
    summary.p50 = base
    summary.p90 = base * 3
    summary.p99 = base * 10
    summary.p999 = base * 100
    summary.max = base * 1_234
    return summary
  }

  private func view(healthy: Bool = true) -> MonitorView {
    var current = MetricsSnapshot()
    current.read = 1_234_567
    current.scored = 1_234_000
    current.duplicate = 560
    current.deadLettered[DeadLetterReason.keyMismatch.index] = 5
    current.deadLettered[DeadLetterReason.undecodable.index] = 2
    for (index, stage) in Stage.allCases.enumerated() where stage != .sink {
      current.interval[index] = summary(UInt64(index + 1) * 870)
    }
    current.partitions = [PartitionProgress(partition: 0, next: 1_000, end: 3_500)]
    current.workers = [
      WorkerStatus(worker: 0, text: "running", isHealthy: true),
      WorkerStatus(
        worker: 1, text: healthy ? "running" : "waiting for redis: connection refused", isHealthy: healthy),
    ]
    var previous = MetricsSnapshot()
    previous.read = 1_222_567
    previous.scored = 1_233_950
    let entries = [
      BoardEntry(
        entityID: "customer-000017", value: 0.9871, cells: [.number(0.1234), .word("low"), .word("yes")]),
      BoardEntry(
        entityID: "an-id-that-is-longer-than-any-column-of-the-table", value: 0.9,
        cells: [.number(12), .word("-"), .word("no")]),
    ]
    let board = BoardDeclaration(
      title: "most at risk", orderBy: "churn", show: ["engagement", "category", "call"])
    return MonitorView(
      title: "Tally demo · engagement", current: current, previous: previous, intervalSeconds: 1,
      elapsedSeconds: 3_723.4, board: board, entries: entries)
  }

  @Test func looksLikeThis() {
    let expected = """
      Tally demo · engagement                                           healthy  1:02:03
      events/s 12,000  scores/s 50.0  read 1,234,567  scored 1,234,000  lag 2,500

      stage             events       p50       p90       p99     p99.9       max
      broker wait       12,000    870 ns   2.61 µs   8.70 µs   87.0 µs   1.07 ms
      decode            12,000   1.74 µs   5.22 µs   17.4 µs    174 µs   2.15 ms
      fetch state       12,000   2.61 µs   7.83 µs   26.1 µs    261 µs   3.22 ms
      features          12,000   3.48 µs   10.4 µs   34.8 µs    348 µs   4.29 ms
      score             12,000   4.35 µs   13.1 µs   43.5 µs    435 µs   5.37 ms
      sink                   -         -         -         -         -         -
      write state       12,000   6.09 µs   18.3 µs   60.9 µs    609 µs   7.52 ms
      total             12,000   6.96 µs   20.9 µs   69.6 µs    696 µs   8.59 ms

      dead letters  key-mismatch 5  undecodable 2

      most at risk                               churn  engagement  category  call
      customer-000017                            0.987       0.123  low       yes
      an-id-that-is-longer-than-any-column-of…   0.900      12.000  -         no
      """
    #expect(view().lines(width: 82, ansi: false).joined(separator: "\n") == expected)
  }

  @Test(arguments: [1, 10, 40, 60, 75, 80, 200]) func neverIsWiderThanTheTerminal(width: Int) {
    let plain = view(healthy: false).lines(width: width, ansi: false)
    let ansi = view(healthy: false).lines(width: width, ansi: true)
    #expect(plain.allSatisfy { $0.count <= width })
    let stripped = ansi.map { line in
      var text = line.replacing(/\u{1b}\[[0-9;]*m/, with: "")
      while text.last == " " { text.removeLast() }
      return text
    }
    if width > 60 { #expect(stripped.map(\.count) == plain.map(\.count)) }
    #expect(stripped.allSatisfy { $0.count <= width })
    #expect(
      ansi.allSatisfy { $0.hasSuffix("\u{1b}[0m") || !$0.contains("\u{1b}") || $0.contains("\u{1b}[0m") })
  }

  @Test func showsWhatIsWrong() {
    let lines = view(healthy: false).lines(width: 82, ansi: false)
    #expect(lines[0].contains("unhealthy"))
    #expect(lines[3] == "worker 1      waiting for redis: connection refused")
    #expect(view(healthy: false).lines(width: 82, ansi: true)[0].contains("\u{1b}[1;31munhealthy"))
    #expect(
      view(healthy: false).compactLine()
        == "1:02:03  read 1,234,567 (12,000/s)  scored 1,234,000 (50.0/s)  lag 2,500  p50 6.96 µs  p99 69.6 µs  "
        + "duplicates 560  dead letters 7  worker 1 waiting for redis: connection refused")
  }

  @Test func withoutPartitionsTheLagIsUnknown() {
    var view = view()
    view.current.partitions = []
    #expect(view.compactLine().contains("no partitions") && !view.compactLine().contains("lag"))
    #expect(view.lines(width: 82, ansi: false)[1].hasSuffix("lag -"))
  }

  @Test func noIdCanSteerTheTerminal() {
    var view = view()
    view.entries = [
      BoardEntry(
        entityID: "a\u{1b}[2Jb\u{9b}c\n", value: 1, cells: [.number(0), .word("\u{7}x"), .word("no")])
    ]
    let last = view.lines(width: 80, ansi: true).last ?? ""
    #expect(
      last.contains("a?[2Jb?c?") && last.contains("?x") && !last.contains("\n") && !last.contains("\u{9b}"))
  }

  @Test func theSummaryAccountsForEveryRecord() {
    var metrics = view().current
    metrics.total = metrics.interval
    var summary = FinalSummary(title: "engagement", metrics: metrics, elapsedSeconds: 61.7)
    #expect(
      summary.identity
        == "read 1,234,567 = scored 1,234,000 + duplicate 560 + dead-lettered 7 (key-mismatch: 5, undecodable: 2)"
    )
    #expect(summary.lines(width: 80, ansi: false)[0] == "engagement: 61.7 s, 20,000 scores/s, lag 2,500")
    #expect(summary.lines(width: 20, ansi: false)[1] == summary.identity)
    #expect(summary.lines(width: 80, ansi: true)[1].hasPrefix("\u{1b}[32m"))
    summary.metrics.read += 3
    #expect(
      summary.identity.hasPrefix("read 1,234,570 ≠ scored")
        && summary.identity.hasSuffix("the difference is 3"))
    #expect(summary.lines(width: 80, ansi: true)[1].hasPrefix("\u{1b}[1;31m"))
    summary.metrics = MetricsSnapshot()
    #expect(summary.identity == "read 0 = scored 0 + duplicate 0 + dead-lettered 0")
  }
}

@Suite struct LiveViewTests {
  private final class FakeClock: Clock {
    var nanos: UInt64 = 5_000_000_000
    func wallMicros() -> Int64 { 0 }
    func monotonicNanos() -> UInt64 { nanos }
    func sleep(milliseconds: Int) { nanos += UInt64(milliseconds) * 1_000_000 }
  }

  private final class FakeTerminal: TerminalOutput {
    var isTerminal: Bool
    var size = (columns: 80, rows: 24)
    var written: [String] = []
    init(isTerminal: Bool) { self.isTerminal = isTerminal }
    func write(_ text: String) { written.append(text) }
  }

  @Test func drawsOverItself() {
    let clock = FakeClock()
    let terminal = FakeTerminal(isTerminal: true)
    let metrics = PipelineMetrics()
    let view = LiveView(title: "t", metrics: metrics, board: nil, clock: clock, terminal: terminal)
    var letters = [Int](repeating: 0, count: DeadLetterReason.count)
    letters[0] = 1
    metrics.count(read: 501, scored: 500, duplicate: 0, erased: 0, deadLettered: letters)
    clock.sleep(milliseconds: 500)
    view.refresh()
    #expect(terminal.written[0].contains("1,002") && !terminal.written[0].contains("A\r"))
    let height = terminal.written[0].split(separator: "\n", omittingEmptySubsequences: false).count - 1
    #expect(height == 14)
    clock.sleep(milliseconds: 500)
    terminal.size.rows = 6
    view.refresh()
    #expect(terminal.written[1].hasPrefix("\u{1b}[14A\r") && terminal.written[1].hasSuffix("\u{1b}[J"))
    #expect(terminal.written[1].split(separator: "\n").count == 6)
    view.refresh()
    #expect(terminal.written[2].hasPrefix("\u{1b}[5A\r"))
    view.finish()
    #expect(terminal.written[3].hasPrefix("\n") && terminal.written[3].contains("read 501 = scored 500"))
  }

  @Test func writesOneLineEachTimeWithoutATerminal() {
    let clock = FakeClock()
    let terminal = FakeTerminal(isTerminal: false)
    let metrics = PipelineMetrics()
    let view = LiveView(title: "t", metrics: metrics, board: nil, clock: clock, terminal: terminal)
    for _ in 0..<2 {
      metrics.count(read: 100, scored: 100, duplicate: 0, erased: 0, deadLettered: [])
      metrics.record(.total, nanos: 1_500_000, events: 100)
      clock.sleep(milliseconds: 2_000)
      view.refresh()
    }
    #expect(
      terminal.written == [
        "00:02  read 100 (50.0/s)  scored 100 (50.0/s)  no partitions  p50 1.50 ms  p99 1.50 ms\n",
        "00:04  read 200 (50.0/s)  scored 200 (50.0/s)  no partitions  p50 1.50 ms  p99 1.50 ms\n",
      ])
    view.finish()
    #expect(terminal.written[2].hasPrefix("t: 4.0 s, 50.0 scores/s\nread 200 = scored 200"))
    #expect(!terminal.written.joined().contains("\u{1b}"))
  }
}
