import Dataflow
import Dispatch
import Events
import Metrics
import Testing

@Suite struct PipelineMetricsTests {
  @Test(arguments: [1, 2, 3] as [UInt64]) func percentilesAreThoseOfTheSortedTimes(seed: UInt64) {
    let metrics = PipelineMetrics()
    var state = seed
    var all: [UInt64] = []
    for _ in 0..<2_000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      // Times from nanoseconds to minutes, as many in each decade; batches of 1 to 8 events.
      let nanos = UInt64(1) << (state >> 59) + (state >> 20) % (UInt64(1) << (state >> 59))
      let events = Int(state >> 40 % 8) + 1
      metrics.record(.score, nanos: nanos, events: events)
      all += [UInt64](repeating: nanos, count: events)
    }
    all.sort()
    func exact(_ share: Double) -> UInt64 { all[max(Int((share * Double(all.count)).rounded(.up)), 1) - 1] }
    let summary = metrics.snapshot().total[Stage.score.rawValue]
    for (value, share) in [
      (summary.p50, 0.5), (summary.p90, 0.9), (summary.p99, 0.99), (summary.p999, 0.999),
    ] {
      #expect(value >= exact(share) && Double(value) <= Double(exact(share)) * 1.01, "\(share), seed \(seed)")
    }
    #expect(summary.max == all.last && summary.events == UInt64(all.count))
  }

  @Test func anIntervalEndsAndTheTotalStays() {
    let metrics = PipelineMetrics()
    metrics.record(.sink, nanos: 1_000_000, events: 10)
    #expect(metrics.snapshot().interval == metrics.snapshot(startingInterval: true).interval)
    metrics.record(.sink, nanos: 100, events: 1)
    let snapshot = metrics.snapshot(startingInterval: true)
    #expect(
      snapshot.interval[Stage.sink.rawValue].max == 100 && snapshot.interval[Stage.sink.rawValue].events == 1)
    #expect(
      snapshot.total[Stage.sink.rawValue].max == 1_000_000 && snapshot.total[Stage.sink.rawValue].events == 11
    )
    #expect(metrics.snapshot().interval[Stage.sink.rawValue] == LatencySummary())
    #expect(snapshot.total[Stage.fetch.rawValue] == LatencySummary())
  }

  @Test func theLongestTimeFits() {
    let metrics = PipelineMetrics()
    metrics.record(.brokerWait, nanos: .max, events: 3)
    metrics.record(.brokerWait, nanos: 0, events: 3)
    metrics.record(.brokerWait, nanos: 5, events: 0)
    let summary = metrics.snapshot().total[Stage.brokerWait.rawValue]
    #expect(summary.events == 6 && summary.max == 1 << 52 && summary.p50 == 0 && summary.p99 == 1 << 52)
  }

  @Test func countsAreAccountedFor() {
    let metrics = PipelineMetrics()
    var letters = [Int](repeating: 0, count: DeadLetterReason.count)
    letters[DeadLetterReason.keyMismatch.index] = 2
    metrics.count(read: 10, scored: 7, duplicate: 1, erased: 0, deadLettered: letters)
    metrics.recorder(worker: 1).count(read: 5, scored: 5, duplicate: 0, erased: 0, deadLettered: [])
    var snapshot = metrics.snapshot()
    #expect(snapshot.read == 15 && snapshot.scored == 12 && snapshot.duplicate == 1)
    #expect(snapshot.deadLetters == 2 && snapshot.deadLettered[DeadLetterReason.keyMismatch.index] == 2)
    #expect(snapshot.isBalanced)
    snapshot.read += 1
    #expect(!snapshot.isBalanced)
  }

  @Test func partitionsAndWorkersAreInOrder() {
    let metrics = PipelineMetrics()
    for partition in [3, 0, 2, 3] as [Int32] {
      metrics.position(partition: partition, next: Int64(partition), end: 10)
    }
    metrics.recorder(worker: 2).state("running", healthy: true)
    metrics.state("waiting for redis: connection refused", healthy: false)
    metrics.recorder(worker: 1).state("running", healthy: true)
    let snapshot = metrics.snapshot()
    #expect(snapshot.partitions.map(\.partition) == [0, 2, 3] && snapshot.lag == 25)
    #expect(snapshot.workers.map(\.worker) == [0, 1, 2] && !snapshot.isHealthy)
    metrics.state("running", healthy: true)
    #expect(metrics.snapshot().isHealthy && metrics.snapshot().workers.count == 3)
  }

  @Test func severalThreadsLoseNothing() {
    let metrics = PipelineMetrics()
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      let recorder = metrics.recorder(worker: worker)
      for index in 0..<500 {
        recorder.record(.total, nanos: UInt64(index), events: 2)
        recorder.count(read: 2, scored: 2, duplicate: 0, erased: 0, deadLettered: [])
        recorder.position(partition: Int32(worker), next: Int64(index), end: 500)
      }
    }
    let snapshot = metrics.snapshot()
    #expect(
      snapshot.total[Stage.total.rawValue].events == 4_000 && snapshot.read == 4_000 && snapshot.isBalanced)
    #expect(snapshot.lag == 4)
  }
}
