/// Where a dead letter came from: its address for readers is `PARTITION/OFFSET`.
public struct LetterAddress: Hashable, Sendable, Comparable {
  /// Partition of the source topic.
  public var partition: Int32
  /// Offset of the record.
  public var offset: Int64

  package init(partition: Int32, offset: Int64) {
    self.partition = partition
    self.offset = offset
  }

  /// In the order of the log, partition by partition.
  public static func < (one: LetterAddress, other: LetterAddress) -> Bool {
    (one.partition, one.offset) < (other.partition, other.offset)
  }
}

/// A dead letter as the table keeps it. Times are microseconds UTC.
public struct StoredLetter: Equatable, Sendable {
  /// Where it came from.
  public var address: LetterAddress
  /// `DeadLetterReason`'s code.
  public var reason: String
  /// More, for readers.
  public var detail: String
  /// The record's key; nil: none.
  public var key: [UInt8]?
  /// The record's value; nil: none.
  public var value: [UInt8]?
  /// The record's timestamp; nil: none.
  public var ingestTime: Int64?
  /// When it was written.
  public var recordedAt: Int64
  /// When it was last appended to the log again; nil: never.
  public var replayedAt: Int64?
  /// How often it was.
  public var replays: Int
  /// Bytes of the record's key; nil: an earlier version wrote the letter, which kept keys and values whole.
  public var keyBytes: Int?
  /// Bytes of the record's value; nil likewise.
  public var valueBytes: Int?

  /// Whether it lacks part of its record: that is in the log.
  public var isCut: Bool {
    (keyBytes ?? 0) > (key?.count ?? 0) || (valueBytes ?? 0) > (value?.count ?? 0)
  }
}

/// Which letters.
public struct LetterFilter: Equatable, Sendable {
  /// Of this reason; nil: any.
  public var reason: String?
  /// Of this partition; nil: any.
  public var partition: Int32?
  /// Written at this moment or later, microseconds UTC.
  public var since: Int64?
  /// Written before this moment, microseconds UTC.
  public var until: Int64?
  /// Whether they were appended again; nil: either.
  public var isReplayed: Bool?

  package init() {}
}
