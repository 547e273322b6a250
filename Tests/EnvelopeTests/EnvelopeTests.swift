import Envelope
import Events
import Testing

@Suite struct EnvelopeTests {
  /// Logs hold events of earlier versions: the bytes stay as they were.
  @Test func controlEventsAreTheBytesOfEarlierVersions() throws {
    let time: Int64 = 1_767_225_600_000_000
    for (kind, field, source) in [
      (ControlEnvelope.Kind.tick, 12, "tally tick"), (.erasure, 13, "tally erase"),
    ] {
      var writer = WireWriter()
      writer.field(1, string: "t-é")
      writer.field(2, string: "c1")
      writer.field(3, varint: UInt64(bitPattern: time))
      writer.field(4, string: source)
      writer.field(5, varint: 1)
      writer.close(writer.open(field))
      let packed = try ControlEnvelope.pack(
        kind, eventID: Array("t-é".utf8), entityID: Array("c1".utf8), time: time, source: source)
      #expect(packed == writer.bytes)
      #expect(ReadEnvelope(packed)?.kind == (kind == .tick ? .tick : .erasure))
    }
  }

  /// Readers of letters see the bytes that earlier versions wrote by hand; what is empty is left out.
  @Test(arguments: [0, 1, 1_767_225_600_000], [0, 3, Int32.max])
  func lettersAreTheBytesOfEarlierVersions(_ number: Int64, _ partition: Int32) {
    for (detail, key, value, hash) in [
      ("", [], [], nil), ("dé\"tail", Array("c1".utf8), [0, 10, 0, 255], nil),
      ("cut", [0], Array(repeating: 7, count: 300), Array(repeating: 9, count: 32)),
    ] as [(String, [UInt8], [UInt8], [UInt8]?)] {
      var writer = WireWriter()
      writer.field(1, string: "engagement")
      writer.field(2, string: "key-mismatch")
      if !detail.isEmpty { writer.field(3, string: detail) }
      writer.field(4, string: "events")
      if partition != 0 { writer.field(5, varint: UInt64(partition)) }
      if number != 0 { writer.field(6, varint: UInt64(number)) }
      if !key.isEmpty { key.withUnsafeBytes { writer.field(7, bytes: $0) } }
      if !value.isEmpty { value.withUnsafeBytes { writer.field(8, bytes: $0) } }
      if number != 0 { writer.field(9, varint: UInt64(number)) }
      if !key.isEmpty { writer.field(10, varint: UInt64(key.count)) }
      if !value.isEmpty { writer.field(11, varint: 5000) }
      if let hash { hash.withUnsafeBytes { writer.field(12, bytes: $0) } }
      let letter = LetterEnvelope(
        pipeline: "engagement", reason: "key-mismatch", detail: detail, topic: "events", partition: partition,
        offset: number, ingestTimeMs: number)
      var bytes: [UInt8] = [1]
      key.withUnsafeBytes { key in
        value.withUnsafeBytes { value in
          letter.append(
            to: &bytes, key: key, value: value, keyBytes: key.count, valueBytes: value.isEmpty ? 0 : 5000,
            valueHash: hash)
        }
      }
      #expect(bytes == [1] + writer.bytes)
    }
  }

  @Test func anIdIsNeverCutOff() {
    #expect(throws: ZeroByteInText.self) {
      try ControlEnvelope.pack(.erasure, eventID: [1], entityID: [0x61, 0, 0x62], time: 1, source: "s")
    }
  }

  @Test func eventsAreShownFieldByField() throws {
    var writer = WireWriter()
    writer.field(1, string: "e1")
    writer.field(2, string: "c\u{9b}\"1")
    let engagement = writer.open(11)
    writer.field(1, string: "login")
    let attribute = writer.open(2)
    writer.field(1, string: "amount")
    writer.field(3, zigzag: -5)
    writer.close(attribute)
    writer.close(engagement)
    writer.field(99, varint: 1)
    let event = try #require(ReadEnvelope(writer.bytes))
    #expect(
      event.lines == [
        #"event_id: "e1""#, #"entity_id: "c\u{9b}\"1""#, "event_time_us: 0", #"source: """#,
        "schema_version: 0", "kind: engagement", #"type: "login""#, #"  "amount": -5"#,
        "fields that proto/events.proto does not name: 1",
      ])
  }

  @Test func whatIsNoEventIsNone() {
    #expect(ReadEnvelope([]) == nil)
    #expect(ReadEnvelope([0xff, 0xff, 0xff]) == nil)
    #expect(ReadEnvelope([0x0a, 0x7f, 0x61]) == nil)
    var writer = WireWriter()
    writer.field(99, varint: 1)
    #expect(ReadEnvelope(writer.bytes) == nil)
  }
}
