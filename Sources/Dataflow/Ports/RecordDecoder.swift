public import Events

/// Makes events of records. One thread.
public protocol RecordDecoder: AnyObject {
  /// Where the log's entities live: a record elsewhere is refused.
  var homes: KeyHomes { get }
  /// Decodes one record into `events`. Returns nil when an event was committed, else why not; `.wrongPartition` only when nothing else
  /// is wrong with it.
  func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason?
  /// The entity id that the record names which `decode` refused last; empty: none could be read. Valid until the next
  /// `decode`, as long as the record is.
  var refusedEntityID: UnsafeRawBufferPointer { get }
  /// More about why that record was refused, for readers; never contains data of its value.
  var refusedDetail: String { get }
}

extension RecordDecoder {
  /// Not known.
  public var refusedEntityID: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
  /// Nothing more.
  public var refusedDetail: String { "" }
}
