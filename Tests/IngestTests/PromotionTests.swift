import Dataflow
import Envelope
import Events
import Features
import Testing

@testable import Ingest

/// Promotions of models as the decoder takes them.
@Suite struct PromotionTests {
  private static let time: EventTime = 1_767_225_600_000_000
  private static let set = Hash128(low: 0x0123_4567_89ab_cdef, high: 0xfedc_ba98_7654_3210)
  private let key: ControlKey
  private let program: FeatureProgram

  init() throws {
    key = try #require(ControlKey(Array("0123456789abcdef0123456789abcdef".utf8)))
    program = try FeatureProgram(
      FeatureSetDeclaration(profile: [], events: [], features: [], idleTTL: nil))
  }

  private enum Outcome: Equatable {
    case promotion(Promotion)
    case letter(DeadLetterReason)
  }

  /// What a decoder of the pipeline `age` makes of a value.
  private func decode(
    _ value: [UInt8], control: Bool = true, signature: String? = nil, isOfFile: Bool = false,
    entity: String = Promotion.entityID
  ) throws -> (outcome: Outcome?, detail: String) {
    let decoder = try EventDecoder(
      program, homes: KeyHomes(.murmur2, partitionCount: 12),
      control: control ? ControlRule([(since: 0, key: key)]) : nil, pipeline: "age")
    let events = EventBatch(symbols: program.symbols)
    let reason = Array(entity.utf8).withUnsafeBytes { key in
      value.withUnsafeBytes { value in
        Array((signature ?? "").utf8).withUnsafeBytes { header in
          decoder.decode(
            RawRecord(
              partition: 3, offset: 0, ingestTimeMs: Self.time / 1000, key: key, value: value,
              contentType: .unspecified, signature: signature == nil ? nil : header, isOfFile: isOfFile),
            into: events)
        }
      }
    }
    let outcome = reason.map { Outcome.letter($0) } ?? events.promotion(at: 0).map { .promotion($0) }
    return (outcome, decoder.refusedDetail)
  }

  private func signature(_ promotion: Promotion, pipeline: String = "age") -> String {
    key.signature(
      of: .promotion(promotion, pipeline: pipeline), entityID: Array(Promotion.entityID.utf8),
      eventID: Array("p".utf8), time: Self.time)
  }

  private func json(_ promotion: String, entity: String = Promotion.entityID) -> [UInt8] {
    Array(
      "{\"event_id\":\"p\",\"entity_id\":\"\(entity)\",\"event_time_us\":\(Self.time),\"promotion\":\(promotion)}"
        .utf8)
  }

  @Test func bothFormsSayTheSameOnEveryPartition() throws {
    let promotion = Promotion(number: 7, set: Self.set)
    let packed = try ControlEnvelope.pack(
      .promotion(number: 7, set: Self.set.hex, pipeline: "age"), eventID: Array("p".utf8),
      entityID: Array(Promotion.entityID.utf8), time: Self.time, source: "tally models")
    let written = json("{\"number\":7,\"set\":\"\(Self.set.hex)\",\"pipeline\":\"age\"}")
    for value in [packed, written] {
      #expect(try decode(value, signature: signature(promotion)).outcome == .promotion(promotion))
    }
    #expect(ReadEnvelope(packed)?.lines.contains { $0.contains("number 7, set \"\(Self.set.hex)\"") } == true)
  }

  @Test func onlyASignatureOfThisVeryPromotionCounts() throws {
    let value = json("{\"number\":7,\"set\":\"\(Self.set.hex)\",\"pipeline\":\"age\"}")
    let good = signature(Promotion(number: 7, set: Self.set))
    #expect(try decode(value).outcome == .letter(.notSigned))
    #expect(
      try decode(value, signature: signature(Promotion(number: 8, set: Self.set))).outcome
        == .letter(.notSigned))
    #expect(
      try decode(value, signature: signature(Promotion(number: 7, set: Self.set), pipeline: "other")).outcome
        == .letter(.notSigned))
    let without = try decode(value, control: false, signature: good)
    #expect(without.outcome == .letter(.notSigned) && without.detail.contains("declares no key"))
    // A file is its operator's word; but the pipeline must have a key at all.
    #expect(try decode(value, isOfFile: true).outcome == .promotion(Promotion(number: 7, set: Self.set)))
    #expect(try decode(value, control: false, isOfFile: true).outcome == .letter(.notSigned))
  }

  @Test func anotherPipelinesChangesNothing() throws {
    let value = json("{\"number\":7,\"set\":\"\(Self.set.hex)\",\"pipeline\":\"engagement\"}")
    #expect(try decode(value, control: false).outcome == .promotion(Promotion(number: 0, set: Self.set)))
  }

  @Test(arguments: [
    ("{\"number\":0,\"set\":\"SET\",\"pipeline\":\"age\"}", "promotion.number"),
    ("{\"number\":1.5,\"set\":\"SET\",\"pipeline\":\"age\"}", "promotion.number"),
    ("{\"number\":-1,\"set\":\"SET\",\"pipeline\":\"age\"}", "promotion.number"),
    ("{\"set\":\"SET\",\"pipeline\":\"age\"}", "promotion.number"),
    ("{\"number\":1,\"set\":\"SETa\",\"pipeline\":\"age\"}", "promotion.set"),
    ("{\"number\":1,\"set\":\"0123456789ABCDEF0123456789abcdef\",\"pipeline\":\"age\"}", "promotion.set"),
    ("{\"number\":1,\"set\":7,\"pipeline\":\"age\"}", "promotion.set"),
    ("{\"number\":1,\"set\":\"SET\"}", "promotion.pipeline"), ("[]", "promotion"),
  ])
  func malformedOnesAreLetters(promotion: String, field: String) throws {
    let value = json(promotion.replacing("SET", with: Self.set.hex))
    let found = try decode(value, signature: signature(Promotion(number: 1, set: Self.set)))
    #expect(found.outcome == .letter(.wrongType) && found.detail.contains(field), "\(found)")
  }

  @Test func nobodysEntityIsPromoted() throws {
    let value = json("{\"number\":1,\"set\":\"\(Self.set.hex)\",\"pipeline\":\"age\"}", entity: "alice")
    let found = try decode(value, entity: "alice")
    #expect(found.outcome == .letter(.wrongType) && found.detail.contains("tally-promotion"))
  }
}
