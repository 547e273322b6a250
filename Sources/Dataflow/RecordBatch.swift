/// How a record's value is written, as its `content-type` header says.
public enum ContentType: UInt8, Sendable {
  /// No header: told by the first bytes.
  case unspecified
  /// `application/json`.
  case json
  /// `application/x-protobuf` or `application/protobuf`.
  case protobuf
  /// A header with another value.
  case unknown
}

/// One record as the source gave it. Pointers are valid until the batch is emptied.
public struct RawRecord {
  /// Partition of the topic.
  public var partition: Int32
  /// Offset in the partition.
  public var offset: Int64
  /// Ingest time: the record's timestamp (LogAppendTime or CreateTime), milliseconds UTC; -1: none.
  public var ingestTimeMs: Int64
  /// Key; `baseAddress == nil`: none.
  public var key: UnsafeRawBufferPointer
  /// Value; `baseAddress == nil`: none (a tombstone).
  public var value: UnsafeRawBufferPointer
  /// What the `content-type` header says.
  public var contentType: ContentType
  /// The source's own message, in which a decoder finds further headers; nil: there are none.
  public var message: UnsafeRawPointer?
  /// The header with a control event's signature, where there is no message to find it in; nil: none.
  public var signature: UnsafeRawBufferPointer?
  /// Whether it is of a file, which is its operator's word: control events need no signature.
  public var isOfFile: Bool

  /// A record with every field given.
  public init(
    partition: Int32, offset: Int64, ingestTimeMs: Int64, key: UnsafeRawBufferPointer,
    value: UnsafeRawBufferPointer, contentType: ContentType, message: UnsafeRawPointer? = nil,
    signature: UnsafeRawBufferPointer? = nil, isOfFile: Bool = false
  ) {
    self.partition = partition
    self.offset = offset
    self.ingestTimeMs = ingestTimeMs
    self.key = key
    self.value = value
    self.contentType = contentType
    self.message = message
    self.signature = signature
    self.isOfFile = isOfFile
  }
}

/// The records of one poll, ascending by offset within a partition.
public final class RecordBatch {
  /// The records, in the order in which the source gave them.
  public var records: [RawRecord] = []

  /// The record at a position, as rows, letters and verdicts name it.
  public subscript(_ position: Int32) -> RawRecord { records[Int(position)] }

  package init() { records.reserveCapacity(1 << 10) }
}
