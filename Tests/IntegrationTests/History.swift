import Synthetic
import TestPlaces
import Foundation
import TestServers

/// A small synthetic history and models trained on it, made once by the program itself: those that the pipeline cannot do without.
struct History: Sendable {
  /// The events, in order; keys and JSON values.
  let events: [(key: String, value: String)]
  /// The same as a file of lines KEY, tab, JSON.
  let file: String
  /// Folder of the models.
  let models: String
  /// Entity ids, sorted.
  let people: [String]
  /// Full names and e-mail addresses, which must turn up nowhere.
  let personal: [String]

  /// What gives these events.
  static let configuration = SyntheticConfiguration(
    seed: 51, customers: 40, days: 20, eventsPerCustomerDay: 5)

  /// Options of `tally generate` that give them.
  static let options = [
    "--customers", "\(configuration.customers)", "--days", "\(configuration.days)",
    "--events-per-day", "\(configuration.eventsPerCustomerDay)", "--seed", "\(configuration.seed)",
  ]

  /// The history that all tests share.
  static func shared() throws -> History { try made.get() }

  private static let made = Result { try History() }

  private init() throws {
    let folder = try Places.newFolder("history")
    file = folder + "/events.jsonl"
    models = folder + "/models"
    let labels = folder + "/labels.csv"
    try Self.must(["generate", "--output", file, "--labels", labels] + Self.options)
    try Self.must([
      "train", "--pipeline", Places.pipeline, "--events", file, "--labels", labels, "--models", models,
      "--trees", "20", "--depth", "4", "--only", "engagement", "--only", "churn", "--only", "lifetime_value",
    ])
    events = readText(file).split(separator: "\n").map { line in
      let parts = line.split(separator: "\t", maxSplits: 1)
      return (String(parts[0]), String(parts[1]))
    }
    people = Set(events.map(\.key)).sorted()
    personal = try Self.personal(events)
  }

  private static func must(_ arguments: [String]) throws {
    let result = try tally(arguments)
    guard result.code == 0 else {
      throw TestFailure("\(arguments[0]) ended with \(result.code): \(result.text)")
    }
  }

  private static func personal(_ events: [(key: String, value: String)]) throws -> [String] {
    var found: Set<String> = []
    for event in events where event.value.contains("\"email\"") {
      let profile = try JSON(event.value)["profile"]["attributes"]
      for name in ["full_name", "email"] {
        guard let text = profile[name].text else { throw TestFailure("a profile without \(name)") }
        found.insert(text)
      }
    }
    return found.sorted()
  }

  /// The events as messages in their JSON form.
  var messages: [BrokerMessage] { events.indices.map { message(at: $0) } }

  /// One of them.
  func message(at index: Int) -> BrokerMessage {
    BrokerMessage(events[index].key, events[index].value, contentType: "application/json")
  }
}

/// A JSON value, read leniently: what is not there is null.
struct JSON {
  private let value: Any?

  /// Parses a text. Throws when it is not JSON.
  init(_ text: some StringProtocol) throws {
    value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
  }

  private init(value: Any?) { self.value = value }

  subscript(name: String) -> JSON { JSON(value: (value as? [String: Any])?[name]) }
  var elements: [JSON] { (value as? [Any] ?? []).map { JSON(value: $0) } }
  var keys: [String] { (value as? [String: Any] ?? [:]).keys.sorted() }
  var text: String? { value as? String }
  var whole: Int64? { (value as? NSNumber)?.int64Value }
  var real: Double? { (value as? NSNumber)?.doubleValue }
  var flag: Bool? { value as? Bool }
}
