import Events

/// A stage of an event's way, for latency.
public enum Stage: Int, CaseIterable, Sendable {
  /// From the record's timestamp to the poll that returned it.
  case brokerWait
  /// Decoding and validation.
  case decode
  /// Reading states.
  case fetch
  /// Applying events and reading features.
  case features
  /// All models and decisions.
  case score
  /// Topic acknowledged and table committed.
  case sink
  /// Writing states and positions.
  case state
  /// From the record's timestamp to durable in topic and table.
  case total
}

/// What a worker tells of itself, once per batch. Implementations are safe from several threads.
public protocol Recorder: AnyObject {
  /// `events` events each took `nanos` in this stage (a batch's events share its time).
  func record(_ stage: Stage, nanos: UInt64, events: Int)
  /// One event each took so long in this stage, nanoseconds; the pointer is valid during the call.
  func record(_ stage: Stage, nanos: UnsafeBufferPointer<UInt64>)
  /// Totals of this batch; dead letters by `DeadLetterReason.index`.
  func count(read: Int, scored: Int, duplicate: Int, erased: Int, deadLettered: [Int])
  /// Promotions of this batch, which are among `read`.
  func promoted(records: Int)
  /// The set of models in force at a partition's next offset, 32 hex digits, and the number of its promotion (0: there was none).
  func modelSet(partition: Int32, number: UInt64, hash: String)
  /// Scored events of this batch whose rows no model has scored, because the pipeline does not want it.
  func withoutModel(events: Int)
  /// Events of this batch at which rare words of the entity's state were folded into `other` to keep within `state_max`.
  func folded(events: Int)
  /// Where a partition stands: next offset and the log's end.
  func position(partition: Int32, next: Int64, end: Int64)
  /// Timestamp of the last record of a partition that was taken, milliseconds UTC.
  func lastRead(partition: Int32, timeMs: Int64)
  /// `records` records were applied once more to states that the store had lost; they are in no other count.
  func rebuilt(records: Int)
  /// States of a partition are made again, `from` the next offset up to `until`: nothing of it is delivered again.
  func makingAgain(partition: Int32, from: Int64, until: Int64, because: StateLoss)
  /// Offsets of a partition were passed over just now; `why`: more, for readers, without data of a record.
  func leftOut(partition: Int32, _ passed: LeftOut, why: String)
  /// Offsets below the next one that are left out of a partition, by cause.
  func leftOut(partition: Int32, offsets: [LeftOutCause: Int64])
  /// Partitions that are no longer the worker's.
  func released(_ partitions: [Int32])
  /// What the worker is doing, for readers: "running", "waiting for redis: …".
  func state(_ text: String, healthy: Bool)
  /// The worker's thread goes round: told at least every few seconds, also while it waits for others.
  func beat()
}

extension Recorder {
  /// Does nothing.
  public func promoted(records: Int) {}
  /// Does nothing.
  public func modelSet(partition: Int32, number: UInt64, hash: String) {}
  /// Does nothing.
  public func withoutModel(events: Int) {}
  /// Does nothing.
  public func folded(events: Int) {}
  /// Does nothing.
  public func released(_ partitions: [Int32]) {}
  /// Does nothing.
  public func beat() {}
  /// Records event by event.
  public func record(_ stage: Stage, nanos: UnsafeBufferPointer<UInt64>) {
    for value in nanos { record(stage, nanos: value, events: 1) }
  }
}
