import Dataflow
import Ingest
import Kafka
import TestServers
import TestThreads
import Testing

@Suite("Batches that a source cannot read itself", .onThreads) struct UnreadableTests {
  /// A source's outcomes for partition 0 from the beginning, in short, until the last is as asked.
  private func outcomes(of source: any RecordSource, from start: Int64 = 0, until last: String) throws
    -> [String]
  {
    let batch = RecordBatch()
    var found: [String] = []
    let deadline = Deadline(milliseconds: 120_000)
    while found.last?.hasPrefix(last) != true {
      guard !deadline.isOver else { throw BrokerTimeout(what: "\(last) behind \(found)") }
      switch try source.poll(into: batch, limit: 100, timeoutMs: 50, fillMs: 5) {
      case .assigned(let partitions): try source.assign(partitions.map { ($0, start) })
      case .revoked: try source.unassign()
      case .records: for record in batch.records { found.append("\(record.offset)") }
      case .unreadable(_, let from, let until, let why): found.append("unreadable \(from)..<\(until): \(why)")
      case .stuck(_, let from, _, let why): found.append("stuck \(from): \(why)")
      case .finished: found.append("finished")
      }
    }
    return found
  }

  private func configuration(_ broker: TestBroker, _ group: String = "g") throws -> KafkaSourceConfiguration {
    var configuration = KafkaSourceTests.configuration(broker, "t", group: group)
    configuration.batchReader = [try builtProgram("tally"), "read-batch"]
    return configuration
  }

  private func some(_ count: Int, bytes: Int = 1) -> [BrokerMessage] {
    (0..<count).map { _ in BrokerMessage("k", String(repeating: "x", count: bytes), partition: 0) }
  }

  /// What both kinds of source make of the topic: the same, but for the end.
  private func both(_ configuration: KafkaSourceConfiguration, until last: String) throws -> [String] {
    let source = try KafkaSource(configuration)
    defer { source.close() }
    let found = try outcomes(of: source, until: last)
    let log = try TopicLogSource(configuration)
    defer { log.close() }
    #expect(try outcomes(of: log, until: last) == found)
    return found
  }

  @Test("are read apart up to a size, and left out beyond it", arguments: ["gzip", "lz4", "zstd", "snappy"])
  func sizes(codec: String) throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.produce(some(3), to: "t")
    // 72 MB: more than a consumer unpacks itself.
    try broker.producePacked(some(6, bytes: 12_000_000), codec, to: "t")
    try broker.produce(some(3), to: "t")
    var configuration = try configuration(broker)
    #expect(try both(configuration, until: "11") == (0..<12).map { "\($0)" })
    configuration.unpackedBytesMax = 40 << 20
    configuration.group = broker.name("g2")
    let found = try both(configuration, until: "11")
    // Snappy has no limit, here as little as there.
    guard codec != "snappy" else { return #expect(found == (0..<12).map { "\($0)" }) }
    #expect(
      found.count == 7 && found[..<3] == ["0", "1", "2"] && found[4...] == ["9", "10", "11"], "\(found)")
    #expect(found[3].hasPrefix("unreadable 3..<9: it unpacks to more than 41943040 bytes"), "\(found)")
  }

  @Test("of very many empty records are left out, too") func emptyRecords() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.producePacked((0..<300_000).map { _ in BrokerMessage(key: nil, value: nil) }, "zstd", to: "t")
    try broker.produce(some(1), to: "t")
    var configuration = try configuration(broker)
    // 2.1 MB; but with what stands beside each record 92 MB.
    configuration.unpackedBytesMax = 20 << 20
    let found = try both(configuration, until: "300000")
    #expect(
      found.count == 2 && found[0].hasPrefix("unreadable 0..<300000: it unpacks to more"),
      "\(found.prefix(3))")
  }

  @Test("whose bytes no codec takes are left out", arguments: [1, 2, 3, 4] as [UInt8])
  func garbage(codec: UInt8) throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.produce(some(3), to: "t")
    for _ in 0..<2 {
      try broker.send(RawBatch(codec: codec, packed: [UInt8](repeating: 0xff, count: 100), count: 5), to: "t")
    }
    try broker.produce(some(2), to: "t")
    let found = try both(try configuration(broker), until: "14")
    let why = "_BAD_COMPRESSION: its bytes cannot be unpacked"
    #expect(
      found == ["0", "1", "2", "unreadable 3..<8: \(why)", "unreadable 8..<13: \(why)", "13", "14"],
      "\(found)")
  }

  @Test("at the log's end are left out to the end") func atTheEnd() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let records = RawBatch.record("k", "a", at: 0)
    try broker.send(RawBatch(codec: 3, packed: RawBatch.lz4(records) + [7], count: 1000), to: "t")
    let found = try both(try configuration(broker), until: "unreadable")
    #expect(found == ["unreadable 0..<1000: _BAD_MSG: its bytes cannot be unpacked"])
  }

  @Test("that are not what their producer sent, or of a codec that is not known, wait for an operator")
  func unclear() throws {
    for codec in [3, 5] as [UInt8] {
      let broker = try TestBroker.startMock(topics: [("t", 1)])
      defer { broker.stop() }
      let packed = [UInt8](repeating: 0xff, count: 100)
      try broker.produce(some(1), to: "t")
      try broker.send(RawBatch(codec: codec, packed: packed, count: 5, hasWrongChecksum: codec == 3), to: "t")
      try broker.produce(some(2), to: "t")
      let source = try KafkaSource(try configuration(broker))
      defer { source.close() }
      let found = try outcomes(of: source, until: "stuck")
      #expect(found.count == 2 && found[0] == "0" && found[1].hasPrefix("stuck 1: "), "\(found)")
      // An order takes it further.
      try source.assign([(0, 6)])
      #expect(try outcomes(of: source, until: "7") == ["6", "7"])
    }
  }

  @Test("with a wrong checksum are not passed over while a batch is filled") func checksums() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let packed = RawBatch.lz4(RawBatch.record("k", "a", at: 0))
    let (good, behind) = (
      RawBatch(codec: 3, packed: packed, count: 3), RawBatch(codec: 3, packed: packed, count: 1, base: 2)
    )
    let bad = RawBatch(codec: 3, packed: packed, count: 1, hasWrongChecksum: true, base: 1)
    // All in one answer: librdkafka tells once of the bad one, and goes on somewhere.
    try broker.send(good, behind: [bad, behind], to: "t")
    try broker.produce(some(2), to: "t")
    var configuration = try configuration(broker)
    configuration.properties = [("check.crcs", "true")]
    let source = try KafkaSource(configuration)
    defer { source.close() }
    let found = try outcomes(of: source, until: "stuck")
    #expect(found.count == 2 && found[0] == "0" && found[1].hasPrefix("stuck 1: "), "\(found)")
  }

  @Test("give the very records that a consumer gives") func records() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let types = [nil, "application/json", "application/x-protobuf", "text/plain"]
    var messages = types.map { BrokerMessage("k", "v", contentType: $0, partition: 0) }
    messages += [
      BrokerMessage(nil, nil), BrokerMessage("", ""), BrokerMessage("k", nil), BrokerMessage(nil, "v"),
    ]
    messages.append(BrokerMessage("big", String(repeating: "x", count: 700_000)))
    for place in messages.indices { messages[place].timestampMs = 1_700_000_000_000 + Int64(place) }
    try broker.producePacked(messages, "zstd", to: "t")
    var texts: [[String]] = []
    for isApart in [false, true] {
      var configuration = try configuration(broker, "g\(isApart)")
      // zstd needs more than that.
      if isApart {
        configuration.properties = [
          ("receive.message.max.bytes", "20000"), ("fetch.max.bytes", "10000"),
          ("message.max.bytes", "10000"),
          ("fetch.message.max.bytes", "10000"),
        ]
      }
      let source = try KafkaSource(configuration)
      defer { source.close() }
      var found: [String] = []
      try KafkaSourceTests.drive(source, until: { found.count >= messages.count }) { record in
        func text(_ bytes: UnsafeRawBufferPointer) -> String {
          bytes.baseAddress == nil ? "null" : "\(bytes.count) \(String(decoding: bytes, as: UTF8.self))"
        }
        found.append(
          "\(record.partition) \(record.offset) \(record.ingestTimeMs) \(record.contentType) \(text(record.key)) "
            + text(record.value))
      }
      texts.append(found)
    }
    #expect(texts[0] == texts[1] && texts[0].count == messages.count)
  }
}
