/// Identity of a log: another one under the same name is refused.
public struct LogIdentity: Equatable, Sendable {
  /// The cluster's id.
  public var clusterID: String
  /// The topic's number of partitions.
  public var partitionCount: Int32

  package init(clusterID: String, partitionCount: Int32) {
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
  /// `why`: for readers, without data of a record.
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
  /// Commits the group's offsets; waits for the answer. Returns `.conflict` when the group has gone on without the membership by
  /// which the partitions were assigned: then nothing was committed.
  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome
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
