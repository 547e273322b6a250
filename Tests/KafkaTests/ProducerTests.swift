import Kafka
import TestThreads
import Testing
import TestServers

@Suite("A producer", .onThreads) struct ProducerTests {
  static func send(_ producer: KafkaProducer, _ topic: KafkaTopic, _ key: String, bytes: Int = 1) throws {
    let value = [UInt8](repeating: 7, count: bytes)
    var key = key
    try key.withUTF8 { key in
      try value.withUnsafeBytes { value in
        try producer.produce(to: topic, key: UnsafeRawBufferPointer(key), value: value)
      }
    }
  }

  /// MurmurHash2 as Java's clients use it, written from its description: the oracle.
  static func murmur2(_ bytes: [UInt8]) -> UInt32 {
    let m: UInt32 = 0x5bd1_e995
    var h = 0x9747_b28c ^ UInt32(bytes.count)
    var at = 0
    while bytes.count - at >= 4 {
      var k = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + $1]) << UInt32(8 * $1) }
      k = k &* m
      k = (k ^ (k >> 24)) &* m
      h = (h &* m) ^ k
      at += 4
    }
    let rest = bytes.count - at
    if rest > 0 {
      for index in (0..<rest).reversed() { h ^= UInt32(bytes[at + index]) << UInt32(8 * index) }
      h = h &* m
    }
    h = (h ^ (h >> 13)) &* m
    return h ^ (h >> 15)
  }

  @Test("spreads keys as Java's clients do") func partitioner() throws {
    #expect(Self.murmur2(Array("21".utf8)) == UInt32(bitPattern: -973_932_308))
    #expect(Self.murmur2(Array("foobar".utf8)) == UInt32(bitPattern: -790_332_482))
    let broker = try TestBroker.start(topics: [("spread", 7)])
    defer { broker.stop() }
    try broker.produce((0..<200).map { BrokerMessage("customer-\($0)", "v") }, to: "spread")
    for message in try broker.read("spread", count: 200) {
      let expected = Int32((Self.murmur2(message.key ?? []) & 0x7fff_ffff) % 7)
      #expect(message.partition == expected)
    }
  }

  @Test("waits out an outage without losing or repeating") func outage() throws {
    let broker = try TestBroker.startMock(topics: [("outage", 1)])
    defer { broker.stop() }
    let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { producer.close() }
    let topic = try producer.topic("outage")
    try Self.send(producer, topic, "a")
    #expect(producer.flush(timeoutMs: 60_000))
    try broker.setDown(true)
    try Self.send(producer, topic, "b")
    #expect(!producer.flush(timeoutMs: 200))
    #expect(producer.outstanding == 1)
    try broker.setDown(false)
    #expect(producer.flush(timeoutMs: 60_000))
    #expect(producer.takeDeliveryError() == nil)
    #expect(producer.delivered == 2)
    #expect(try broker.read("outage", count: 2).map { $0.key ?? [] } == [[97], [98]])
  }

  @Test("repeats what a broker refused for the moment") func retry() throws {
    let broker = try TestBroker.startMock(topics: [("retry", 1)])
    defer { broker.stop() }
    try broker.mock?.fail(.produce, with: .notEnoughReplicas, times: 2)
    try broker.produce((0..<5).map { BrokerMessage("k", "\($0)") }, to: "retry")
    #expect(try broker.read("retry", count: 5).map(\.offset) == [0, 1, 2, 3, 4])
  }

  @Test("keeps the first failure, naming code and topic") func permanentFailure() throws {
    let broker = try TestBroker.startMock(topics: [("big", 1)])
    defer { broker.stop() }
    let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { producer.close() }
    try broker.mock?.fail(.produce, with: .tooLarge)
    try Self.send(producer, try producer.topic("big"), "k")
    #expect(producer.flush(timeoutMs: 60_000))
    let error = try #require(producer.takeDeliveryError())
    #expect(error.kind == .tooLarge)
    #expect(error.name == "MSG_SIZE_TOO_LARGE")
    #expect(error.text.contains("big"))
    #expect(producer.takeDeliveryError() == nil)
  }

  @Test("refuses at once what is over its own limit") func tooLarge() throws {
    let broker = try TestBroker.startMock(topics: [("limit", 1)])
    defer { broker.stop() }
    let producer = try KafkaProducer(
      KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers), ("message.max.bytes", "2000")]))
    defer { producer.close() }
    let topic = try producer.topic("limit")
    let error = #expect(throws: KafkaError.self) { try Self.send(producer, topic, "k", bytes: 5000) }
    #expect(error?.kind == .tooLarge)
    #expect(producer.outstanding == 0)
  }

  @Test("says when its queue is full") func queueFull() throws {
    let broker = try TestBroker.startMock(topics: [("full", 1)])
    defer { broker.stop() }
    try broker.setDown(true)
    let producer = try KafkaProducer(
      KafkaConfiguration([
        ("bootstrap.servers", broker.bootstrapServers), ("queue.buffering.max.messages", "3"),
      ]))
    defer { producer.close() }
    let topic = try producer.topic("full")
    for _ in 0..<3 { try Self.send(producer, topic, "k") }
    let error = #expect(throws: KafkaError.self) { try Self.send(producer, topic, "k") }
    #expect(error?.kind == .queueFull)
    #expect(error?.isRetriable == true)
    try broker.setDown(false)
    #expect(producer.flush(timeoutMs: 60_000))
    try Self.send(producer, topic, "k")
    #expect(producer.flush(timeoutMs: 60_000))
    #expect(producer.delivered == 4)
  }

  @Test("makes a topic once, where the broker can") func createTopic() throws {
    let broker = try TestBroker.start()
    defer { broker.stop() }
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { admin.close() }
    let name = broker.name("made")
    if broker.mock == nil {
      #expect(try admin.metadata(topic: name, timeoutMs: 60_000) == nil)
      #expect(try admin.metadata(topic: name, timeoutMs: 60_000) == nil, "asking must not make it")
      #expect(try admin.createTopic(name, partitions: 3, timeoutMs: 60_000))
      #expect(try !admin.createTopic(name, partitions: 3, timeoutMs: 60_000))
      #expect(try admin.metadata(topic: name, timeoutMs: 60_000)?.partitionCount == 3)
    } else {
      let error = #expect(throws: KafkaError.self) {
        try admin.createTopic(name, partitions: 3, timeoutMs: 60_000)
      }
      #expect(error?.kind == .unsupported)
    }
  }

  @Test("names the property that is wrong, never a secret") func configuration() throws {
    let unknown = #expect(throws: KafkaError.self) {
      try KafkaProducer(KafkaConfiguration([("acksss", "1")]))
    }
    #expect(unknown?.text.contains("\"acksss\"") == true)
    let invalid = #expect(throws: KafkaError.self) {
      try KafkaProducer(KafkaConfiguration([("linger.ms", "soon")]))
    }
    #expect(invalid?.text.contains("\"linger.ms\"") == true)
    #expect(invalid?.kind == .misuse)
    let secret = #expect(throws: KafkaError.self) {
      try KafkaProducer(KafkaConfiguration([("ssl.endpoint.identification.algorithm", "hunter2")]))
    }
    #expect(secret?.text.contains("ssl.endpoint.identification.algorithm") == true)
    #expect(secret?.text.contains("hunter2") == false)
  }
}
