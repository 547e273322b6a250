import Dataflow
import Metrics
import Testing

@Suite("Readiness beside what workers say") struct ReadinessTests {
  private let start = ContinuousClock.now

  /// Metrics of a worker that is well, with one partition at offset 10 of 10.
  private func metrics(end: Int64 = 10) -> PipelineMetrics {
    let metrics = PipelineMetrics()
    metrics.state("running", healthy: true)
    metrics.watchBrokers(readyWithin: .seconds(10), now: start)
    metrics.position(partition: 0, next: 10, end: end)
    return metrics
  }

  private func silence(_ metrics: PipelineMetrics, after seconds: Int) -> String? {
    metrics.snapshot().silenceProblem(now: start + .seconds(seconds))
  }

  @Test("nobody who asks, nothing to miss") func unwatched() {
    let metrics = PipelineMetrics()
    metrics.position(partition: 0, next: 10, end: 99)
    #expect(metrics.snapshot().silenceProblem(now: start + .seconds(10_000)) == nil)
  }

  @Test("brokers that say nothing, also when nothing is ours") func deadBroker() {
    let metrics = metrics()
    #expect(silence(metrics, after: 9) == nil)
    #expect(silence(metrics, after: 12)?.contains("no broker has answered") == true)
    metrics.ends([(0, 10, 10)], now: start + .seconds(20))
    #expect(silence(metrics, after: 29) == nil)
    metrics.released([0])
    #expect(silence(metrics, after: 29) == nil)
    #expect(silence(metrics, after: 31)?.contains("no broker has answered for 11 s") == true)
    metrics.ends([], now: start + .seconds(31))
    #expect(silence(metrics, after: 31) != nil, "no answer is no sign of life")
    metrics.ends([(1, 5, 5)], now: start + .seconds(31))
    #expect(silence(metrics, after: 31) == nil, "any broker's will do for a process without partitions")
  }

  @Test("one partition whose broker is silent") func silentLeader() {
    let metrics = metrics()
    metrics.position(partition: 1, next: 3, end: 3)
    for second in 1...12 { metrics.ends([(0, 10, 10)], now: start + .seconds(second)) }
    #expect(silence(metrics, after: 12)?.hasPrefix("partition 1: its broker has not answered") == true)
    metrics.ends([(1, 3, 3)], now: start + .seconds(12))
    #expect(silence(metrics, after: 12) == nil)
  }

  @Test("lag up to the last stable offset without progress") func noProgress() {
    let metrics = metrics()
    metrics.ends([(0, 90, 40)], now: start + .seconds(1))
    for second in 2...12 { metrics.ends([(0, 90, 40)], now: start + .seconds(second)) }
    let said = silence(metrics, after: 12)
    #expect(said?.hasPrefix("partition 0: lag 30, and nothing was done") == true, "\(said ?? "")")
    #expect(metrics.snapshot().lag == 30)
    // What an open transaction holds back cannot be read.
    metrics.ends([(0, 90, 10)], now: start + .seconds(13))
    #expect(silence(metrics, after: 13) == nil)
    #expect(metrics.snapshot().lag == 0 && metrics.snapshot().partitions[0].end == 90)
  }

  @Test("progress is a sign of life, however slow") func slowProgress() {
    let metrics = PipelineMetrics()
    metrics.state("running", healthy: true)
    // A link so busy that no answer comes.
    metrics.watchBrokers(readyWithin: .seconds(10), now: start - .seconds(100))
    metrics.position(partition: 0, next: 0, end: 1000)
    metrics.position(partition: 0, next: 1, end: 1000)
    #expect(metrics.snapshot().silence == nil && metrics.isHealthy)
    #expect(silence(metrics, after: 60) != nil)
  }

  @Test("seconds count from the next unread record") func seconds() {
    let metrics = metrics(end: 30)
    metrics.unread(partition: 0, sinceMs: 5_000)
    let partition = metrics.snapshot().partitions[0]
    #expect(partition.lagSeconds(nowMs: 12_500) == 7.5)
    #expect(partition.lagSeconds(nowMs: 1_000) == 0, "clocks may differ")
    metrics.position(partition: 0, next: 30, end: 30)
    #expect(metrics.snapshot().partitions[0].lagSeconds(nowMs: 12_500) == 0)
  }

  @Test("a lost store is said once, and once when it is whole") func notices() {
    let metrics = PipelineMetrics()
    metrics.makingAgain(partition: 2, from: 0, until: 50, because: .lost)
    metrics.makingAgain(partition: 2, from: 20, until: 50, because: .unfinished)
    metrics.position(partition: 2, next: 40, end: 60)
    #expect(metrics.snapshot().partitions[0].makingLeft == 10)
    metrics.position(partition: 2, next: 55, end: 60)
    metrics.position(partition: 2, next: 60, end: 60)
    #expect(
      metrics.takeNotices() == [
        StateLossNotice(partition: 2, from: 0, until: 50, because: .lost),
        StateLossNotice(partition: 2, from: 55, until: 50, because: nil),
      ])
    #expect(metrics.takeNotices().isEmpty && metrics.snapshot().statesLost == 1)
  }
}
