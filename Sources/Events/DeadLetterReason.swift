/// Why a record cannot be scored: a stable code, its meaning is part of the public contract.
public enum DeadLetterReason: String, CaseIterable, Sendable {
  /// Neither valid protobuf nor valid JSON of an event, or a content-type that Tally does not know.
  case undecodable
  /// The record has neither a key nor a value.
  case emptyRecord = "empty-record"
  /// The record has a key but no value.
  case emptyValue = "empty-value"
  /// The value is larger than `valueBytesMax`.
  case tooLarge = "too-large"
  /// JSON nested deeper than `jsonDepthMax`, or more attributes than `attributesMax`.
  case tooDeep = "too-deep"
  /// Text that is not UTF-8.
  case invalidUTF8 = "invalid-utf8"
  /// Not exactly one of profile, engagement, tick, erasure and promotion.
  case unknownKind = "unknown-kind"
  /// `schema_version` is newer than this program.
  case unknownSchema = "unknown-schema"
  /// No event id.
  case missingEventID = "missing-event-id"
  /// No entity id.
  case missingEntityID = "missing-entity-id"
  /// No event time, or 0.
  case missingTime = "missing-time"
  /// An engagement event without a type.
  case missingType = "missing-type"
  /// An id longer than 256 bytes or with control characters.
  case invalidID = "invalid-id"
  /// A field or attribute of another type than declared.
  case wrongType = "wrong-type"
  /// NaN or infinity.
  case notFinite = "not-finite"
  /// A number outside the attribute's declared bounds, or with more decimals than are declared.
  case outOfBounds = "out-of-bounds"
  /// An event time outside `EventTimeBounds`: before 1973-03-03, as seconds and milliseconds are, or after August 2089.
  case invalidTime = "invalid-time"
  /// An event time too far ahead of the record's ingest time.
  case futureTime = "future-time"
  /// The record's key is absent or is not the entity id.
  case keyMismatch = "key-mismatch"
  /// The record is not on the partition that its key belongs to: its producer spreads keys in another way.
  case wrongPartition = "wrong-partition"
  /// The entity's stored state cannot be read.
  case corruptState = "corrupt-state"
  /// The event was applied, and the topic of scores will not take its score: it is larger than the brokers allow.
  case refusedByTopic = "refused-by-topic"
  /// The event was applied, and the database will not take its row: a constraint or a trigger, or a value that it cannot hold.
  case refusedByTable = "refused-by-table"
  /// A tick of an entity without a state: never seen, erased, or idle for longer than the TTL.
  case unknownEntity = "unknown-entity"
  /// A tick or an erasure without the signature that the pipeline asks for, or a promotion without one.
  case notSigned = "not-signed"

  /// The reason of that name, or what takes the place of one that earlier versions stored; nil: there is none.
  public init?(stored name: String) {
    guard let reason = name == "entity-moved" ? .wrongPartition : DeadLetterReason(rawValue: name) else {
      return nil
    }
    self = reason
  }

  /// Whether a letter holds the record's value. One on the wrong partition does not: an erasure of the entity, on its own
  /// partition, could come before it and would never find it. The log has the record.
  public var keepsValue: Bool { self != .wrongPartition }

  /// Number of reasons.
  public static let count = DeadLetterReason.allCases.count

  /// Position in `allCases`; the index of counters by reason.
  public var index: Int { Self.indices[self] ?? 0 }

  private static let indices: [DeadLetterReason: Int] = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
