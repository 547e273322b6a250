import TestPlaces
import TestServers

/// What `tally verify --json` found.
struct Findings: Equatable {
  /// One store's numbers.
  struct Counts: Equatable {
    var compared = 0
    var equal = 0
    var different = 0
    var missing = 0
    var unexpected = 0
  }

  /// One column's differences.
  struct Column: Equatable {
    var count = 0
    var largest: Double?
    var examples: [String] = []
  }

  private let text: String

  /// Reads a report. Throws when the program ended with another code.
  init(_ result: TallyResult, code: Int32 = 0) throws {
    guard result.code == code else { throw TestFailure("verify ended with \(result.code): \(result.text)") }
    text = result.output
    _ = try JSON(text)
  }

  private var json: JSON? { try? JSON(text) }

  private func comparison(_ what: String) -> JSON? {
    json?["comparisons"].elements.first { $0["what"].text == what }
  }

  var people: Int { Int(json?["people"].whole ?? -1) }
  var olderThanLog: Int { Int(json?["people_older_than_log"].whole ?? -1) }

  var outcome: String { json?["outcome"].text ?? "" }
  /// What was left out in all, by what it is.
  var leftOutOfAll: [String: Int] {
    Dictionary(
      (json?["left_out"].elements ?? []).map { ($0["what"].text ?? "", Int($0["count"].whole ?? -1)) },
      uniquingKeysWith: +)
  }

  subscript(what: String) -> Counts? {
    guard let found = comparison(what) else { return nil }
    func number(_ name: String) -> Int { Int(found[name].whole ?? -1) }
    return Counts(
      compared: number("compared"), equal: number("equal"), different: number("different"),
      missing: number("missing"), unexpected: number("unexpected"))
  }

  func column(_ what: String, _ name: String) -> Column? {
    guard let found = comparison(what)?["columns"].elements.first(where: { $0["column"].text == name }) else {
      return nil
    }
    return Column(
      count: Int(found["count"].whole ?? -1), largest: found["largest"].real,
      examples: Self.places(found["examples"]))
  }

  func places(_ what: String, _ name: String) -> [String] {
    comparison(what).map { Self.places($0[name]) } ?? []
  }

  func leftOut(_ what: String) -> [String: Int] {
    guard let found = comparison(what)?["left_out"] else { return [:] }
    return Dictionary(found.keys.map { ($0, Int(found[$0].whole ?? -1)) }, uniquingKeysWith: { $1 })
  }

  private static func places(_ list: JSON) -> [String] {
    list.elements.map { "\($0["partition"].whole ?? -1)/\($0["offset"].whole ?? -1)" }
  }
}

extension Rig {
  /// Runs `tally verify --json`.
  func verified(_ options: [String]) throws -> TallyResult { try ask(["verify", "--json"] + options) }

  /// The history with repeats near and far, letters, ticks and erasures among it, the same each time.
  func mixedMessages() -> [BrokerMessage] {
    var mixed: [BrokerMessage] = []
    let start: Int64 = 1_767_225_600_000_000
    for index in history.events.indices {
      let key = history.events[index].key
      mixed.append(history.message(at: index))
      if index % 29 == 7 { mixed.append(history.message(at: index)) }
      if index % 31 == 11 { mixed.append(history.message(at: index / 2)) }
      if index % 97 == 5 { mixed.append(BrokerMessage(key, "not an event", contentType: "application/json")) }
      let (id, kind) = ("mixed-\(index)", index % 2 == 0 ? "tick" : "erasure")
      if index % 151 == 13 {
        mixed.append(
          BrokerMessage(
            key,
            "{\"event_id\":\"\(id)\",\"entity_id\":\"\(key)\",\"event_time_us\":\(start),\"\(kind)\":{}}",
            contentType: "application/json"))
      }
    }
    return mixed
  }
}
