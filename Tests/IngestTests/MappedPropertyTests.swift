import Dataflow
import Events
import Foundation
import Ingest
import TestNumbers
import Testing

/// JSON as Foundation reads it.
private enum Plain: Decodable {
  case null, flag(Bool), whole(Int64), real(Double), text(String), list([Plain]), object([String: Plain])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let whole = try? value.decode(Int64.self) {
      self = .whole(whole)
    } else if let real = try? value.decode(Double.self) {
      self = .real(real)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([Plain].self) {
      self = .list(list)
    } else {
      self = .object(try value.decode([String: Plain].self))
    }
  }

  init?(_ json: String) {
    guard let read = try? JSONDecoder().decode(Plain.self, from: Data(json.utf8)) else { return nil }
    self = read
  }

  /// As `MappedBench.attributes` writes it.
  var written: String {
    switch self {
    case .null: "null"
    case .flag(let flag): "\(flag)"
    case .whole(let whole): "\(whole)"
    case .real(let real): "real \(real)"
    case .text(let text): SampleEvent.quoted(text)
    case .list, .object: "composite"
    }
  }
}

/// A random mapping, and how a record is read by it step by step.
private struct RandomMapping {
  static let keys = ["a", "b", "c.d", "é"]
  static let names = ["n", "t", "f", "l", "o"]
  var entity: [String]
  /// nil: the hash.
  var id: [String]?
  var time: [String]
  var from: [[String]]
  var own: [(name: String, path: [String])] = []
  var texts: [[String]] = []
  var isMissing: Bool

  init(_ random: inout SeededGenerator) {
    func path(_ last: String?, _ random: inout SeededGenerator) -> [String] {
      let depth = Int.random(in: 0...2, using: &random)
      let keys = (0..<depth).map { _ in Self.keys.randomElement(using: &random)! }
      return last.map { keys + [$0] } ?? keys
    }
    entity = path("pid", &random)
    id = Bool.random(using: &random) ? path("id", &random) : nil
    time = path("ts", &random)
    from = (0..<Int.random(in: 1...3, using: &random)).map { _ in path(nil, &random) }
    for name in Self.names where Int.random(in: 0..<4, using: &random) == 0 {
      own.append((name, path(["x", name].randomElement(using: &random)!, &random)))
    }
    isMissing = Bool.random(using: &random)
    for path in objects where Bool.random(using: &random) && !texts.contains(path) { texts.append(path) }
  }

  /// All objects on the way to attributes.
  var objects: [[String]] {
    (from + own.map { $0.path.dropLast() }).flatMap { keys in keys.indices.map { Array(keys[...$0]) } }
  }

  var yaml: String {
    func text(_ path: [String]) -> String {
      path.isEmpty
        ? "'.'" : "'" + path.map { $0.contains(".") ? "\"\($0)\"" : $0 }.joined(separator: ".") + "'"
    }
    return """
      pipeline: random
      idle_ttl: 400d
      input:
        format: json
        entity_id: \(text(entity))
        event_id: \(id.map(text) ?? "{hash: record}")
        event_time: {path: \(text(time)), unit: us}
        kind: {profile: change}
        attributes:
          from: [\(from.map(text).joined(separator: ", "))]
          parse_text: [\(texts.map(text).joined(separator: ", "))]
          wrong: \(isMissing ? "missing" : "letter")
          paths: {\(own.map { "\($0.name): \(text($0.path))" }.joined(separator: ", "))}
      profile:
        n: {type: number, from_text: true}
        t: text
        f: {type: flag, from_text: true}
        l: {type: list, of: text}
        o: {type: list, of: {x: {type: number, from_text: true}}}
      features:
        n: profile.n
      models: {score: {file: score.json}}
      """
  }

  func find(_ path: [String], _ record: Plain) -> Plain? {
    var value = record
    for (depth, key) in path.enumerated() {
      guard case .object(let fields) = value, let next = fields[key] else { return nil }
      value = next
      if case .text(let text) = value, texts.contains(Array(path[...depth])),
        case .object(let parsed)? = Plain(text)
      {
        value = .object(parsed)
      }
    }
    return value
  }

  private static func id(_ value: Plain?, _ missing: DeadLetterReason) -> Result<String, Refusal> {
    switch value {
    case nil, .null: .failure(Refusal(reason: missing))
    case .text(""): .failure(Refusal(reason: missing))
    case .text(let text) where text.utf8.contains { $0 < 0x20 }: .failure(Refusal(reason: .invalidID))
    case .text(let text): .success(text)
    case .whole(let whole): .success("\(whole)")
    default: .failure(Refusal(reason: .wrongType))
    }
  }

  struct Refusal: Error { var reason: DeadLetterReason }

  /// What the record says; throws why it says nothing.
  func read(_ record: Plain) throws(Refusal) -> (
    entity: String, id: String?, time: Int64, attributes: [String: String]
  ) {
    let entity = try Self.id(find(self.entity, record), .missingEntityID).get()
    let id = try self.id.map { (path) throws(Refusal) in
      try Self.id(find(path, record), .missingEventID).get()
    }
    let time: Int64
    switch find(self.time, record) {
    case nil, .null: throw Refusal(reason: .missingTime)
    case .whole(let micros): time = micros
    case .text("1767225600000000"): time = 1_767_225_600_000_000
    default: throw Refusal(reason: .wrongType)
    }
    if time == 0 { throw Refusal(reason: .missingTime) }
    guard time >= EventTimeBounds.start, time < EventTimeBounds.end else {
      throw Refusal(reason: .invalidTime)
    }
    for path in objects where !isMissing {
      switch find(path, record) {
      case nil, .null, .object: continue
      default: throw Refusal(reason: .wrongType)
      }
    }
    var attributes: [String: String] = [:]
    for name in Self.names {
      let paths = own.first { $0.name == name }.map { [$0.path] } ?? from.map { $0 + [name] }
      let found = paths.compactMap { find($0, record) }
      let value = found.first { if case .null = $0 { false } else { true } } ?? found.first
      if let value { attributes[name] = try Self.text(value, name) }
    }
    return (entity, id, time, attributes)
  }

  /// A value as its attribute has it; throws when it is of another type.
  private static func text(_ value: Plain, _ name: String) throws(Refusal) -> String {
    switch (name, value) {
    case (_, .null), ("n", .whole), ("n", .real), ("t", .text), ("f", .flag): return value.written
    case ("l", .list(let elements)):
      for element in elements {
        switch element {
        case .null, .text: continue
        default: throw Refusal(reason: .wrongType)
        }
      }
      return "\(elements.count): " + elements.map(\.written).joined(separator: ", ")
    case ("o", .list(let elements)):
      var fields: [String] = []
      for element in elements {
        guard case .object(let object) = element, let x = object["x"] else { continue }
        switch x {
        case .null, .whole, .real: fields.append("x \(x.written)")
        default: throw Refusal(reason: .wrongType)
        }
      }
      return "\(elements.count): " + fields.joined(separator: ", ")
    default: throw Refusal(reason: .wrongType)
    }
  }
}

@Suite("Random records by random mappings") struct MappedPropertyTests {
  private static func scalar(_ random: inout SeededGenerator) -> String {
    [
      "null", "true", "false", "0", "-7", "12", "2.5", "-1e-3", "\"\"", "\"x\"", "\"é\\u20ac\\n\\\"\"",
      "\"{\"",
      "\"1767225600000000\"",
    ].randomElement(using: &random)!
  }

  private static func gap(_ random: inout SeededGenerator) -> String {
    ["", "", "", " ", "\n", "\t"].randomElement(using: &random)!
  }

  private static func object(_ depth: Int, _ random: inout SeededGenerator) -> String {
    var fields: [String] = []
    func add(_ key: String, _ value: String) {
      let key = key == "a" && Bool.random(using: &random) ? "\\u0061" : key
      fields.append(gap(&random) + "\"\(key)\"" + gap(&random) + ":" + gap(&random) + value + gap(&random))
    }
    func often(_ count: Int = 4) -> Bool { Int.random(in: 0..<count, using: &random) > 0 }
    for key in RandomMapping.keys where depth > 0 && often() { add(key, container(depth - 1, &random)) }
    if often() { add("pid", ["7", "\"k\"", "\"ü\"", "-3", "8"].randomElement(using: &random)!) }
    if often() { add("id", ["1", "\"e\"", scalar(&random)].randomElement(using: &random)!) }
    if often(20) { add("ts", often(20) ? "1767225600000000" : scalar(&random)) }
    for (name, value) in [("n", "5"), ("t", "\"x\\\\y\""), ("f", "true"), ("x", "null")] where !often(3) {
      add(name, often(10) ? value : scalar(&random))
    }
    if !often(3) { add("l", "[\"a\",null,\"\\u00e9\"]") }
    if !often(3) { add("o", often() ? "[{\"x\":1},{},{\"y\":[{}],\"x\":2.5},7]" : scalar(&random)) }
    if !often() { add("other", "[{\"a\":[1,{\"pid\":2}]},\"}\"]") }
    return "{" + fields.shuffled(using: &random).joined(separator: ",") + "}"
  }

  private static func container(_ depth: Int, _ random: inout SeededGenerator) -> String {
    switch Int.random(in: 0..<8, using: &random) {
    case 0: return scalar(&random)
    case 1: return "[" + object(0, &random) + "]"
    case 2, 3: return SampleEvent.quoted(object(depth, &random))
    case 4: return SampleEvent.quoted(String(object(depth, &random).dropLast()))
    default: return object(depth, &random)
    }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>) func agreeWithAPlainReading(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let mapping = RandomMapping(&random)
    let bench = try MappedBench(mapping.yaml)
    for number in 0..<60 {
      let record = Self.object(2, &random)
      let plain = try #require(Plain(record), "seed \(seed), record \(number): \(record)")
      let found = bench.decode(record)
      do throws(RandomMapping.Refusal) {
        let expected = try mapping.read(plain)
        guard found == nil else {
          Issue.record("seed \(seed), record \(number): \(record)\n\(bench.detail)\n\(mapping.yaml)")
          return
        }
        let event = try? bench.bench.last()
        let id = expected.id ?? recordHash(record)
        #expect(
          event?.entityID == expected.entity && event?.eventID == id && event?.timeMicros == expected.time)
        #expect(
          bench.attributes == expected.attributes,
          "seed \(seed), record \(number): \(record)\n\(mapping.yaml)")
      } catch {
        #expect(
          found == error.reason, "seed \(seed), record \(number): \(record)\n\(bench.detail)\n\(mapping.yaml)"
        )
      }
    }
  }
}
