import Dataflow
import Events
import Ingest
import Testing
import TestNumbers

@Suite("Confluent's framing") struct ConfluentTests {
  static let head: [UInt8] = [0, 0, 0, 0x12, 0x34]

  @Test(
    "is seen through, whatever the header says",
    arguments: [[0], [2, 0], [1, 0], [0x80 | 2, 0, 0]] as [[UInt8]],
    [ContentType.unspecified, .protobuf, .json])
  func firstMessage(path: [UInt8], type: ContentType) throws {
    let bench = try DecoderBench(names: ["login"])
    let event = SampleEvent()
    let value = Self.head + path + event.protobuf
    #expect(
      bench.decode(value, key: event.entityID, ingestTimeMs: EventDecoderTests.future, contentType: type)
        == nil)
    #expect(bench.batch.string(bench.batch.events[0].eventID) == event.eventID)
  }

  @Test("holds JSON too")
  func json() throws {
    let bench = try DecoderBench(names: ["login"])
    let event = SampleEvent()
    let value = Self.head + Array(event.json.utf8)
    #expect(
      bench.decode(
        value, key: event.entityID, ingestTimeMs: EventDecoderTests.future, contentType: .unspecified) == nil)
  }

  @Test(
    "with another message or cut off is a dead letter",
    arguments: [
      (head + [2, 2] + SampleEvent().protobuf, DeadLetterReason.unknownSchema),
      (head + [4, 0, 0] + SampleEvent().protobuf, .unknownSchema),
      ([0], .undecodable), ([0, 0, 0, 0], .undecodable), (head, .undecodable), (head + [2], .undecodable),
      (head + [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], .undecodable),
      (head + [3, 0] + SampleEvent().protobuf, .undecodable),
      (head + [0xfe, 0xff, 0xff, 0xff, 0x0f], .undecodable),
      (head + [0], .unknownKind), (head + [0, 0xff], .undecodable),
    ])
  func refused(_ value: [UInt8], _ reason: DeadLetterReason) throws {
    let bench = try DecoderBench(names: ["login"])
    for type in [ContentType.unspecified, .protobuf] {
      #expect(
        bench.decode(
          value, key: SampleEvent().entityID, ingestTimeMs: EventDecoderTests.future, contentType: type)
          == reason)
    }
    #expect(bench.batch.events.isEmpty)
  }

  @Test("of random bytes never crashes and is judged as the message without it")
  func randomBytes() async {
    await #expect(processExitsWith: .success) { try ConfluentTests.decodeRandomBytes() }
  }

  private static func decodeRandomBytes() throws {
    var random = SystemRandomNumberGenerator()
    let seed = random.next()
    var generator = SeededGenerator(seed: seed)
    let framed = try DecoderBench(names: ["login"])
    let plain = try DecoderBench(names: ["login"])
    for _ in 0..<20_000 {
      let body = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
        UInt8.random(in: 0...255, using: &generator)
      }
      _ = framed.decode([0] + body, key: "k", ingestTimeMs: 0, contentType: .unspecified)
      let inFrame = framed.decode(head + [0] + body, key: "k", ingestTimeMs: 0, contentType: .protobuf)
      guard body.first != UInt8(ascii: "{"), body.first != 0, !body.isEmpty else { continue }
      let alone = plain.decode(body, key: "k", ingestTimeMs: 0, contentType: .protobuf)
      #expect(inFrame == alone, "seed \(seed)")
    }
  }
}
