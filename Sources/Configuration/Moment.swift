import Dataflow
package import Events
import Foundation

/// Moments as operators write and read them.
package enum Moment {
  /// A moment: RFC 3339, or microseconds since 1970; `flag` is named in the error. Throws `Failure`.
  package static func parse(_ text: String, flag: String = "--as-of") throws -> EventTime {
    if let micros = Int64(text) {
      guard let doubt = EventTimeBounds.doubt(of: micros) else { return micros }
      throw Failure("\(flag) \(text): the number \(doubt)", reason: .usage)
    }
    for options in [
      ISO8601DateFormatter.Options.withInternetDateTime, [.withInternetDateTime, .withFractionalSeconds],
    ] {
      let formatter = ISO8601DateFormatter()
      formatter.formatOptions = options
      if let date = formatter.date(from: text) {
        return EventTime((date.timeIntervalSince1970 * 1e6).rounded())
      }
    }
    throw Failure("\(flag) \(text): write 2026-01-31T12:00:00Z or microseconds since 1970", reason: .usage)
  }

  /// RFC 3339, UTC, with milliseconds.
  package static func format(_ time: EventTime) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    return formatter.string(from: Date(timeIntervalSince1970: Double(time) / 1e6))
  }
}
