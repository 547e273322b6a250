public import Dataflow
internal import Events
internal import Synchronization

/// Counters, latency histograms and states of a pipeline, in memory.
///
/// Safe from several threads: one lock, taken a few times per batch. Is itself the recorder of worker 0;
/// others get theirs from `recorder(worker:)`.
public final class PipelineMetrics: Recorder, Sendable {
  private let values = Mutex(MetricsValues())

  /// Metrics that are all 0.
  public init() {}

  /// The recorder of a worker; what all of them record is one sum.
  public func recorder(worker: Int) -> any Recorder { WorkerRecorder(self, worker) }

  /// All metrics now. `startingInterval` begins a new interval; only one reader should.
  public func snapshot(startingInterval: Bool = false) -> MetricsSnapshot {
    // Reading histograms takes long; workers, which record, must not wait for it.
    let copy = values.withLock { values in
      let copy = values
      if startingInterval { values.startInterval() }
      return copy
    }
    return copy.snapshot()
  }

  /// Whether every worker works; cheaper than a snapshot.
  public var isHealthy: Bool { values.withLock { $0.counts.isHealthy } }

  /// Records read so far; cheaper than a snapshot.
  public var read: UInt64 { values.withLock { $0.counts.read } }

  /// Where partitions stand, ascending; cheaper than a snapshot.
  public var partitions: [PartitionProgress] { values.withLock { $0.counts.partitions } }

  /// Forgets all latencies, counters stay: what comes from now on is looked at alone.
  public func forgetLatencies() {
    values.withLock { values in
      for index in values.latencies.indices { values.latencies[index] = StageLatency() }
    }
  }

  /// Counts `events` events of `nanos` nanoseconds each in a stage.
  public func record(_ stage: Stage, nanos: UInt64, events: Int) {
    guard events > 0 else { return }
    values.withLock { $0.latencies[stage.rawValue].record(nanos, events: UInt64(events)) }
  }

  /// Counts an event of each of these lengths in a stage.
  public func record(_ stage: Stage, nanos: UnsafeBufferPointer<UInt64>) {
    values.withLock { values in
      for value in nanos { values.latencies[stage.rawValue].record(value, events: 1) }
    }
  }

  /// Adds a batch's totals; dead letters by `DeadLetterReason.index`.
  public func count(read: Int, scored: Int, duplicate: Int, erased: Int, deadLettered: [Int]) {
    values.withLock { values in
      values.counts.read += UInt64(read)
      values.counts.scored += UInt64(scored)
      values.counts.duplicate += UInt64(duplicate)
      values.counts.erased += UInt64(erased)
      for (index, count) in deadLettered.enumerated() where count > 0 {
        values.counts.deadLettered[index] += UInt64(count)
      }
    }
  }

  /// Adds events at which rare words of a state were folded.
  public func folded(events: Int) { values.withLock { $0.counts.folded += UInt64(events) } }

  /// Sets where a partition stands.
  public func position(partition: Int32, next: Int64, end: Int64) {
    let progress = PartitionProgress(partition: partition, next: next, end: end)
    values.withLock { values in
      let place =
        values.counts.partitions.firstIndex { $0.partition >= partition } ?? values.counts.partitions.count
      if place < values.counts.partitions.count && values.counts.partitions[place].partition == partition {
        values.counts.partitions[place] = progress
      } else {
        values.counts.partitions.insert(progress, at: place)
      }
    }
  }

  /// Notes that partitions went to others.
  public func released(_ partitions: [Int32]) {
    values.withLock { values in
      for place in values.counts.partitions.indices
      where partitions.contains(values.counts.partitions[place].partition) {
        values.counts.partitions[place].isOurs = false
      }
    }
  }

  /// Sets what worker 0 is doing.
  public func state(_ text: String, healthy: Bool) { state(text, healthy: healthy, worker: 0) }

  /// Notes that worker 0 goes round.
  public func beat() { beat(worker: 0) }

  fileprivate func beat(worker: Int) {
    let now = ContinuousClock.now
    values.withLock { values in
      if let place = values.counts.workers.firstIndex(where: { $0.worker == worker }) {
        values.counts.workers[place].lastBeat = now
      }
    }
  }

  /// Latencies since the start as Prometheus has them, by `Stage.rawValue`.
  public func distributions() -> [LatencyDistribution] {
    values.withLock { $0.latencies }.map(\.distribution)
  }

  fileprivate func state(_ text: String, healthy: Bool, worker: Int) {
    let status = WorkerStatus(worker: worker, text: text, isHealthy: healthy)
    values.withLock { values in
      let place = values.counts.workers.firstIndex { $0.worker >= worker } ?? values.counts.workers.count
      if place < values.counts.workers.count && values.counts.workers[place].worker == worker {
        values.counts.workers[place] = status
      } else {
        values.counts.workers.insert(status, at: place)
      }
    }
  }
}

/// A worker's way to the metrics of all.
private final class WorkerRecorder: Recorder, Sendable {
  private let metrics: PipelineMetrics
  private let worker: Int

  init(_ metrics: PipelineMetrics, _ worker: Int) {
    self.metrics = metrics
    self.worker = worker
  }

  func record(_ stage: Stage, nanos: UInt64, events: Int) {
    metrics.record(stage, nanos: nanos, events: events)
  }

  func record(_ stage: Stage, nanos: UnsafeBufferPointer<UInt64>) {
    metrics.record(stage, nanos: nanos)
  }

  func count(read: Int, scored: Int, duplicate: Int, erased: Int, deadLettered: [Int]) {
    metrics.count(
      read: read, scored: scored, duplicate: duplicate, erased: erased, deadLettered: deadLettered)
  }

  func folded(events: Int) { metrics.folded(events: events) }

  func position(partition: Int32, next: Int64, end: Int64) {
    metrics.position(partition: partition, next: next, end: end)
  }

  func released(_ partitions: [Int32]) { metrics.released(partitions) }
  func state(_ text: String, healthy: Bool) { metrics.state(text, healthy: healthy, worker: worker) }
  func beat() { metrics.beat(worker: worker) }
}

/// What the lock guards.
private struct MetricsValues {
  /// Everything but latencies.
  var counts = MetricsSnapshot()
  /// By `Stage.rawValue`.
  var latencies = Stage.allCases.map { _ in StageLatency() }

  func snapshot() -> MetricsSnapshot {
    var snapshot = counts
    snapshot.total = latencies.map(\.totalSummary)
    snapshot.interval = latencies.map(\.intervalSummary)
    return snapshot
  }

  mutating func startInterval() {
    for index in latencies.indices { latencies[index].startInterval() }
  }
}
