internal import Dataflow
public import Events

/// Latency of one stage over some time, nanoseconds, one count per event. All 0 when there was none.
///
/// Percentiles are the largest value of their histogram's bucket: up to 0.8 % above the true one; `max` is
/// exact.
public struct LatencySummary: Equatable, Sendable {
  /// Events counted.
  public var events: UInt64 = 0
  /// Half of the events took no longer.
  public var p50: UInt64 = 0
  /// 90 % took no longer.
  public var p90: UInt64 = 0
  /// 99 % took no longer.
  public var p99: UInt64 = 0
  /// 99.9 % took no longer.
  public var p999: UInt64 = 0
  /// The longest time, nanoseconds.
  public var max: UInt64 = 0

  /// Nothing counted.
  public init() {}
}

/// Latency of one stage as a Prometheus histogram.
public struct LatencyDistribution: Equatable, Sendable {
  /// Upper bounds of the buckets, nanoseconds: 10 µs to 100 s in steps of 1, 2.5 and 5.
  public static let bounds: [UInt64] = {
    var bounds: [UInt64] = []
    var power: UInt64 = 10_000
    while power < 100_000_000_000 {
      bounds += [power, power / 2 * 5, power * 5]
      power *= 10
    }
    return bounds + [power]
  }()

  /// Events that took no longer than each bound; cumulative.
  public var cumulative = [UInt64](repeating: 0, count: LatencyDistribution.bounds.count)
  /// Events in all.
  public var count: UInt64 = 0
  /// Sum of all times, nanoseconds.
  public var sum: UInt64 = 0

  /// No events.
  public init() {}
}

/// What one worker is doing.
public struct WorkerStatus: Equatable, Sendable {
  /// The worker's number.
  public var worker: Int
  /// What it does: "running", "waiting for redis: …".
  public var text: String
  /// Whether that is as it should be.
  public var isHealthy: Bool
  /// When its thread last went round.
  public var lastBeat = ContinuousClock.now

  /// A worker's status.
  public init(worker: Int, text: String, isHealthy: Bool) {
    self.worker = worker
    self.text = text
    self.isHealthy = isHealthy
  }
}

/// All metrics at one moment.
public struct MetricsSnapshot: Equatable, Sendable {
  /// Records read.
  public var read: UInt64 = 0
  /// Events scored.
  public var scored: UInt64 = 0
  /// Records that were applied once more to states that the store had lost; they are in no other count.
  public var rebuilt: UInt64 = 0
  /// How often a partition's states were found lost or fallen back.
  public var statesLost: UInt64 = 0
  /// Duplicates.
  public var duplicate: UInt64 = 0
  /// Erasures.
  public var erased: UInt64 = 0
  /// Promotions of models, also those that change nothing.
  public var promoted: UInt64 = 0
  /// Proposed sets of models that this process has refused.
  public var refusedModels: UInt64 = 0
  /// Scored events whose rows no model has scored, because the pipeline does not want it.
  public var withoutModel: UInt64 = 0
  /// Scored events at which rare words of the entity's state were folded into `other`.
  public var folded: UInt64 = 0
  /// Dead letters, by `DeadLetterReason.index`.
  public var deadLettered = [UInt64](repeating: 0, count: DeadLetterReason.count)
  /// Latency since the start, by `Stage.rawValue`.
  public var total = [LatencySummary](repeating: LatencySummary(), count: Stage.allCases.count)
  /// Latency since the last interval began, by `Stage.rawValue`.
  public var interval = [LatencySummary](repeating: LatencySummary(), count: Stage.allCases.count)
  /// What was dropped because the pipeline does not declare it, by name.
  public var names = NameCounts()
  /// Partitions, ascending.
  public var partitions: [PartitionProgress] = []
  /// Workers, ascending.
  public var workers: [WorkerStatus] = []
  /// What is known of the brokers beside what workers tell; nil: nobody asks them.
  public var watch: BrokerWatch?
  /// Why the pipeline is not ready although its workers say that they are well; nil: it is. As of the snapshot's moment.
  public var silence: String?

  /// Nothing yet.
  public init() {}

  /// Dead letters of all reasons.
  public var deadLetters: UInt64 { deadLettered.reduce(0, +) }
  /// Records of all our partitions that are still to be read.
  public var lag: Int64 { partitions.reduce(0) { $0 + ($1.isOurs ? $1.lag : 0) } }
  /// Whether every worker is as it should be, the brokers answer, and what can be read is read.
  public var isHealthy: Bool { silence == nil && workers.allSatisfy(\.isHealthy) }
  /// Whether every record read is accounted for: `read = scored + duplicate + erased + promoted + dead-lettered`.
  public var isBalanced: Bool { read == scored + duplicate + erased + promoted + deadLetters }
}
