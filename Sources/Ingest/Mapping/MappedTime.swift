import Dataflow
import Events
import Features

/// Event times as records write them.
enum MappedTime {
  /// A whole number of a unit in microseconds; beyond 64 bits the nearest that has a place there.
  static func micros(_ whole: Int64, _ unit: TimeUnit) -> EventTime {
    switch unit {
    case .nanoseconds: return whole >= 0 ? whole / 1000 : -((999 - whole) / 1000)
    case .microseconds, .rfc3339: return whole
    case .milliseconds, .seconds:
      let (product, overflow) = whole.multipliedReportingOverflow(by: unit == .seconds ? 1_000_000 : 1000)
      return overflow ? (whole < 0 ? .min : .max) : product
    }
  }

  /// A number with a fraction, as some write seconds and milliseconds: to the nearest microsecond; nil: no time.
  static func micros(_ real: Double, _ unit: TimeUnit) -> EventTime? {
    let factor: Double
    switch unit {
    case .nanoseconds: factor = 0.001
    case .microseconds, .rfc3339: factor = 1
    case .milliseconds: factor = 1000
    case .seconds: factor = 1_000_000
    }
    // 1767225600000.0 is a whole number, and read like one.
    if let whole = Int64(exactly: real) { return micros(whole, unit) }
    guard unit == .seconds || unit == .milliseconds || abs(real) >= 0x1p63 else { return nil }
    let micros = (real * factor).rounded()
    if abs(micros) >= 0x1p63 { return micros < 0 ? .min : .max }
    return EventTime(micros)
  }

  /// RFC 3339: `2026-01-31T12:00:00.123456Z`, with an offset such as `+01:00` in place of Z, a blank or t in place of T, and any number of
  /// decimals, of which those beyond microseconds are cut off; nil: something else. A leap second, 23:59:60 in UTC, is the next day's first.
  static func rfc3339(_ bytes: UnsafeRawBufferPointer) -> EventTime? {
    guard bytes.count >= 20, let year = digits(bytes, 0, 4), bytes[4] == UInt8(ascii: "-"),
      let month = digits(bytes, 5, 2), (1...12).contains(month), bytes[7] == UInt8(ascii: "-"),
      let day = digits(bytes, 8, 2), (1...daysOf(month, year)).contains(day),
      bytes[10] | 0x20 == UInt8(ascii: "t") || bytes[10] == UInt8(ascii: " "),
      let hour = digits(bytes, 11, 2), hour < 24, bytes[13] == UInt8(ascii: ":"),
      let minute = digits(bytes, 14, 2), minute < 60, bytes[16] == UInt8(ascii: ":"),
      let second = digits(bytes, 17, 2), second <= 60
    else { return nil }
    var index = 19
    var fraction = 0
    if bytes[index] == UInt8(ascii: ".") {
      index += 1
      let first = index
      var unit = 100_000
      while index < bytes.count, let digit = digits(bytes, index, 1) {
        fraction += digit * unit
        unit /= 10
        index += 1
      }
      guard index > first else { return nil }
    }
    guard let offset = offsetMinutes(bytes, index) else { return nil }
    let days = daysSince1970(year, month, day)
    let minutes = (days * 24 + hour) * 60 + minute - offset
    // Elsewhere the clock that gave it is wrong.
    if second == 60, (minutes + 1) % (24 * 60) != 0 { return nil }
    let seconds = minutes * 60 + second
    return EventTime(seconds) * Span.second + EventTime(fraction)
  }

  private static func digits(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int) -> Int? {
    guard start + count <= bytes.count else { return nil }
    var value = 0
    for index in start..<(start + count) {
      guard bytes[index] >= UInt8(ascii: "0"), bytes[index] <= UInt8(ascii: "9") else { return nil }
      value = value * 10 + Int(bytes[index] - UInt8(ascii: "0"))
    }
    return value
  }

  /// `Z`, `+hh:mm` or `-hh:mm` up to the end.
  private static func offsetMinutes(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    if bytes[start] | 0x20 == UInt8(ascii: "z") { return start + 1 == bytes.count ? 0 : nil }
    guard bytes[start] == UInt8(ascii: "+") || bytes[start] == UInt8(ascii: "-"), start + 6 == bytes.count,
      let hours = digits(bytes, start + 1, 2), hours < 24, bytes[start + 3] == UInt8(ascii: ":"),
      let minutes = digits(bytes, start + 4, 2), minutes < 60
    else { return nil }
    let offset = hours * 60 + minutes
    return bytes[start] == UInt8(ascii: "-") ? -offset : offset
  }

  private static func daysOf(_ month: Int, _ year: Int) -> Int {
    switch month {
    case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  private static func daysSince1970(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let era = (shifted >= 0 ? shifted : shifted - 399) / 400
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }
}
