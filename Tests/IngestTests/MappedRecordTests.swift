import Dataflow
import Events
import Features
import Ingest
import Testing

/// Keys, partitions, forms and content types of records in a pipeline with a mapping.
@Suite("A mapped pipeline's records") struct MappedRecordTests {
  private static let anyKey = [
    ("idle_ttl: 400d", "state: none"), ("format: json", "format: json\n  key: any"),
    ("  logins: count(login, 30d)\n", ""), ("events:\n  login: {device: text}\n", ""),
    (", update: {profile: change}, enter: login", ""),
  ]

  private func decode(
    _ bench: MappedBench, _ record: [UInt8]?, key: String?, _ type: ContentType = .unspecified,
    partition: Int32 = 0,
    isOfFile: Bool = false
  ) -> DeadLetterReason? {
    bench.bench.decode(record, key: key, contentType: type, partition: partition, isOfFile: isOfFile)
  }

  @Test func haveTheirEntityAsKey() throws {
    let bench = try MappedBench(mappedYAML)
    let record = Array(mappedRecord().utf8)
    #expect(decode(bench, record, key: "7") == nil)
    for key in [nil, "", "8", "\"7\"", "07", "{\"id\":7}"] {
      #expect(decode(bench, record, key: key) == .keyMismatch)
    }
    // A line of a file need not have a key; one that it has must be right.
    #expect(decode(bench, record, key: "", isOfFile: true) == nil)
    #expect(decode(bench, record, key: "8", isOfFile: true) == .keyMismatch)
    #expect(decode(bench, nil, key: "7") == .emptyValue && decode(bench, nil, key: nil) == .emptyRecord)
  }

  @Test func mayHaveAnyKeyWithoutStates() throws {
    var yaml = mappedYAML
    for (place, replacement) in Self.anyKey { yaml = yaml.replacing(place, with: replacement) }
    let homes = KeyHomes(.murmur2, partitionCount: 64)
    let bench = try MappedBench(yaml, homes: homes)
    let keys: [String?] = [nil, "", "8", "{\"id\":7}"]
    for (number, key) in keys.enumerated() {
      #expect(
        decode(bench, Array(mappedRecord().utf8), key: key, partition: Int32(number)) == nil,
        "\(bench.detail)")
    }
  }

  @Test func lieWhereTheirKeysBelong() throws {
    let homes = KeyHomes(.murmur2, partitionCount: 64)
    let bench = try MappedBench(mappedYAML, homes: homes)
    let home = Array("7".utf8).withUnsafeBytes { homes.home(of: $0) }
    let record = Array(mappedRecord().utf8)
    #expect(decode(bench, record, key: "7", partition: home) == nil)
    #expect(decode(bench, record, key: "7", partition: (home + 1) % 64) == .wrongPartition)
  }

  /// Ticks and erasures are envelopes of protobuf, as `tally` sends them.
  @Test func areEnvelopesWhenTheirContentTypeSaysProtobuf() throws {
    let bench = try MappedBench(mappedYAML)
    for kind in [EventKind.tick, .erasure, .engagement, .profileChange] {
      let sample = SampleEvent(kind: kind, type: kind == .engagement ? "login" : "")
      #expect(decode(bench, sample.protobuf, key: "c1", .protobuf) == nil)
      #expect(try bench.bench.last().kind == kind)
      #expect(decode(bench, [0, 0, 0, 0, 9, 0] + sample.protobuf, key: "c1", .protobuf) == nil)
      #expect(decode(bench, sample.protobuf, key: "c1") != nil)
      #expect(decode(bench, Array(sample.json.utf8), key: "c1", .json) == .missingEntityID)
    }
  }

  @Test(arguments: [ContentType.unspecified, .json, .unknown]) func areJSONInAnyOtherForm(_ type: ContentType)
    throws
  {
    let bench = try MappedBench(mappedYAML)
    let record = Array(mappedRecord(#""age":3"#).utf8)
    let frame: [UInt8] = [0, 0, 0, 1, 2]
    let mark: [UInt8] = [0xef, 0xbb, 0xbf]
    for form in [
      record, frame + record, mark + record, frame + mark + record, frame + [0x20, 0x0a] + record,
      [0x0a] + record,
    ] {
      #expect(decode(bench, form, key: "7", type) == nil, "\(form.prefix(9))")
      #expect(bench.attributes == ["age": "3"])
    }
    for form in [
      frame, [0], frame + [0] + record, record + record, record + [0], Array("[]".utf8), mark,
      mark + mark + record,
    ] {
      #expect(decode(bench, form, key: "7", type) == .undecodable, "\(form.prefix(9))")
    }
    #expect(
      decode(bench, Array("{\"pid\":7,\"x\":\"".utf8) + [0xff] + Array("\"}".utf8), key: "7", type)
        == .invalidUTF8)
    let deep = String(repeating: "[", count: 70) + String(repeating: "]", count: 70)
    #expect(decode(bench, Array(mappedRecord("\"x\":\(deep)").utf8), key: "7", type) == .tooDeep)
  }

  @Test func hashesAreOfTheJSONInAFrame() throws {
    let bench = try MappedBench(mapped(("event_id: id", "event_id: {hash: record}")))
    let record = Array(mappedRecord().utf8)
    for id in [UInt8(1), 2] {
      #expect(decode(bench, [0, 0, 0, 0, id] + record, key: "7") == nil)
      #expect(try bench.bench.last().eventID == recordHash(mappedRecord()))
    }
  }

  @Test func linesOfFilesFindTheirKeys() throws {
    let yaml = mapped(("entity_id: pid", "entity_id: extra.pid"))
    let input = try MappedBench(yaml).declaration.input
    let lines = [
      #"{"extra":{"pid":7}}"#, #"{"extra":"{\"pid\":\"a b\"}"}"#, #"{"extra":{"pid":7.0}}"#,
      #"{"extra":{"pid":1.5}}"#,
      #"{"extra":{"pid":18446744073709551615}}"#, #"{"extra":{"pid":1,"pid":2}}"#, "k\t{}", #"{"extra":"#,
    ]
    try FileSourceTests.withFile(lines.joined(separator: "\n")) { path in
      let source = try FileSource(path: path, topic: "t", reading: FileReading(input: input))
      let keys = try FileSourceTests.readAll(source).map(\.key)
      #expect(keys == ["7", "a b", "7", nil, "18446744073709551615", nil, "k", nil])
    }
    try FileSourceTests.withFile(lines.joined(separator: "\n")) { path in
      let source = try FileSource(
        path: path, topic: "t", reading: FileReading(input: input, needsKeys: false))
      #expect(try FileSourceTests.readAll(source).compactMap(\.key) == ["k"])
    }
  }
}
