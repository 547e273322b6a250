/// Event time: microseconds since 1970-01-01T00:00:00 UTC.
public typealias EventTime = Int64

/// Named spans of event time, in microseconds.
public enum Span {
  /// A second, in microseconds as all spans of time.
  public static let second: EventTime = 1_000_000
  /// One minute.
  public static let minute: EventTime = 60 * second
  /// One hour.
  public static let hour: EventTime = 60 * minute
  /// One day; days are UTC days.
  public static let day: EventTime = 24 * hour
}

/// Bounds of a valid event time, part of what an event is: no clock and no setting moves them.
///
/// From 10^14 µs (1973-03-03) on, because seconds and milliseconds since 1970 of every date until the year 5138 are
/// smaller numbers; below 2^20 hours (the year 2089), so that an hour's tile number fits 20 bits, and nanoseconds of
/// every date since 1973 are larger numbers.
public enum EventTimeBounds {
  /// The first valid instant.
  public static let start: EventTime = 100_000_000_000_000
  /// The first instant that is too late.
  public static let end: EventTime = (1 << 20) * Span.hour

  /// What a number that should be a time in microseconds since 1970 seems to be; nil: a valid event time.
  ///
  /// A predicate for error texts ("looks like seconds since 1970: …"), which never holds the number itself.
  public static func doubt(of time: EventTime) -> String? {
    let wanted = "microseconds since 1970 are expected"
    switch time {
    case start..<end: return nil
    case ..<0: return "is before 1970: \(wanted)"
    case 0: return "is 0: \(wanted)"
    case ..<100_000_000: return "is before 1973-03-03, also as seconds or milliseconds: \(wanted)"
    case ..<100_000_000_000: return "looks like seconds since 1970: \(wanted)"
    case ..<start: return "looks like milliseconds since 1970: \(wanted)"
    case ..<10_000_000_000_000_000: return "is after 2088: \(wanted)"
    case ..<100_000_000_000_000_000: return "looks like tenths of microseconds: \(wanted)"
    case ..<4_000_000_000_000_000_000: return "looks like nanoseconds since 1970: \(wanted)"
    default: return "is after 2088, also as nanoseconds: \(wanted)"
    }
  }
}
