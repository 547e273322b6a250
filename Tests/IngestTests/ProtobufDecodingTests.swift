import CEvents
import Dataflow
import Events
import Ingest
import Testing
import TestNumbers

@Suite("Protobuf events") struct ProtobufDecodingTests {
  static func event(_ build: (inout WireWriter) -> Void) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, string: "e")
    writer.field(2, string: "c1")
    writer.field(3, varint: 1_767_225_600_000_000)
    build(&writer)
    return writer.bytes
  }

  static func attribute(_ build: (inout WireWriter) -> Void) -> [UInt8] {
    event { writer in
      let engagement = writer.open(11)
      writer.field(1, string: "login")
      let attribute = writer.open(2)
      writer.field(1, string: "a")
      build(&writer)
      writer.close(attribute)
      writer.close(engagement)
    }
  }

  static let invalid: [UInt8] = [0x61, 0xc3, 0x28]

  /// Whether protobuf-c takes these bytes as an event.
  static func oracleAccepts(_ bytes: [UInt8]) -> Bool {
    guard let event = tally__event__unpack(nil, bytes.count, bytes) else { return false }
    tally__event__free_unpacked(event, nil)
    return true
  }

  @Test("that are malformed are undecodable, as protobuf-c says") func malformed() throws {
    let bench = try DecoderBench()
    let whole = Self.attribute { $0.field(5, string: "text") }
    #expect(bench.decode(whole, key: "c1") == nil)
    var bad: [[UInt8]] = [[0x0a], [0xff], [0x00], [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], [0x0b, 0x0c]]
    bad.append(Self.event { $0.field(1, varint: 3) })  // a string as a varint
    bad.append(Self.event { $0.field(3, string: "x") })
    bad.append(Self.event { $0.field(11, varint: 1) })
    bad.append(Self.attribute { $0.field(4, varint: 1) })
    bad.append(Self.attribute { $0.field(5, double: 1) })
    for bytes in bad {
      #expect(!Self.oracleAccepts(bytes))
      #expect(bench.decode(bytes, key: "c1", contentType: .protobuf) == .undecodable, "\(bytes)")
    }
  }

  @Test("whose messages nobody reads are malformed all the same, as protobuf-c says") func unread() throws {
    // A list, and an element's fields: a tag without its value, a group, an attribute's name as a number.
    let lists: [[UInt8]] = [
      [0x70], [0x0b, 0x0c], [0x0a, 0x04, 0x32, 0x02, 0x0a, 0x05], [0x0a, 0x02, 0x32, 0x09],
    ]
    func message(_ number: Int, _ content: [UInt8], _ writer: inout WireWriter) {
      let start = writer.open(number)
      writer.bytes.append(contentsOf: content)
      writer.close(start)
    }
    for attributesMax in [1, 512] {
      var limits = DecoderLimits()
      limits.attributesMax = attributesMax
      let bench = try DecoderBench(limits)
      for list in lists + [[0x0a, 0x02, 0x18, 0x02]] {
        let alone = Self.attribute { message(6, list, &$0) }
        // The last value counts: the one before it is read by nobody.
        let replaced = Self.attribute {
          message(6, list, &$0)
          $0.field(5, string: "text")
        }
        // In an element, fields that another value replaces.
        let inElement = Self.attribute { writer in
          let list = writer.open(6)
          let element = writer.open(1)
          message(6, [0x0a, 0x01, 0x70], &writer)
          writer.field(5, string: "text")
          writer.close(element)
          writer.close(list)
        }
        let isBad = lists.contains(list)
        for (bytes, isBad) in [(alone, isBad), (replaced, isBad), (inElement, true)] {
          #expect(Self.oracleAccepts(bytes) != isBad, "\(bytes)")
          let reason = bench.decode(bytes, key: "c1", contentType: .protobuf)
          #expect((reason == .undecodable) == isBad, "\(attributesMax) attributes: \(bytes)")
        }
      }
    }
  }

  @Test("in longer forms than needed are taken as far as protobuf-c takes them") func longForms() throws {
    let bench = try DecoderBench()
    func tail(_ bytes: [UInt8]) -> [UInt8] {
      Self.event { writer in
        writer.close(writer.open(12))
        writer.bytes.append(contentsOf: bytes)
      }
    }
    let taken: [[UInt8]] = [
      [0xa2, 0x80, 0x80, 0x80, 0, 1, 0x73],  // a tag, and
      [0x22, 0x81, 0x80, 0x80, 0x80, 0, 0x73],  // a length of five bytes
      [0x28, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],  // a number of ten
    ]
    for bytes in taken {
      #expect(Self.oracleAccepts(tail(bytes)))
      #expect(bench.decode(tail(bytes), key: "c1", contentType: .protobuf) == nil, "\(bytes)")
    }
    let refused: [[UInt8]] = [
      [0xa2, 0x80, 0x80, 0x80, 0x80, 0, 1, 0x73], [0x22, 0x81, 0x80, 0x80, 0x80, 0x80, 0, 0x73],
      [0x28, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
    ]
    for bytes in refused {
      #expect(!Self.oracleAccepts(tail(bytes)))
      #expect(bench.decode(tail(bytes), key: "c1", contentType: .protobuf) == .undecodable, "\(bytes)")
    }
    // Numbers of more bits than their type has, which protobuf-c cuts off.
    let cut: [[UInt8]] = [
      [0x28, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2],
      [0xa2, 0x80, 0x80, 0x80, 0x10, 1, 0x73],
    ]
    for bytes in cut {
      #expect(bench.decode(tail(bytes), key: "c1", contentType: .protobuf) == .undecodable, "\(bytes)")
    }
  }

  @Test("must not carry what is not a number") func notFinite() throws {
    let bench = try DecoderBench(UndeclaredTests.program())
    for value in [Double.nan, .infinity, -.infinity] {
      #expect(bench.decode(Self.attribute { $0.field(4, double: value) }, key: "c1") == .notFinite)
    }
    #expect(bench.decode(Self.attribute { $0.field(4, double: -1.5) }, key: "c1") == nil)
  }

  @Test("must be UTF-8 in every text") func utf8() throws {
    let bench = try DecoderBench()
    func text(_ number: Int, _ writer: inout WireWriter) {
      Self.invalid.withUnsafeBytes { writer.field(number, bytes: $0) }
    }
    for number in [1, 2, 4] {
      let bytes = Self.event { writer in
        text(number, &writer)
        writer.close(writer.open(10))
      }
      #expect(bench.decode(bytes, key: "c1") == .invalidUTF8)
    }
    // Of an attribute that nobody declares neither name nor text matters.
    #expect(bench.decode(Self.attribute { text(1, &$0) }, key: "c1") == nil)
    #expect(bench.decode(Self.attribute { text(5, &$0) }, key: "c1") == nil)
    let type = Self.event { writer in
      let mark = writer.open(11)
      text(1, &writer)
      writer.close(mark)
    }
    #expect(bench.decode(type, key: "c1") == .invalidUTF8)
  }

  @Test("keep zero bytes: in an id they are refused, in a text they stay") func zeros() throws {
    let bench = try DecoderBench(names: ["a", "login"])
    let id = Self.event { writer in
      writer.field(1, string: "e\0x")
      writer.close(writer.open(10))
    }
    #expect(bench.decode(id, key: "c1") == .invalidID)
    #expect(bench.decode(Self.attribute { $0.field(5, string: "x\0y") }, key: "c1") == nil)
    #expect(try bench.last().attributes.map(\.value) == [.text("x\0y")])
  }

  @Test("have one kind, in a known mode") func kinds() throws {
    let bench = try DecoderBench(names: ["login"])
    let two = Self.event { writer in
      writer.close(writer.open(10))
      let mark = writer.open(11)
      writer.field(1, string: "login")
      writer.close(mark)
    }
    #expect(bench.decode(two, key: "c1") == .unknownKind)
    let mode = Self.event { writer in
      let mark = writer.open(10)
      writer.field(1, varint: 2)
      writer.close(mark)
    }
    #expect(bench.decode(mode, key: "c1") == .unknownKind)
    let later = Self.event { writer in
      writer.field(99, string: "from a later schema")
      writer.field(98, double: 1)
      let mark = writer.open(10)
      writer.field(77, varint: 2)
      writer.close(mark)
    }
    #expect(bench.decode(later, key: "c1") == nil)
  }

  @Test("by the thousand decode to what protobuf-c wrote, and JSON to the same") func random() throws {
    let names = (0..<12).map { "a\($0)" } + ["login", "view"]
    let bench = try DecoderBench(names: names)
    let seed: UInt64 = 20_260_101
    var random = SeededGenerator(seed: seed)
    for round in 0..<3000 {
      let event = Self.randomEvent(&random)
      #expect(bench.decode(event.protobuf, key: event.entityID) == nil, "seed \(seed) round \(round)")
      #expect(try bench.last() == event, "seed \(seed) round \(round)")
      #expect(bench.decode(Array(event.json.utf8), key: event.entityID) == nil, "seed \(seed) round \(round)")
      #expect(try bench.last() == event, "seed \(seed) round \(round)")
      bench.batch.removeAll()
    }
  }

  /// A decoder in C++ and protobuf-c as the oracle: what breaks one of them ends a process of its own.
  @Test("mutated at random never break the decoder") func mutations() async {
    await #expect(processExitsWith: .success) { try ProtobufDecodingTests.decodeMutations() }
  }

  private static func decodeMutations() throws {
    let names = (0..<12).map { "a\($0)" } + ["login", "view"]
    let bench = try DecoderBench(names: names)
    let seed: UInt64 = 77
    var random = SeededGenerator(seed: seed)
    var outcomes = [Int](repeating: 0, count: DeadLetterReason.count + 1)
    for round in 0..<20_000 {
      let event = randomEvent(&random)
      var bytes = round % 2 == 0 ? event.protobuf : Array(event.json.utf8)
      for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 2: bytes.remove(at: at)
        case 3: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        default: bytes.removeLast(bytes.count - at)
        }
      }
      let reason = bench.decode(
        bytes, key: event.entityID, ingestTimeMs: Int64.random(in: -1...4_000_000_000_000, using: &random))
      outcomes[reason.map(\.index) ?? DeadLetterReason.count] += 1
      if reason == nil && round % 2 == 0 {
        #expect(oracleAccepts(bytes), "protobuf-c refuses what was decoded; seed \(seed) round \(round)")
      }
      if round % 500 == 0 { bench.batch.removeAll() }
    }
    // Some mutations are harmless, most are found out, in many ways.
    #expect(outcomes[DeadLetterReason.count] > 100)
    #expect(outcomes.filter { $0 > 0 }.count >= 8)
  }

  static func randomEvent(_ random: inout SeededGenerator) -> SampleEvent {
    let letters = ["a", "Z", "0", "-", "é", "漢", "😀", "\"", "\\", "{"]
    func text(_ range: ClosedRange<Int>) -> String {
      (0..<Int.random(in: range, using: &random)).map { _ in letters.randomElement(using: &random) ?? "" }
        .joined()
    }
    var event = SampleEvent()
    event.eventID = text(1...40)
    event.entityID = text(1...20)
    event.timeMicros = Int64.random(in: EventTimeBounds.start..<EventTimeBounds.end, using: &random)
    event.source = text(0...9)
    event.kind = [.engagement, .profileSnapshot, .profileChange].randomElement(using: &random)
    event.type = event.kind == .engagement ? (Bool.random(using: &random) ? "login" : "view") : ""
    let names = (0..<12).shuffled(using: &random).prefix(Int.random(in: 0...12, using: &random))
    for name in names {
      let value: SampleEvent.Value =
        switch Int.random(in: 0..<5, using: &random) {
        case 0: .null
        case 1: .flag(Bool.random(using: &random))
        case 2: .integer(Int64(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random)))
        case 3: .real(randomReal(&random))
        default: .text(text(0...30))
        }
      event.attributes.append(("a\(name)", value))
    }
    return event
  }

  private static func randomReal(_ random: inout SeededGenerator) -> Double {
    while true {
      let value = Double(bitPattern: UInt64.random(in: 0...UInt64.max, using: &random))
      if value.isFinite { return value }
    }
  }
}
