import Events

/// Years of the Gregorian calendar, UTC.
enum CivilYear {
  /// The year that a moment from 1970 on lies in; Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
  static func of(_ time: EventTime) -> Int {
    // Days since 0000-03-01, so that a leap day ends its year.
    let days = Int(time / Span.day) + 719_468
    let era = days / 146_097
    let dayOfEra = days - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    // From day 306 on it is January of the next civil year.
    return era * 400 + yearOfEra + (dayOfYear >= 306 ? 1 : 0)
  }
}
