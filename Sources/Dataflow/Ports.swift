/// Identity of a log: another one under the same name is refused.
public struct LogIdentity: Equatable, Sendable {
  /// The cluster's id.
  public var clusterID: String
  /// The topic's number of partitions.
  public var partitionCount: Int32

  /// An identity.
  public init(clusterID: String, partitionCount: Int32) {
    self.clusterID = clusterID
    self.partitionCount = partitionCount
  }
}

/// What a poll gave.
public enum PollOutcome: Equatable, Sendable {
  /// Records are in the batch (perhaps none, when the time was up).
  case records
  /// These partitions shall be this worker's: read their positions, then call `assign`.
  case assigned([Int32])
  /// These are no longer: finish or drop what is under way, then call `unassign`. `lost`: already somebody
  /// else's, so write nothing more.
  case revoked([Int32], lost: Bool)
  /// Offsets that no reader can have, as their bytes alone decide. Everything before them was given; the source goes on behind them.
  /// `why`: for people, without data of a record.
  case unreadable(partition: Int32, from: Int64, until: Int64, why: String)
  /// Offsets that cannot be had for now, and perhaps never: the source tries again, and goes on with its other partitions. Told again
  /// at each try. `until`: behind the last one, as far as it is known.
  case stuck(partition: Int32, from: Int64, until: Int64?, why: String)
  /// The end of a bounded source.
  case finished
}

/// First and next offset of a partition's log.
public struct LogBounds: Equatable, Sendable {
  /// First offset that is still there.
  public var low: Int64
  /// Offset that the next record will get.
  public var high: Int64

  /// Bounds.
  public init(low: Int64, high: Int64) {
    self.low = low
    self.high = high
  }
}

/// Where events come from: one topic's partitions. One thread. All calls throw `PortError`.
public protocol RecordSource: AnyObject {
  /// Topic name, as written into scores.
  var topic: String { get }
  /// Identity of the log.
  func identity() throws -> LogIdentity
  /// Empties `batch`, then fills it with up to `limit` records: waits at most `timeoutMs` for the first, and goes on for
  /// `fillMs` from the call on while there are fewer than `limit`; 0: takes what is there.
  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome
  /// The membership by which the partitions were assigned last, as brokers know it; empty: there is no group. It goes with the
  /// offsets of a transaction, so that those of a member are refused that the group has gone on without.
  var membership: [UInt8] { get }
  /// The group's committed offsets (C), in the order asked; nil: none. Those of a transaction under way are waited for:
  /// `.unavailable` until it has ended.
  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?]
  /// First and next offset.
  func bounds(_ partition: Int32) throws -> LogBounds
  /// Starts reading the partitions at the given offsets; answers `.assigned`.
  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws
  /// Gives all partitions up; answers `.revoked`.
  func unassign() throws
  /// Commits the group's offsets; waits for the answer.
  func commit(_ offsets: [OffsetMark]) throws
  /// Keeps the membership alive while nothing can be processed: stops delivery, serves the group protocol.
  /// Returns true when a revocation is waiting (the next `poll` reports it).
  func idle(timeoutMs: Int) throws -> Bool
  /// Takes delivery up again after `idle`.
  func resume() throws
  /// The end that reading reached last: everything before it was given; nil: not yet. Asks nobody.
  func reachedEnd(_ partition: Int32) -> Int64?
  /// The log's end as the source knows it by now; nil: it does not. Asks nobody.
  func knownEnd(_ partition: Int32) -> Int64?
  /// Unpacked size of a producer's batch, bytes, beyond which its records are `.unreadable`.
  var unpackedBytesMax: Int64 { get }
  /// As `unpackedBytesMax`, for one partition: what was decided by another size stays as it was.
  func bound(unpackedBytes: Int64, of partition: Int32)
  /// Leaves the group and closes.
  func close()
}

extension RecordSource {
  /// Batches of any size.
  public var unpackedBytesMax: Int64 { .max }
  /// Does nothing.
  public func bound(unpackedBytes: Int64, of partition: Int32) {}
  /// None.
  public var membership: [UInt8] { [] }
  /// Not known.
  public func reachedEnd(_ partition: Int32) -> Int64? { nil }
  /// Not known.
  public func knownEnd(_ partition: Int32) -> Int64? { nil }
}

/// What became of a compare-and-set.
public enum WriteOutcome: Equatable, Sendable {
  /// Written now.
  case written
  /// It was already there: an earlier try of ours had succeeded.
  case alreadyWritten
  /// Somebody else moved it, or it was rolled back: nothing was written.
  case conflict
}

/// An entity's stored state among those to be written; bytes lie in `StateWrite.bytes`.
public struct StateEntry {
  /// Entity id, as bytes in `StateWrite.bytes`.
  public var entityID: Range<Int>
  /// Encoded state, as bytes in `StateWrite.bytes`; empty: the stored state is removed.
  public var state: Range<Int>

  /// An entry.
  public init(entityID: Range<Int>, state: Range<Int>) {
    self.entityID = entityID
    self.state = state
  }
}

/// One partition's write: the record moves from `expected` to `record` together with the states, or nothing does.
public struct StateWrite {
  /// Partition.
  public var partition: Int32 = 0
  /// The record that must be there now; empty: none.
  public var expected: [UInt8] = []
  /// The record to put in its place.
  public var record: [UInt8] = []
  /// Arena of ids and states.
  public var bytes: [UInt8] = []
  /// Changed states, at most `StateStoreLimits.statesMax`.
  public var entries: [StateEntry] = []

  /// An empty write.
  public init() {}
}

/// Bounds of the store port.
public enum StateStoreLimits {
  /// States in one write: Redis serves nobody else meanwhile, 4–5 µs a state.
  public static let statesMax = 8192
}

/// Which entity of which partition.
public struct EntityRequest {
  /// Partition.
  public var partition: Int32
  /// Entity id; valid during the call.
  public var entityID: UnsafeRawBufferPointer

  /// A request.
  public init(partition: Int32, entityID: UnsafeRawBufferPointer) {
    self.partition = partition
    self.entityID = entityID
  }
}

/// Where states and partition records lie. One thread. All calls throw `PortError`.
public protocol StateStore: AnyObject {
  /// From now on a partition's record and states are those of this generation.
  func use(generation: UInt64, of partition: Int32)

  /// Reads partition records, in the order asked; nil: none.
  func records(_ partitions: [Int32]) throws -> [[UInt8]?]

  /// Reads in one round trip the partitions' records and the entities' states.
  ///
  /// `record` is called once per partition in order, then `state` once per entity in order; nil: none. Pointers are
  /// valid only inside the call.
  func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws

  /// Calls `body` with every entity of these partitions that has a stored state, in no order; the pointer is valid during
  /// the call. An entity may come twice; one that is there all the time is not missed. Looks at the whole store: for migrations.
  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws

  /// Compare-and-set of one partition's record together with its states.
  func write(_ write: StateWrite) throws -> WriteOutcome

  /// Removes all states of a partition as long as its record is, byte for byte, `record`. Returns false when it is not, or
  /// no longer: then some may be left.
  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool

  /// Where an entity's state lies, for people.
  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String
  /// Closes the connection.
  func close()
}

/// Scores whole batches: `rows` of features in, `outputs` (one column per model) out. One thread.
public protocol RowScorer: AnyObject {
  /// Output names, in column order.
  var outputNames: [String] { get }
  /// Version of each output's model: 16 hex digits of its file's hash or a registry's name for it.
  var modelVersions: [String] { get }
  /// Fills `outputs` (resized to the same number of rows). Throws `PortError`.
  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws
}

/// Where scores and dead letters go as messages. One thread. All calls throw `PortError`.
public protocol TopicSink: AnyObject {
  /// Rows with `toTopic` that the topic will never take, by their position in `batch.rows`. Asked before anything of the batch is
  /// delivered.
  func refused(_ batch: ScoredBatch) throws -> [Int]
  /// Queues messages of all rows and letters with `toTopic`; does not wait.
  func send(_ batch: ScoredBatch) throws
  /// Waits up to `timeoutMs` for all acknowledgements. Returns whether all have come.
  func flush(timeoutMs: Int) throws -> Bool
  /// Closes; what is not acknowledged may be lost.
  func close()
}

extension TopicSink {
  /// None.
  public func refused(_ batch: ScoredBatch) throws -> [Int] { [] }
}

/// A topic sink whose messages become visible together with the group's offsets, or not at all. One thread. All calls throw
/// `PortError`.
public protocol TransactionalTopicSink: TopicSink {
  /// Ends what this sink, or an earlier one of the same transactional id, has left open, and makes the earlier one unable to
  /// go on. To be called before positions are read. Throws `.unavailable`: call again.
  func settle() throws
  /// Writes the messages of all rows and letters with `toTopic` and moves the group's offsets, in one transaction.
  ///
  /// `membership`: of the source that the records came from. Returns `.written`; `.conflict`: nothing of it is visible, because the
  /// group or another sink of the same transactional id has gone on without this one, or the transaction took too long.
  /// Throws `.unavailable`: call again with the same batch, it goes on where it stopped, or `settle`.
  func commit(_ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]) throws -> WriteOutcome
}

/// A partition's move in a table: from `old` (nil: no row yet) to `new`.
public struct PositionMove: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// T before; nil: there is none.
  public var old: Int64?
  /// T after.
  public var new: Int64
  /// What is left out of the partition, which the table keeps beside T.
  public var leftOut: LeftOutRanges

  /// A move.
  public init(partition: Int32, old: Int64?, new: Int64, leftOut: LeftOutRanges = LeftOutRanges()) {
    self.partition = partition
    self.old = old
    self.new = new
    self.leftOut = leftOut
  }
}

/// Where a table stands in a partition, as read.
public struct TablePosition: Equatable, Sendable, ExpressibleByIntegerLiteral {
  /// T: the next offset.
  public var next: Int64
  /// What it knows to be left out of the partition.
  public var leftOut: LeftOutRanges

  /// A position.
  public init(_ next: Int64, leftOut: LeftOutRanges = LeftOutRanges()) {
    self.next = next
    self.leftOut = leftOut
  }

  /// A position with nothing left out.
  public init(integerLiteral next: Int64) { self.init(next) }
}

/// Where scores and dead letters go as rows, each batch in one transaction with the positions. One thread.
/// All calls throw `PortError`.
public protocol TableSink: AnyObject {
  /// T of the partitions, in the order asked; nil: none.
  func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?]
  /// Does all erasures with `toTable`, then writes all rows and letters with `toTable`, and moves all positions, or
  /// nothing. Throws `RefusedRows` when the database will never take some of them.
  func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome
  /// Closes the connection.
  func close()
}

/// Clock of the machine: never part of a feature or a score.
public protocol Clock: AnyObject {
  /// Wall-clock time, microseconds UTC.
  func wallMicros() -> Int64
  /// Monotonic time, nanoseconds.
  func monotonicNanos() -> UInt64
  /// Sleeps.
  func sleep(milliseconds: Int)
}

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
  /// Offsets of a partition were passed over just now; `why`: more, for people, without data of a record.
  func leftOut(partition: Int32, _ passed: LeftOut, why: String)
  /// Offsets below the next one that are left out of a partition, by cause.
  func leftOut(partition: Int32, offsets: [LeftOutCause: Int64])
  /// Partitions that are no longer the worker's.
  func released(_ partitions: [Int32])
  /// What the worker is doing, for people: "running", "waiting for redis: …".
  func state(_ text: String, healthy: Bool)
  /// The worker's thread goes round: told at least every few seconds, also while it waits for others.
  func beat()
}

extension Recorder {
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
