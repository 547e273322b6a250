import Dataflow
import Events
import Foundation
import TestNumbers
import Testing

@testable import Ingest

@Suite("A mapped record's time") struct MappedTimeTests {
  private func rfc3339(_ text: String) -> EventTime? {
    Array(text.utf8).withUnsafeBytes { MappedTime.rfc3339($0) }
  }

  static let numbers: [(unit: String, json: String, micros: Int64)] = [
    ("ns", "1767225600123456789", 1_767_225_600_123_456), ("us", "1767225600123456", 1_767_225_600_123_456),
    ("ms", "1767225600123", 1_767_225_600_123_000), ("s", "1767225600", 1_767_225_600_000_000),
    ("ms", "1767225600123.5", 1_767_225_600_123_500), ("s", "1767225600.25", 1_767_225_600_250_000),
    ("s", "1.7672256e9", 1_767_225_600_000_000), ("us", "1767225600123456.0", 1_767_225_600_123_456),
    ("ns", "1767225600000000000.0", 1_767_225_600_000_000),
    ("ms", "\"1767225600123\"", 1_767_225_600_123_000),
    ("s", "\"1767225600\"", 1_767_225_600_000_000),
    ("rfc3339", "\"2026-01-01T00:00:00Z\"", 1_767_225_600_000_000),
  ]

  @Test("is a number of a unit, also in digits", arguments: numbers)
  func number(unit: String, json: String, micros: Int64) throws {
    let bench = try MappedBench(mapped(("unit: ms", "unit: \(unit)")))
    #expect(bench.complaint(mappedRecord("\"ts\":\(json)", without: "ts")) == "")
    #expect(try bench.bench.last().timeMicros == micros)
  }

  static let wrong: [(unit: String, json: String, complaint: String)] = [
    ("ms", "null", "missing-time: ts is absent or null"), ("ms", "true", "wrong-type: ts is true or false"),
    ("ms", "[1767225600000]", "wrong-type: ts is a list"), ("ms", "{}", "wrong-type: ts is an object"),
    ("ms", "\"\"", "wrong-type: ts is a text that is no whole number of ms"),
    ("ms", "\"1767225600000.5\"", "wrong-type: ts is a text that is no whole number of ms"),
    ("ms", "\" 1767225600000\"", "wrong-type: ts is a text that is no whole number of ms"),
    ("ms", "\"2026-01-01T00:00:00Z\"", "wrong-type: ts is a text that is no whole number of ms"),
    ("ms", "\"\\ud800\"", "wrong-type: ts is a text"),
    ("ms", "NaN", "wrong-type: ts is an infinite number or NaN"),
    ("us", "1767225600000000.25", "wrong-type: ts is a number"), ("ns", "1.5", "wrong-type: ts is a number"),
    ("rfc3339", "1767225600", "wrong-type: ts is a number"),
    (
      "rfc3339", "\"2026-01-01T00:00:00\"",
      "wrong-type: ts is a text that is not RFC 3339 with Z or an offset"
    ),
    ("ms", "0", "missing-time: BOUNDS"), ("ms", "-5", "invalid-time: BOUNDS"),
    ("s", "1767225600000", "invalid-time: BOUNDS"),
    ("ms", "1767225600", "invalid-time: BOUNDS"), ("ns", "18446744073709551615", "invalid-time: BOUNDS"),
    ("s", "9223372036854775807", "invalid-time: BOUNDS"),
    ("s", "-9223372036854775808", "invalid-time: BOUNDS"),
    ("us", "99999999999999999999999", "invalid-time: BOUNDS"), ("s", "1e300", "invalid-time: BOUNDS"),
    ("ns", "1e300", "invalid-time: BOUNDS"), ("s", "\"99999999999999999999999\"", "invalid-time: BOUNDS"),
    ("s", "3776976000", "invalid-time: BOUNDS"),
    ("rfc3339", "\"1970-01-01T00:00:00Z\"", "missing-time: BOUNDS"),
    ("rfc3339", "\"0000-01-01T00:00:00Z\"", "invalid-time: BOUNDS"),
    ("rfc3339", "\"9999-12-31T23:59:59Z\"", "invalid-time: BOUNDS"),
  ]

  @Test("is a letter when it is wrong", arguments: wrong)
  func complaint(unit: String, json: String, complaint: String) throws {
    let bench = try MappedBench(mapped(("unit: ms", "unit: \(unit)")))
    let bounds = "ts is outside 1973-03-03 to 2089 as \(unit): another unit?"
    #expect(
      bench.complaint(mappedRecord("\"ts\":\(json)", without: "ts"))
        == complaint.replacing("BOUNDS", with: bounds))
  }

  /// No number in one unit is a valid time in two.
  @Test func unitsAreTold() {
    for unit in TimeUnit.allCases where unit != .rfc3339 {
      for other in TimeUnit.allCases where other != .rfc3339 && other != unit {
        for time in [EventTimeBounds.start, 1_767_225_600_000_000, EventTimeBounds.end - 1] {
          let factors: [TimeUnit: Double] = [
            .nanoseconds: 1000, .microseconds: 1, .milliseconds: 0.001, .seconds: 0.000_001,
          ]
          let number = Int64(Double(time) * factors[unit]!)
          let found = MappedTime.micros(number, other)
          #expect(found < EventTimeBounds.start || found >= EventTimeBounds.end, "\(number) \(unit) \(other)")
        }
      }
    }
  }

  @Test func mayBeTheIngestTime() throws {
    let bench = try MappedBench(mapped(("{path: ts, unit: ms}", "ingest")))
    let record = mappedRecord(without: "ts")
    #expect(bench.complaint(record, ingestTimeMs: 1_767_225_600_123) == "")
    #expect(try bench.bench.last().timeMicros == 1_767_225_600_123_000)
    #expect(
      bench.complaint(record)
        == "missing-time: the record has no timestamp, and event_time is ingest: say when, with --ingest-time"
    )
    for odd in [0, 5, EventTimeBounds.end / 1000, .max] {
      #expect(bench.complaint(record, ingestTimeMs: odd).hasPrefix("invalid-time: event_time is ingest, and"))
    }
  }

  @Test func mayNotBeFarAhead() throws {
    let bench = try MappedBench(mappedYAML)
    #expect(bench.complaint(mappedRecord(), ingestTimeMs: 1_767_225_600_000 - 300_000) == "")
    let complaint = bench.complaint(mappedRecord(), ingestTimeMs: 1_767_225_600_000 - 300_001)
    #expect(complaint.hasPrefix("future-time: ts is further ahead"))
  }

  // MARK: RFC 3339

  static let texts: [(text: String, micros: EventTime?)] = [
    ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
    ("2000-02-29T00:00:00Z", 951_782_400_000_000),
    ("2000-02-29t00:00:00z", 951_782_400_000_000), ("2000-02-29 00:00:00+00:00", 951_782_400_000_000),
    ("2000-02-29T01:00:00+01:00", 951_782_400_000_000), ("2000-02-28T16:00:00-08:00", 951_782_400_000_000),
    ("2000-02-29T00:00:00-00:00", 951_782_400_000_000), ("2000-02-29T00:00:00.1Z", 951_782_400_100_000),
    ("2000-02-29T00:00:00.123456789Z", 951_782_400_123_456),
    ("2000-02-29T00:00:00.0000009Z", 951_782_400_000_000),
    ("2016-12-31T23:59:60Z", 1_483_228_800_000_000), ("2017-01-01T00:59:60+01:00", 1_483_228_800_000_000),
    ("2016-12-31T23:59:60.5Z", 1_483_228_800_500_000), ("2016-12-31T23:58:60Z", nil),
    ("2016-12-31T23:59:60+01:00", nil),
    ("2016-12-31T23:59:61Z", nil), ("2100-02-29T00:00:00Z", nil), ("1900-02-29T00:00:00Z", nil),
    ("2001-02-29T00:00:00Z", nil), ("2001-04-31T00:00:00Z", nil), ("2001-13-01T00:00:00Z", nil),
    ("2001-00-01T00:00:00Z", nil), ("2001-01-00T00:00:00Z", nil), ("2001-01-01T24:00:00Z", nil),
    ("2001-01-01T00:60:00Z", nil), ("2001-01-01T00:00:00", nil), ("2001-01-01T00:00:00.Z", nil),
    ("2001-01-01T00:00:00,5Z", nil), ("2001-01-01T00:00:00+1:00", nil), ("2001-01-01T00:00:00+0100", nil),
    ("2001-01-01T00:00:00+24:00", nil), ("2001-01-01T00:00:00+01:60", nil), ("2001-01-01T00:00:00Zx", nil),
    ("2001-01-01T00:00:00 Z", nil), ("2001-1-1T00:00:00.00Z", nil), ("01-01-01T00:00:00.000Z", nil),
    ("+2001-01-01T00:00:00Z", nil), ("-001-01-01T00:00:00Z", nil), ("2001/01/01T00:00:00Z", nil),
    ("2001-01-01X00:00:00Z", nil), ("2001-01-01T00:00Z", nil), ("20010101T000000.000Z", nil), ("", nil),
    ("Z", nil),
    ("２001-01-01T00:00:00Z", nil), ("2001-01-01T00:00:00.123456\0Z", nil),
  ]

  @Test("may be RFC 3339", arguments: texts) func text(text: String, micros: EventTime?) {
    #expect(rfc3339(text) == micros)
  }

  /// Random instants and offsets, as Foundation writes them.
  @Test(arguments: [UInt64(1), 2, 3]) func agreesWithFoundation(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    for _ in 0..<3000 {
      let seconds = Int64.random(in: -12_000_000_000...250_000_000_000, using: &random)
      let offset = Int.random(in: -1079...1079, using: &random)
      let zone = try #require(TimeZone(secondsFromGMT: offset * 60))
      var text = Date(timeIntervalSince1970: Double(seconds)).formatted(
        Date.ISO8601FormatStyle(timeZoneSeparator: .colon, timeZone: zone))
      let decimals = Int.random(in: 0...9, using: &random)
      let digits = (0..<decimals).map { _ in "\(Int.random(in: 0...9, using: &random))" }.joined()
      if decimals > 0 { text.insert(contentsOf: "." + digits, at: text.index(text.startIndex, offsetBy: 19)) }
      let fraction = Int64((digits + "000000").prefix(6)) ?? 0
      #expect(rfc3339(text) == seconds * 1_000_000 + fraction, "seed \(seed): \(text)")
    }
  }

  /// Every day from 1600 to 2400 follows the day before it.
  @Test func daysFollowEachOther() {
    var expected: EventTime?
    for year in 1600..<2400 {
      for month in 1...12 {
        for day in 1...32 {
          func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
          guard let found = rfc3339("\(year)-\(two(month))-\(two(day))T00:00:00Z") else { continue }
          if let expected, found != expected { Issue.record("\(year)-\(month)-\(day)") }
          expected = found + Span.day
        }
      }
    }
    #expect(expected == rfc3339("2400-01-01T00:00:00Z"))
  }

  /// Damaged texts are refused or are what Foundation reads, too.
  @Test(arguments: [UInt64(11), 12]) func damagedTextsAreNoOtherTime(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let formatter = ISO8601DateFormatter()
    let bytes = Array("0123456789-:TtZz+. ".utf8)
    for _ in 0..<5000 {
      var text = Array("2024-02-29T23:59:58Z".utf8)
      for _ in 0..<Int.random(in: 1...2, using: &random) {
        text[Int.random(in: 0..<text.count, using: &random)] = bytes.randomElement(using: &random)!
      }
      let written = String(decoding: text, as: UTF8.self)
      // Before 1600 Foundation reckons by the Julian calendar.
      guard let found = rfc3339(written), text[0] != UInt8(ascii: "0"), text[0] > 0x31 || text[1] > 0x35
      else { continue }
      // Foundation takes neither a blank nor small letters, nor leap seconds.
      let plain = written.uppercased().replacing(" ", with: "T").replacing(":60Z", with: ":59Z")
      let expected = formatter.date(from: plain).map {
        EventTime($0.timeIntervalSince1970) * 1_000_000
          + (plain == written.uppercased().replacing(" ", with: "T") ? 0 : 1_000_000)
      }
      #expect(found == expected, "seed \(seed): \(written)")
    }
  }
}
