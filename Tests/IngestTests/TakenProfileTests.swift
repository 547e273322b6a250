import Dataflow
import Events
import Features
import Ingest
import TestNumbers
import Testing

/// A pipeline without states.
private let yaml = """
  pipeline: taken
  state: none
  input:
    format: json
    entity_id: id
    event_id: {hash: record}
    event_time: ingest
    kind: {profile: snapshot}
  profile:
    n: {type: number, min: -10, max: 10, wrong: missing, from_text: true}
    c: {type: number, min: 0, max: 10, wrong: clamp}
    s: {type: number, min: 0, max: 5}
    w: {type: category, vocabulary: [free, paid], wrong: missing}
    r: {type: category, ordered: true, vocabulary: [low, mid, high]}
    f: {type: flag, from_text: true, wrong: missing}
    t: {type: text, wrong: missing}
    l: {type: list, of: {type: text, wrong: missing}, wrong: missing}
    m: {type: list, of: {type: number, min: 0, max: 9}}
    o: {type: list, of: {x: {type: number, min: 0, max: 9, wrong: missing}, y: text}, wrong: missing}
  features:
    n: profile.n
    c: profile.c
    s: profile.s
    w: profile.w
    r: profile.r
    f: profile.f
    senior: has_word(profile.t, "senior", "lead")
    long: length(profile.t)
    skills: size(profile.l)
    has: any(profile.l, "Rust", "senior")
    words: has_word(profile.l, "lead")
    numbers: size(profile.m)
    least: min(profile.m)
    most: max(profile.m)
    mean: mean(profile.m)
    jobs: size(profile.o)
    first: min(profile.o.x)
    middle: mean(profile.o.x)
    named: any(profile.o.y, "lead", "x")
    spoken: has_word(profile.o.y, "senior")
  models: {score: {file: score.json}}
  """

/// What a record comes to: why it is refused, or its row, and what was counted so far of values that were not as declared.
private struct Outcome: Equatable {
  var reason: DeadLetterReason?
  var row: [UInt32] = []
  var replaced = ""
}

private final class Decoded {
  private let mapped: MappedBench
  private let scratch: FeatureScratch
  private(set) var direct = 0

  init(keepsAttributes: Bool) throws {
    mapped = try MappedBench(yaml, keepsAttributes: keepsAttributes)
    scratch = FeatureScratch(mapped.program)
  }

  private var replaced: String { "\(mapped.names.counts().replaced)" }

  func outcome(_ record: String) throws -> Outcome {
    let reason = mapped.decode(record, ingestTimeMs: 1_767_225_600_000)
    guard reason == nil else { return Outcome(reason: reason, replaced: replaced) }
    let event = try #require(mapped.bench.batch.events.last)
    if event.profileStart >= 0 { direct += 1 }
    var row = [Float](repeating: 0, count: mapped.program.columns.count)
    mapped.program.read(event, in: mapped.bench.batch, into: &row, scratch: scratch)
    return Outcome(row: row.map(\.bitPattern), replaced: replaced)
  }
}

/// Profiles of pipelines without states are taken value by value, past the batch's attributes.
@Suite("Profiles that are taken value by value") struct TakenProfileTests {
  private static let scalars = [
    "null", "true", "false", "0", "-7", "3", "12", "2.5", "-1e-3", "1e400", "18446744073709551616", "\"\"",
    "\"4\"", "\" 4\"", "\"free\"", "\"paid\"", "\"low\"", "\"high\"", "\"yes\"", "\"true\"", "\"Rust\"", "{}",
    "[]",
    "\"Senior lead, team\"", "\"\\u0053enior\"", "\"leader\"", "\"x\"", "\"é\\ud800\"", "\"é, LEAD é\"",
  ]

  private static func scalar(_ random: inout SeededGenerator) -> String {
    scalars.randomElement(using: &random)!
  }

  private static func usual(_ name: String, _ random: inout SeededGenerator) -> String {
    func list(_ values: [String]) -> String {
      let some = (0..<Int.random(in: 0...3, using: &random)).map { _ in values.randomElement(using: &random)!
      }
      return "[" + some.joined(separator: ",") + "]"
    }
    switch name {
    case "n", "c", "s": return ["1", "3.5", "5", "0"].randomElement(using: &random)!
    case "w": return ["\"free\"", "\"paid\"", "\"else\""].randomElement(using: &random)!
    case "r": return ["\"low\"", "\"high\"", "\"none\""].randomElement(using: &random)!
    case "f": return ["true", "false"].randomElement(using: &random)!
    case "t": return ["\"Senior cook\"", "\"a lead\"", "\"\"", "\"Ärztin\""].randomElement(using: &random)!
    case "l": return list(["\"Rust\"", "\"senior\"", "\"lead singer\"", "null", scalar(&random)])
    case "m": return list(["1", "2", "9", "null", "3", "4", scalar(&random)])
    default:
      return list([
        "{\"x\":3,\"y\":\"lead\"}", "{\"y\":\"a senior\"}", "{}", "null", "{\"z\":1,\"x\":4}",
        "{\"x\":\(scalar(&random))}", "{\"y\":\(scalar(&random))}", scalar(&random),
      ])
    }
  }

  @Test("come to what their attributes come to", arguments: 1...30 as ClosedRange<UInt64>)
  func agreeWithAttributes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let taken = try Decoded(keepsAttributes: false)
    let stored = try Decoded(keepsAttributes: true)
    for number in 0..<100 {
      var fields: [String] = []
      for name in ["n", "c", "s", "w", "r", "f", "t", "l", "m", "o", "undeclared"]
      where Int.random(in: 0..<5, using: &random) > 0 {
        let isUsual = Int.random(in: 0..<12, using: &random) > 0
        fields.append("\"\(name)\":" + (isUsual ? Self.usual(name, &random) : Self.scalar(&random)))
      }
      let profile = fields.shuffled(using: &random).joined(separator: ",")
      let record = "{\"id\":\"k\"" + (profile.isEmpty ? "" : ",") + profile + "}"
      let (found, expected) = (try taken.outcome(record), try stored.outcome(record))
      try #require(found == expected, "seed \(seed), record \(number): \(record)")
    }
    #expect(taken.direct > 10 && stored.direct == 0, "seed \(seed): \(taken.direct) taken")
  }
}
