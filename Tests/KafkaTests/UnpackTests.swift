import Kafka
import TestServers
import TestThreads
import Testing

@Suite("Packed batches", .onThreads) struct UnpackTests {
  /// What is read from the beginning until there are so many records or `errorsMax` errors.
  private func read(
    _ broker: TestBroker, until count: Int, limits: KafkaUnpackLimits? = nil, of partitions: [Int32] = [0],
    errorsMax: Int = 3, properties: [(String, String)] = []
  ) throws -> (offsets: [Int64], errors: [KafkaError]) {
    var configuration = KafkaConfiguration(
      [
        ("bootstrap.servers", broker.bootstrapServers), ("group.id", "g"), ("fetch.wait.max.ms", "10"),
        ("fetch.error.backoff.ms", "10"),
      ] + properties)
    configuration.unpackLimits = limits
    let consumer = try KafkaConsumer(configuration, topic: broker.name("t"))
    defer { consumer.close() }
    try consumer.assign(partitions.map { KafkaPosition(partition: $0, offset: 0) })
    var offsets: [Int64] = []
    var errors: [KafkaError] = []
    let deadline = Deadline(milliseconds: TestBroker.answerTimeoutMs)
    while offsets.count < count && errors.count < errorsMax, !deadline.isOver {
      do throws(KafkaError) {
        try consumer.poll(limit: 1000, timeoutMs: 50)
        offsets += consumer.messages.map(\.offset)
      } catch {
        errors.append(error)
      }
    }
    return (offsets, errors)
  }

  private func some(_ count: Int, bytes: Int = 1) -> [BrokerMessage] {
    (0..<count).map { _ in
      var message = BrokerMessage("k", String(repeating: "x", count: bytes), partition: 0)
      message.timestampMs = 1_700_000_000_000
      return message
    }
  }

  private func limits(bytes: UInt64, weight: UInt64, answer: UInt64 = .max) -> KafkaUnpackLimits {
    KafkaUnpackLimits(batchBytesMax: bytes, batchWeightMax: weight, answerWeightMax: answer)
  }

  @Test("librdkafka calls this program's functions") func isInForce() {
    #expect(KafkaUnpackLimits.areInForce)
  }

  @Test("are refused by their size and by the number of their records", arguments: ["gzip", "lz4", "zstd"])
  func sizes(codec: String) throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.produce(some(3), to: "t")
    try broker.producePacked(some(20, bytes: 100_000), codec, to: "t")
    try broker.produce(some(3), to: "t")
    let all = (0..<26).map { Int64($0) }
    #expect(try read(broker, until: 26).offsets == all)
    // A record of 100,000 bytes and 12 around them.
    let exact: UInt64 = 20 * 100_012
    for (bytes, weight) in [(exact, exact + 20 * 300), (.max, exact + 20 * 300), (exact, .max)] {
      let found = try read(broker, until: 26, limits: limits(bytes: bytes, weight: weight))
      #expect(found.offsets == all && found.errors.isEmpty, "\(found)")
    }
    for (bytes, weight) in [(exact - 1, .max), (.max, exact + 20 * 300 - 1), (0, .max)] as [(UInt64, UInt64)]
    {
      // It stays in front of the batch, and tells of it again: nothing is passed over in silence.
      let found = try read(broker, until: 6, limits: limits(bytes: bytes, weight: weight))
      #expect(found.offsets == [0, 1, 2] && found.errors.count == 3, "\(found)")
      for error in found.errors {
        #expect(error.kind == .unreadable && error.isOfUnpacking, "\(error)")
        #expect(error.place == KafkaPosition(partition: 0, offset: 3))
      }
    }
  }

  @Test("of one answer are given in turn where they do not fit together", arguments: ["gzip", "lz4", "zstd"])
  func answers(codec: String) throws {
    let broker = try TestBroker.startMock(topics: [("t", 4)])
    defer { broker.stop() }
    // A mock broker gives one batch of each partition at a time.
    for partition in 0..<4 {
      var messages = some(10, bytes: 100_000)
      for place in messages.indices { messages[place].partition = Int32(partition) }
      try broker.producePacked(messages, codec, to: "t")
    }
    let partitions = (0..<4).map { Int32($0) }
    let found = try read(
      broker, until: 40, limits: limits(bytes: .max, weight: 1_100_000, answer: 1_200_000), of: partitions,
      errorsMax: 100)
    #expect(found.offsets.count == 40 && !found.errors.isEmpty, "\(found)")
    for error in found.errors { #expect(error.isOfUnpacking && error.place?.offset == 0, "\(error)") }
  }

  @Test("that no codec takes are told of again and again", arguments: [1, 2, 3, 4] as [UInt8])
  func garbage(codec: UInt8) throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.produce(some(3), to: "t")
    let packed = [UInt8](repeating: 0xff, count: 100)
    let behind = RawBatch(codec: 3, packed: RawBatch.lz4(RawBatch.record("k", "a", at: 0)), count: 1, base: 8)
    try broker.send(RawBatch(codec: codec, packed: packed, count: 5), behind: [behind], to: "t")
    for properties in [[], [("check.crcs", "true")]] {
      let found = try read(broker, until: 9, properties: properties)
      #expect(found.offsets == [0, 1, 2] && found.errors.count == 3, "\(found)")
      for error in found.errors {
        #expect(error.kind == .unreadable && error.isOfUnpacking, "\(error)")
        #expect(error.place == KafkaPosition(partition: 0, offset: 3))
      }
    }
  }

  @Test("with bytes behind an LZ4 frame are none") func behindTheFrame() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let records = RawBatch.record("k", "a", at: 0) + RawBatch.record("k", "b", at: 1)
    try broker.send(RawBatch(codec: 3, packed: RawBatch.lz4(records), count: 2), to: "t")
    try broker.send(RawBatch(codec: 3, packed: RawBatch.lz4(records) + [7], count: 2), to: "t")
    let found = try read(broker, until: 4)
    #expect(found.offsets == [0, 1] && found.errors.count == 3, "\(found)")
    for error in found.errors {
      #expect(error.name == "_BAD_MSG" && error.isOfUnpacking && error.place?.offset == 2, "\(error)")
    }
  }

  @Test("with a wrong checksum are not said to be their producer's") func checksums() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let packed = RawBatch.lz4(RawBatch.record("k", "a", at: 0) + RawBatch.record("k", "b", at: 1))
    try broker.produce(some(2), to: "t")
    try broker.send(RawBatch(codec: 3, packed: packed, count: 2, hasWrongChecksum: true), to: "t")
    #expect(try read(broker, until: 4).offsets == [0, 1, 2, 3])
    let found = try read(broker, until: 4, errorsMax: 1, properties: [("check.crcs", "true")])
    #expect(found.offsets == [0, 1] && found.errors.count == 1, "\(found)")
    for error in found.errors {
      #expect(error.kind == .unreadable && !error.isOfUnpacking && error.place?.offset == 2, "\(error)")
    }
  }

  @Test("of a codec that is not known are not said to be bad") func unknownCodec() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    try broker.send(RawBatch(codec: 5, packed: [1, 2, 3], count: 2), to: "t")
    let found = try read(broker, until: 2)
    #expect(found.offsets.isEmpty && found.errors.count == 3, "\(found)")
    for error in found.errors { #expect(error.kind == .unreadable && !error.isOfUnpacking, "\(error)") }
  }
}
