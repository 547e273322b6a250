import Events
import Foundation
import Synthetic

/// What a demo shows: a history to train on and to catch up on, and what comes after it.
protocol DemoData: Sendable {
  /// What the history is, for readers.
  var words: String { get }
  /// Name of the history's file in the demo's folder.
  var file: String { get }
  /// Name of the labels' file in the demo's folder; nil: events say themselves what is to be learnt.
  var labels: String? { get }
  /// What to look at afterwards: a query on the table.
  var query: String { get }
  /// An entity of the history.
  var sampleID: String { get }
  /// Writes the labels, where there are some.
  func writeLabels(to path: String) throws
  /// The history's records: as lines of a file, or as producers send them. Ends when `body` returns false.
  func forEachRecord(isOfFile: Bool, _ body: (SyntheticRecord) throws -> Bool) throws
  /// What comes after the history, one event whenever `body` has returned true.
  func forEachLive(badShare: Double, _ body: (SyntheticRecord, _ isFirst: Bool) throws -> Bool) throws
}

/// Customers of an app and what they do.
struct DemoCustomers: DemoData {
  let people: SyntheticConfiguration

  var words: String { "\(people.customers) people, \(people.days) days, seed \(people.seed)" }
  let file = "events.jsonl"
  var labels: String? { "labels.csv" }
  let query = "SELECT * FROM at_risk_customers LIMIT 5"

  var sampleID: String {
    var log = SyntheticLog(SyntheticConfiguration(customers: 1, days: 1))
    return log.next()?.entityID ?? "ID"
  }

  func writeLabels(to path: String) throws {
    let labels = try LineWriter(path: path)
    try labels.write(Array((SyntheticLabel.csvHeader + "\n").utf8))
    var line: [UInt8] = []
    for label in SyntheticLabels(people) {
      line.removeAll(keepingCapacity: true)
      label.appendCSV(to: &line)
      if line.last != UInt8(ascii: "\n") { line.append(UInt8(ascii: "\n")) }
      try labels.write(line)
    }
    try labels.close()
  }

  func forEachRecord(isOfFile: Bool, _ body: (SyntheticRecord) throws -> Bool) throws {
    var encoder = SyntheticEncoder(format: isOfFile ? .json : .protobuf)
    for event in SyntheticLog(people) {
      var goesOn = true
      try encoder.encode(event) { record in goesOn = try body(record) && goesOn }
      if !goesOn { return }
    }
  }

  func forEachLive(badShare: Double, _ body: (SyntheticRecord, _ isFirst: Bool) throws -> Bool) throws {
    var encoder = SyntheticEncoder(
      format: .protobuf, badShare: badShare, tooLargeBytes: 300_000, misplaces: true)
    var people = SyntheticLive(
      after: SyntheticLog(people), liveNumber: Int64(Date().timeIntervalSince1970 * 1000))
    let clock = SystemClock()
    var goesOn = true
    while goesOn {
      var isFirst = true
      try encoder.encode(people.next(at: clock.wallMicros())) { record in
        goesOn = try body(record, isFirst) && goesOn
        isFirst = false
      }
    }
  }
}

/// Profiles of people, some of which say how old they are.
struct DemoProfiles: DemoData {
  let population: ProfilePopulation
  let count: Int

  var words: String { "\(count) profiles, seed \(population.configuration.seed)" }
  let file = "profiles.jsonl"
  var labels: String? { nil }
  let query = "SELECT * FROM age_sources"

  var sampleID: String { "\(population.pid(of: 0))" }

  func writeLabels(to path: String) throws {}

  func forEachRecord(isOfFile: Bool, _ body: (SyntheticRecord) throws -> Bool) throws {
    var encoder = ProfileEncoder(population, hasKeys: !isOfFile)
    for number in 0..<count {
      var goesOn = true
      try encoder.encode(number) { record in goesOn = try body(record) }
      if !goesOn { return }
    }
  }

  func forEachLive(badShare: Double, _ body: (SyntheticRecord, _ isFirst: Bool) throws -> Bool) throws {
    var encoder = ProfileEncoder(population, badShare: badShare)
    var goesOn = true
    for number in count..<ProfileConfiguration.countMax where goesOn {
      var isFirst = true
      try encoder.encode(number) { record in
        goesOn = try body(record, isFirst) && goesOn
        isFirst = false
      }
    }
  }
}
