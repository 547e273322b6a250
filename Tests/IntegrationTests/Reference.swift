import TestPlaces
import Foundation

/// What an undisturbed run makes of the whole history; made once.
struct Reference: Sendable {
  /// Rows of `scores` by event.
  let scores: [String: String]
  /// Rows of `latest_scores` by person.
  let latest: [String: String]
  /// Stored states.
  let states: [String: String]

  /// The reference that all tests share.
  static func shared() throws -> Reference { try made.get() }

  private static let made = Result { try Reference() }

  private init() throws {
    let rig = try Rig(.sqlite)
    try rig.produceHistory()
    try rig.run()
    scores = try rig.table.scores()
    latest = try rig.table.latest()
    states = try rig.states()
    guard scores.count == rig.history.events.count, states.count == rig.history.people.count else {
      throw TestFailure("the undisturbed run has \(scores.count) scores and \(states.count) states")
    }
  }
}

/// The line `read N = scored A + duplicate B + dead-lettered C` of a summary.
struct Totals: Equatable {
  var read: Int
  var scored: Int
  var duplicate: Int
  var deadLettered: Int
  /// Whether the program says that they add up.
  var isBalanced: Bool

  /// The last such line of a text. Throws when there is none.
  init(_ text: String) throws {
    let pattern =
      /read ([\d,]+) (=|≠) scored ([\d,]+) \+ duplicate ([\d,]+)(?: \+ erased [\d,]+)?(?: \+ promoted [\d,]+)? \+ dead-lettered ([\d,]+)/
    guard let match = text.matches(of: pattern).last else { throw TestFailure("no totals in: \(text)") }
    func number(_ text: Substring) -> Int { Int(text.filter(\.isNumber)) ?? -1 }
    read = number(match.1)
    isBalanced = match.2 == "="
    scored = number(match.3)
    duplicate = number(match.4)
    deadLettered = number(match.5)
  }

  init(read: Int, scored: Int, duplicate: Int = 0, deadLettered: Int = 0) {
    self.read = read
    self.scored = scored
    self.duplicate = duplicate
    self.deadLettered = deadLettered
    isBalanced = read == scored + duplicate + deadLettered
  }
}

/// One partition's line of `tally status --json`.
struct Standing {
  var w: Int64?
  var t: Int64?
  var c: Int64?
  var end: Int64?
  var lag: Int64?
  var partition: Int64 = -1
  var generation: Int64 = -1

  /// All lines.
  static func all(_ text: String) throws -> [Standing] {
    try text.split(separator: "\n").map { line in
      let json = try JSON(line)
      return Standing(
        w: json["w"].whole, t: json["t"].whole, c: json["c"].whole, end: json["end"].whole,
        lag: json["lag"].whole, partition: json["partition"].whole ?? -1,
        generation: json["generation"].whole ?? -1)
    }
  }
}

/// A score as the topic carries it.
struct TopicScore: Equatable {
  /// Partition and offset of the event.
  var place: String
  var entity: String
  var event: String
  var outputs: [String: Float]
  var value: [UInt8]

  /// Reads the JSON form.
  init(json bytes: [UInt8]) throws {
    let json = try JSON(String(decoding: bytes, as: UTF8.self))
    guard let partition = json["partition"].whole, let offset = json["offset"].whole,
      let entity = json["entity_id"].text, let event = json["event_id"].text
    else { throw TestFailure("a message without its event's place and ids") }
    place = "\(partition)/\(offset)"
    self.entity = entity
    self.event = event
    outputs = [:]
    for output in json["outputs"].elements {
      outputs[output["name"].text ?? ""] = output["value"].real.map { Float($0) } ?? .nan
    }
    value = bytes
  }
}
