import Dataflow
import Events
import Ingest
import TestNumbers
import Testing

@Suite("The event decoder") struct EventDecoderTests {
  static let future: Int64 = 1_767_225_600_000

  static func engagement(_ change: (inout SampleEvent) -> Void) -> SampleEvent {
    var event = SampleEvent()
    change(&event)
    return event
  }

  /// The sample's key lies on one partition of five; elsewhere only what has no other fault is on the wrong one.
  @Test("refuses what is not at home, last of all") func homes() throws {
    let homes = KeyHomes(.crc32, partitionCount: 5)
    let bench = try DecoderBench(homes: homes)
    let event = SampleEvent()
    let home = Array(event.entityID.utf8).withUnsafeBytes { homes.home(of: $0) }
    for partition in 0..<Int32(5) {
      let found = bench.decode(Array(event.json.utf8), key: event.entityID, partition: partition)
      #expect(found == (partition == home ? nil : .wrongPartition))
      #expect(bench.decode(Array(event.json.utf8), key: nil, partition: partition) == .keyMismatch)
      #expect(bench.decode(Array("{}".utf8), key: event.entityID, partition: partition) != .wrongPartition)
    }
  }

  @Test(
    "gives the same reason for both forms",
    arguments: [
      (engagement { $0.schemaVersion = 2 }, DeadLetterReason.unknownSchema),
      (engagement { $0.kind = nil }, .unknownKind),
      (engagement { $0.eventID = "" }, .missingEventID),
      (engagement { $0.entityID = "" }, .missingEntityID),
      (engagement { $0.timeMicros = 0 }, .missingTime),
      (engagement { $0.type = "" }, .missingType),
      (engagement { $0.eventID = String(repeating: "x", count: 257) }, .invalidID),
      (engagement { $0.eventID = "a\u{1f}b" }, .invalidID),
      (engagement { $0.eventID = "a\u{7f}b" }, .invalidID),
      (engagement { $0.type = String(repeating: "t", count: 257) }, .invalidID),
      (engagement { $0.source = String(repeating: "s", count: 257) }, .invalidID),
      (engagement { $0.timeMicros = -1 }, .invalidTime),
      (engagement { $0.timeMicros = EventTimeBounds.start - 1 }, .invalidTime),
      (engagement { $0.timeMicros = EventTimeBounds.end }, .invalidTime),
      (engagement { $0.timeMicros = .max }, .invalidTime),
      (engagement { $0.timeMicros = .min }, .invalidTime),
      (engagement { $0.timeMicros = 1_767_225_600_000_000 + 300_000_001 }, .futureTime),
      (
        engagement { event in event.attributes = (0..<257).map { ("a\($0)", SampleEvent.Value.integer(1)) } },
        .tooDeep
      ),
      (engagement { $0.entityID = "c2" }, .keyMismatch),
      (engagement { $0.attributes = [("known", .integer(1)), ("known", .integer(1))] }, .undecodable),
    ])
  func reasons(_ event: SampleEvent, _ reason: DeadLetterReason) throws {
    let bench = try DecoderBench(names: ["login", "known"])
    let key = reason == .keyMismatch ? "c1" : event.entityID
    for type in [ContentType.unspecified, .protobuf] {
      #expect(bench.decode(event.protobuf, key: key, ingestTimeMs: Self.future, contentType: type) == reason)
    }
    for type in [ContentType.unspecified, .json] {
      let json = Array(event.json.utf8)
      #expect(bench.decode(json, key: key, ingestTimeMs: Self.future, contentType: type) == reason)
    }
    #expect(bench.batch.events.isEmpty)
  }

  @Test("takes what is just within bounds") func withinBounds() throws {
    let bench = try DecoderBench(names: ["login"])
    let ok = [
      SampleEvent(), Self.engagement { $0.schemaVersion = 1 },
      Self.engagement { $0.timeMicros = EventTimeBounds.start },
      Self.engagement { $0.timeMicros = 1_767_225_600_000_000 + 300_000_000 },
      Self.engagement { $0.eventID = String(repeating: "x", count: 256) },
      Self.engagement { $0.eventID = "{" + String(repeating: "x", count: 122) },
      Self.engagement { $0.eventID = "\u{80}é漢😀" },
      Self.engagement { event in event.attributes = (0..<256).map { ("a\($0)", SampleEvent.Value.null) } },
    ]
    for event in ok {
      #expect(bench.decode(event.protobuf, key: "c1", ingestTimeMs: Self.future) == nil)
      #expect(bench.decode(Array(event.json.utf8), key: "c1", ingestTimeMs: Self.future) == nil)
    }
    let late = Self.engagement { $0.timeMicros = EventTimeBounds.end - 1 }
    for ingest in [-1, EventTimeBounds.end / 1000 - 1] as [Int64] {
      #expect(bench.decode(late.protobuf, key: "c1", ingestTimeMs: ingest) == nil)
    }
    #expect(bench.batch.events.count == ok.count * 2 + 2)
  }

  @Test("knows an empty record, an empty value and one that is too large") func sizes() throws {
    let bench = try DecoderBench(DecoderLimits(valueBytesMax: 100))
    #expect(bench.decode(nil, key: nil) == .emptyRecord)
    #expect(bench.decode(nil, key: "c1") == .emptyValue)
    #expect(bench.decode([], key: "c1") == .emptyValue)
    #expect(bench.decode([], key: nil) == .emptyValue)
    #expect(bench.decode(Array(repeating: 1, count: 101), key: "c1") == .tooLarge)
    #expect(bench.decode(Array(repeating: 1, count: 100), key: "c1") == .undecodable)
  }

  @Test("compares the key's bytes") func key() throws {
    let bench = try DecoderBench()
    for key in [nil, "", "c", "c11", "C1"] {
      #expect(bench.decode(SampleEvent().protobuf, key: key) == .keyMismatch)
    }
    // Equal as text, not as bytes.
    let composed = Self.engagement { $0.entityID = "\u{e9}" }
    #expect(bench.decode(composed.protobuf, key: "e\u{301}") == .keyMismatch)
    #expect(bench.decode(composed.protobuf, key: "\u{e9}") == nil)
  }

  @Test("takes the form from the content type") func contentType() throws {
    let bench = try DecoderBench()
    let event = SampleEvent()
    let json = Array(event.json.utf8)
    #expect(bench.decode(json, key: "c1", contentType: .unknown) == .undecodable)
    #expect(bench.decode(json, key: "c1", contentType: .protobuf) == .undecodable)
    #expect(bench.decode(event.protobuf, key: "c1", contentType: .json) != nil)
    #expect(bench.decode(Array("\n\t {".utf8) + json.dropFirst(), key: "c1") == nil)
    // Its first bytes are a line feed and "{".
    let id = Self.engagement { $0.eventID = String(repeating: "x", count: 123) }
    #expect(Array(id.protobuf.prefix(2)) == Array("\n{".utf8))
    #expect(bench.decode(id.protobuf, key: "c1") == nil)
  }

  /// Every kind of event, both forms and Confluent's framing; dates from the first that is valid to the last.
  @Test("refuses a time in another unit, and says which, not the time itself")
  func units() throws {
    let bench = try DecoderBench(names: ["login"])
    var random = SeededGenerator(seed: 4)
    let units: [(name: String, of: (EventTime) -> EventTime)] = [
      ("seconds", { $0 / 1_000_000 }), ("milliseconds", { $0 / 1000 }), ("nanoseconds", { $0 &* 1000 }),
    ]
    for round in 0..<400 {
      let micros = EventTime.random(in: EventTimeBounds.start..<EventTimeBounds.end, using: &random)
      for unit in units {
        var event = SampleEvent()
        event.kind = [.engagement, .profileSnapshot, .profileChange, .tick, .erasure][round % 5]
        event.timeMicros = unit.of(micros)
        let frame: [UInt8] = [0, 0, 0, 0, 7]
        let json = Array(event.json.utf8)
        for value in [event.protobuf, json, frame + [0] + event.protobuf, frame + json] {
          for ingest in [-1, 1_767_225_600_000] as [Int64] {
            #expect(bench.decode(value, key: "c1", ingestTimeMs: ingest) == .invalidTime)
            let detail = bench.decoder.refusedDetail
            #expect(detail.hasPrefix("event_time_us looks like \(unit.name) since 1970"), "\(micros)")
            #expect(!detail.contains("\(event.timeMicros)"))
          }
        }
      }
      var event = SampleEvent()
      event.timeMicros = micros
      #expect(bench.decode(event.protobuf, key: "c1") == nil && bench.decoder.refusedDetail.isEmpty)
    }
  }

  @Test(
    "says what is wrong with a time that is no whole number, absent or far ahead",
    arguments: [
      ("\"event_time_us\":1767225600.25,", DeadLetterReason.wrongType, "event_time_us is not a whole number"),
      ("\"event_time_us\":\"2026-01-01T00:00:00Z\",", .wrongType, "event_time_us is not a whole number"),
      ("\"event_time_us\":\"1767225600.25\",", .wrongType, "event_time_us is not a whole number"),
      ("\"event_time_us\":\"1767225600\",", .invalidTime, "event_time_us looks like seconds"),
      ("\"event_time_us\":1767225600.0,", .invalidTime, "event_time_us looks like seconds"),
      ("\"event_time_us\":1.7672256e18,", .invalidTime, "event_time_us looks like nanoseconds"),
      ("\"event_time_us\":1e300,", .invalidTime, "event_time_us is after 2088, also as nanoseconds"),
      ("\"event_time_us\":1e20,", .invalidTime, "event_time_us is after 2088, also as nanoseconds"),
      ("\"event_time_us\":-1e20,", .invalidTime, "event_time_us is before 1970"),
      ("\"event_time_us\":123456789012345678901234,", .invalidTime, "event_time_us is after 2088"),
      ("\"event_time_us\":NaN,", .wrongType, "event_time_us is not a whole number"),
      ("\"source\":7,\"event_time_us\":1,", .wrongType, "source is not a text"),
      ("\"schema_version\":1.5,", .wrongType, "schema_version is not a whole number"),
      ("\"event_time\":1767225600000000,", .missingTime, "event_time_us is absent or 0"),
      ("\"event_time_us\":-1767225600,", .invalidTime, "event_time_us is before 1970"),
      ("\"event_time_us\":20454,", .invalidTime, "event_time_us is before 1973-03-03, also as seconds"),
      ("\"event_time_us\":3776000000000000,", .invalidTime, "event_time_us is after 2088"),
      (
        "\"event_time_us\":17672256000000000,", .invalidTime,
        "event_time_us looks like tenths of microseconds"
      ),
      ("\"event_time_us\":1767225600000000,", .futureTime, "event_time_us is further ahead"),
    ])
  func details(_ time: String, _ reason: DeadLetterReason, _ detail: String) throws {
    let bench = try DecoderBench()
    let json = "{\(time)\"event_id\":\"e\",\"entity_id\":\"c1\",\"tick\":{}}"
    #expect(bench.decode(Array(json.utf8), key: "c1", ingestTimeMs: 1_700_000_000_000) == reason)
    #expect(bench.decoder.refusedDetail.hasPrefix(detail), "\(bench.decoder.refusedDetail)")
  }

  @Test(
    "a record dated after the last event time does not end the future bound",
    arguments: [3_774_873_600_000, 3_774_873_599_999, 9_000_000_000_000_000, Int64.max])
  func timestampAfterTheEnd(_ ingestTimeMs: Int64) throws {
    let bench = try DecoderBench()
    let isAfter = ingestTimeMs >= EventTimeBounds.end / 1000
    let latest = EventTimeBounds.end - 1
    for event in [Self.engagement { $0.timeMicros = latest }, SampleEvent()] {
      let reason = bench.decode(event.protobuf, key: "c1", ingestTimeMs: ingestTimeMs)
      #expect(reason == (isAfter ? .futureTime : nil))
      if isAfter {
        #expect(bench.decoder.refusedDetail.hasPrefix("the record's timestamp is after 2088"))
      }
    }
  }

  @Test("records without a timestamp are bounded by the instant that was given")
  func latestTime() throws {
    let time = SampleEvent().timeMicros
    for (latest, reason) in [(time, nil), (time - 1, DeadLetterReason.futureTime), (.max, nil)] {
      let bench = try DecoderBench(DecoderLimits(latestTime: latest))
      #expect(bench.decode(SampleEvent().protobuf, key: "c1", ingestTimeMs: -1) == reason)
      #expect((bench.decoder.refusedDetail == "") == (reason == nil))
      #expect(bench.decode(SampleEvent().protobuf, key: "c1", ingestTimeMs: Self.future) == nil)
    }
  }

  @Test("names the record's timestamp when that is the one in another unit")
  func timestampInSeconds() throws {
    let bench = try DecoderBench()
    #expect(bench.decode(SampleEvent().protobuf, key: "c1", ingestTimeMs: 1_767_225_600) == .futureTime)
    #expect(bench.decoder.refusedDetail.hasPrefix("the record's timestamp is before 1973"))
  }

  @Test("goes on after a bad record as if it had not been") func recovery() throws {
    let bench = try DecoderBench(names: ["login", "a"])
    let good = Self.engagement { $0.attributes = [("a", .text("one"))] }
    let bad = Self.engagement {
      $0.attributes = [("a", .text("left over"))]
      $0.timeMicros = -5
    }
    for _ in 0..<3 {
      #expect(bench.decode(bad.protobuf, key: "c1") == .invalidTime)
      #expect(bench.decode(Array(bad.json.utf8), key: "c1") == .invalidTime)
      #expect(bench.decode(good.protobuf, key: "c1") == nil)
      #expect(try bench.last() == good)
    }
    #expect(bench.batch.attributes.count == 3)
  }
}
