public import Dataflow

/// Where one partition stands.
public struct PartitionProgress: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// Next offset to read.
  public var next: Int64
  /// The log's end: its high watermark.
  public var end: Int64
  /// Whether it is ours; else this is where it stood when it went to another process.
  public var isOurs = true
  /// The last stable offset, up to which committed records can be read; nil: nobody has asked.
  public var stable: Int64?
  /// Timestamp of the last record that was taken, milliseconds UTC; nil: none was.
  public var lastReadMs: Int64?
  /// Timestamp of the next unread record, as far as known, milliseconds UTC; nil: there is none.
  public var unreadSinceMs: Int64?
  /// When its broker told its end last; nil: never.
  public var answered: ContinuousClock.Instant?
  /// When it moved last, or was known to have nothing left to read.
  public var moved: ContinuousClock.Instant
  /// States are made again up to this offset; 0: they are not.
  public var makingUntil: Int64 = 0
  /// The set of models in force, and its promotion; nil: not known.
  public var models: ModelSetInForce?
  /// Offsets below the next one that are left out, by cause.
  public var leftOut: [LeftOutCause: Int64] = [:]

  /// A partition's progress.
  public init(
    partition: Int32, next: Int64, end: Int64, moved: ContinuousClock.Instant = .now
  ) {
    self.partition = partition
    self.next = next
    self.end = end
    self.moved = moved
  }

  /// Notes where a worker stands.
  mutating func move(to next: Int64, end: Int64, at now: ContinuousClock.Instant) {
    if next != self.next || !isOurs { moved = now }
    self.next = next
    self.end = max(end, self.end, next)
    isOurs = true
  }

  /// Records that could be read and are not yet. Marks of transactions count while they are not read over.
  public var lag: Int64 { Swift.max((stable ?? end) - next, 0) }

  /// How long the next unread record has been waiting, seconds; 0: there is none.
  public func lagSeconds(nowMs: Int64) -> Double {
    guard lag > 0, let unreadSinceMs else { return 0 }
    return Double(Swift.max(nowMs - unreadSinceMs, 0)) / 1000
  }

  /// Records that are still to be read before states are whole again.
  public var makingLeft: Int64 { Swift.max(makingUntil - next, 0) }
}

/// What is known of the brokers beside what workers tell.
public struct BrokerWatch: Equatable, Sendable {
  /// Longest time without a sign of life, or without progress where there is lag, that counts as ready.
  public var readyWithin: Duration
  /// When any broker answered last; in the beginning: when asking began.
  public var answered: ContinuousClock.Instant

  package init(readyWithin: Duration, since answered: ContinuousClock.Instant) {
    self.readyWithin = readyWithin
    self.answered = answered
  }
}

/// That states are made again, for readers.
public struct StateLossNotice: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// W: the next offset to be made again.
  public var from: Int64
  /// Where it ends: nothing before it is delivered again.
  public var until: Int64
  /// Why; nil: it is done.
  public var because: StateLoss?

  package init(partition: Int32, from: Int64, until: Int64, because: StateLoss?) {
    self.partition = partition
    self.from = from
    self.until = until
    self.because = because
  }
}

/// That offsets were passed over, for readers.
public struct LeftOutNotice: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// What was passed over, with its cause.
  public var passed: LeftOut
  /// More about why; empty: nothing.
  public var why: String
}

extension MetricsSnapshot {
  /// Why events may lie unread at this moment although no worker complains; nil: they do not, or nobody asks the brokers.
  public func silenceProblem(now: ContinuousClock.Instant) -> String? {
    guard let watch else { return nil }
    let ours = partitions.filter(\.isOurs)
    let heard = ours.reduce(watch.answered) { max($0, $1.moved) }
    if now - heard > watch.readyWithin {
      return "no broker has answered for \((now - heard).components.seconds) s"
    }
    for partition in ours {
      let heard = max(partition.answered ?? partition.moved, partition.moved)
      if now - heard > watch.readyWithin {
        return "partition \(partition.partition): its broker has not answered for "
          + "\((now - heard).components.seconds) s"
      }
      if partition.lag > 0 && now - partition.moved > watch.readyWithin {
        return "partition \(partition.partition): lag \(partition.lag), and nothing was done for "
          + "\((now - partition.moved).components.seconds) s"
      }
    }
    return nil
  }
}
