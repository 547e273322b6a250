/// Event time: microseconds since 1970-01-01T00:00:00 UTC.
public typealias EventTime = Int64

/// Named spans of event time, in microseconds.
public enum Span {
  /// One second.
  public static let second: EventTime = 1_000_000
  /// One minute.
  public static let minute: EventTime = 60 * second
  /// One hour.
  public static let hour: EventTime = 60 * minute
  /// One day; days are UTC days.
  public static let day: EventTime = 24 * hour
}

/// Bounds of a valid event time: greater than 0 and below 2^20 hours (the year 2089), so that an hour's tile
/// number fits 20 bits.
public enum EventTimeBounds {
  /// The first instant that is too late.
  public static let end: EventTime = (1 << 20) * Span.hour
}
