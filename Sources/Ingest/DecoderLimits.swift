public import Events

/// Bounds of what a record may be; one that is over is a dead letter.
public struct DecoderLimits: Equatable, Sendable {
  /// Bytes of a value.
  public var valueBytesMax: Int
  /// Attributes of an event.
  public var attributesMax: Int
  /// Levels of nested JSON objects and arrays; an event has three.
  public var jsonDepthMax: Int
  /// Furthest that an event time may lie ahead of the record's ingest time, microseconds.
  public var futureBound: EventTime
  /// Latest event time of a record without an ingest time, as those of files are, microseconds since 1970.
  public var latestTime: EventTime

  /// Bytes of an id, an event type and a source.
  public static let idBytesMax = 256
  /// Newest `schema_version` that this program reads.
  public static let schemaVersionMax = 1

  /// Limits; the defaults are those of the public contract.
  public init(
    valueBytesMax: Int = 256 << 10, attributesMax: Int = 256, jsonDepthMax: Int = 16,
    futureBound: EventTime = 5 * Span.minute, latestTime: EventTime = .max
  ) {
    self.valueBytesMax = valueBytesMax
    self.attributesMax = attributesMax
    self.jsonDepthMax = jsonDepthMax
    self.futureBound = futureBound
    self.latestTime = latestTime
  }
}
