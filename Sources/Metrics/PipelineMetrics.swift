public import Dataflow
public import Events
internal import Synchronization

/// Counters, latency histograms and states of a pipeline, in memory.
///
/// Safe from several threads: one lock, taken a few times per batch. Is itself the recorder of worker 0;
/// others get theirs from `recorder(worker:)`.
public final class PipelineMetrics: Recorder, Sendable {
  private let values = Mutex(MetricsValues())
  private let nameSource = Mutex<(@Sendable () -> NameCounts)?>(nil)

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
    var snapshot = copy.snapshot()
    snapshot.names = names
    snapshot.silence = snapshot.silenceProblem(now: .now)
    return snapshot
  }

  /// Whether every worker works; cheaper than a snapshot.
  public var isHealthy: Bool {
    let now = ContinuousClock.now
    return values.withLock { $0.counts.isHealthy && $0.counts.silenceProblem(now: now) == nil }
  }

  /// From now on `source` tells what was dropped because nobody declares it; it is asked when somebody wants to know.
  public func readNames(from source: @escaping @Sendable () -> NameCounts) {
    nameSource.withLock { $0 = source }
  }

  /// What was dropped because the pipeline does not declare it, by name; cheaper than a snapshot.
  public var names: NameCounts { nameSource.withLock { $0 }?() ?? NameCounts() }

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

  /// Adds scored events whose rows no model has scored.
  public func withoutModel(events: Int) { values.withLock { $0.counts.withoutModel += UInt64(events) } }

  /// Adds promotions of models.
  public func promoted(records: Int) { values.withLock { $0.counts.promoted += UInt64(records) } }

  /// Adds a proposed set of models that this process has refused.
  public func refusedModels() { values.withLock { $0.counts.refusedModels += 1 } }

  /// Notes which set of models is in force on a partition.
  public func modelSet(partition: Int32, number: UInt64, hash: String) {
    values.withLock { $0.change(partition) { $0.models = ModelSetInForce(number: number, hash: hash) } }
  }

  /// Adds events at which rare words of a state were folded.
  public func folded(events: Int) { values.withLock { $0.counts.folded += UInt64(events) } }

  /// Sets where a partition stands.
  public func position(partition: Int32, next: Int64, end: Int64) {
    let now = ContinuousClock.now
    values.withLock { values in
      let place =
        values.counts.partitions.firstIndex { $0.partition >= partition } ?? values.counts.partitions.count
      guard place < values.counts.partitions.count, values.counts.partitions[place].partition == partition
      else {
        let progress = PartitionProgress(partition: partition, next: next, end: end, moved: now)
        return values.counts.partitions.insert(progress, at: place)
      }
      values.counts.partitions[place].move(to: next, end: end, at: now)
      values.noteMade(place)
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

  /// Notes the time of the last record that was taken.
  public func lastRead(partition: Int32, timeMs: Int64) {
    values.withLock { $0.change(partition) { $0.lastReadMs = timeMs } }
  }

  /// Adds records that were applied once more to states that had been lost.
  public func rebuilt(records: Int) { values.withLock { $0.counts.rebuilt += UInt64(records) } }

  /// Notes that states are made again; told once, `takeNotices` has it.
  public func makingAgain(partition: Int32, from: Int64, until: Int64, because: StateLoss) {
    position(partition: partition, next: from, end: until)
    values.withLock { values in
      var isNew = false
      values.change(partition) { progress in
        isNew = progress.makingUntil != until
        progress.makingUntil = until
      }
      guard isNew else { return }
      if because != .unfinished { values.counts.statesLost += 1 }
      values.notices.append(
        StateLossNotice(partition: partition, from: from, until: until, because: because))
    }
  }

  /// What has been said of lost states since the last call.
  public func takeNotices() -> [StateLossNotice] {
    values.withLock { values in
      defer { values.notices.removeAll() }
      return values.notices
    }
  }

  /// Notes how many offsets are left out of a partition.
  public func leftOut(partition: Int32, offsets: [LeftOutCause: Int64]) {
    values.withLock { $0.change(partition) { $0.leftOut = offsets } }
  }

  /// Notes that offsets were passed over; told once, `takeLeftOut` has it.
  public func leftOut(partition: Int32, _ passed: LeftOut, why: String) {
    values.withLock { values in
      guard values.leftOut.count < Self.leftOutMax else { return values.leftOutUntold += 1 }
      values.leftOut.append(LeftOutNotice(partition: partition, passed: passed, why: why))
    }
  }

  /// What was passed over since the last call, and how many more times than there was room for.
  public func takeLeftOut() -> (notices: [LeftOutNotice], untold: Int) {
    values.withLock { values in
      defer {
        values.leftOut.removeAll()
        values.leftOutUntold = 0
      }
      return (values.leftOut, values.leftOutUntold)
    }
  }

  /// Notices that are kept until somebody takes them.
  private static let leftOutMax = 100

  /// From now on somebody asks the brokers, and tells `ends`: what is not answered within the time is not ready.
  public func watchBrokers(readyWithin: Duration, now: ContinuousClock.Instant = .now) {
    values.withLock { $0.counts.watch = BrokerWatch(readyWithin: readyWithin, since: now) }
  }

  /// Where partitions end, as their brokers have told: the high watermark and the last stable offset.
  public func ends(
    _ ends: [(partition: Int32, high: Int64, stable: Int64)], now: ContinuousClock.Instant = .now
  ) {
    guard !ends.isEmpty else { return }
    values.withLock { values in
      values.counts.watch?.answered = now
      for end in ends {
        values.change(end.partition) { progress in
          progress.end = max(end.high, progress.next)
          progress.stable = end.stable
          progress.answered = now
          if progress.lag == 0 { progress.moved = now }
        }
      }
    }
  }

  /// Since when the next unread record of a partition has been waiting, milliseconds UTC; nil: there is none.
  public func unread(partition: Int32, sinceMs: Int64?) {
    values.withLock { $0.change(partition) { $0.unreadSinceMs = sinceMs } }
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

  func withoutModel(events: Int) { metrics.withoutModel(events: events) }
  func folded(events: Int) { metrics.folded(events: events) }
  func promoted(records: Int) { metrics.promoted(records: records) }
  func modelSet(partition: Int32, number: UInt64, hash: String) {
    metrics.modelSet(partition: partition, number: number, hash: hash)
  }

  func position(partition: Int32, next: Int64, end: Int64) {
    metrics.position(partition: partition, next: next, end: end)
  }

  func lastRead(partition: Int32, timeMs: Int64) { metrics.lastRead(partition: partition, timeMs: timeMs) }
  func rebuilt(records: Int) { metrics.rebuilt(records: records) }

  func makingAgain(partition: Int32, from: Int64, until: Int64, because: StateLoss) {
    metrics.makingAgain(partition: partition, from: from, until: until, because: because)
  }

  func leftOut(partition: Int32, offsets: [LeftOutCause: Int64]) {
    metrics.leftOut(partition: partition, offsets: offsets)
  }

  func leftOut(partition: Int32, _ passed: LeftOut, why: String) {
    metrics.leftOut(partition: partition, passed, why: why)
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
  /// What nobody has been told yet.
  var notices: [StateLossNotice] = []
  var leftOut: [LeftOutNotice] = []
  /// Notices that there was no room for.
  var leftOutUntold = 0

  /// Changes what is known of a partition, if anything is.
  mutating func change(_ partition: Int32, _ body: (inout PartitionProgress) -> Void) {
    guard let place = counts.partitions.firstIndex(where: { $0.partition == partition }) else { return }
    body(&counts.partitions[place])
  }

  /// Notes that states are whole again.
  mutating func noteMade(_ place: Int) {
    let progress = counts.partitions[place]
    guard progress.makingUntil > 0, progress.makingLeft == 0 else { return }
    notices.append(
      StateLossNotice(
        partition: progress.partition, from: progress.next, until: progress.makingUntil, because: nil))
    counts.partitions[place].makingUntil = 0
  }

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
