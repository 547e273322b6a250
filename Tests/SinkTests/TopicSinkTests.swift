import CEvents
import Dataflow
import Events
import Kafka
import Sink
import TestThreads
import Testing
import TestServers

@Suite("A topic as a sink", .onThreads) struct TopicSinkTests {
  static func configuration(_ broker: TestBroker) -> TopicSinkConfiguration {
    TopicSinkConfiguration(
      brokers: broker.bootstrapServers, scoresTopic: broker.name("scores"),
      deadLetterTopic: broker.name("dead"))
  }

  static func flush(_ sink: KafkaTopicSink) throws {
    let deadline = Deadline(milliseconds: 180_000)
    while try !sink.flush(timeoutMs: 200) {
      guard !deadline.isOver else { throw BrokerTimeout(what: "acknowledgements") }
    }
  }

  @Test("carries scores and dead letters, with keys and headers", arguments: TopicEncoding.allCases)
  func roundTrip(_ encoding: TopicEncoding) throws {
    let broker = try TestBroker.start(topics: [("scores", 3), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.encoding = encoding
    let batch = TopicSamples.batch(rows: 50)
    batch.rows[10].toTopic = false
    TopicSamples.addLetter(.emptyValue, key: [107], value: nil, to: batch)
    TopicSamples.addLetter(.wrongType, key: nil, value: [1, 2], to: batch, toTopic: false)
    TopicSamples.addLetter(.emptyRecord, key: nil, value: nil, to: batch)
    let sink = try KafkaTopicSink(configuration, context: batch.context)
    defer { sink.close() }
    try sink.send(batch)
    try Self.flush(sink)

    let encoder = ScoreEncoder(batch.context, encoding: encoding)
    var expected: [[UInt8]: [UInt8]] = [:]
    for index in batch.rows.indices where index != 10 {
      encoder.encodeScore(index, of: batch)
      expected[Array("c\(index)".utf8)] = encoder.bytes
    }
    let scores = try broker.read("scores", count: 49, headers: ["scored-at-us", "reason"])
    for score in scores {
      #expect(expected[score.key ?? []] == score.value)
      #expect(score.contentType == "\(encoding.contentType)")
      #expect(score.headers == ["scored-at-us": "1767225600123456"])
      if encoding == .protobuf {
        let read = try #require(ReadScore(score.value ?? []))
        #expect(Array(read.entityID.utf8) == score.key)
      }
    }
    #expect(Set(scores.map { $0.key ?? [] }).count == 49)
    #expect(Set(scores.map(\.partition)) == [0, 1, 2])

    let letters = try broker.read(
      "dead", count: 2,
      headers: ["reason", "source-topic", "source-partition", "source-offset", "value-bytes", "scored-at-us"])
    #expect(letters.map(\.key) == [[107], nil])
    #expect(letters.map { $0.headers["reason"] } == ["empty-value", "empty-record"])
    #expect(
      letters[0].headers == [
        "reason": "empty-value", "source-topic": "events", "source-partition": "3", "source-offset": "77",
        "value-bytes": "0", "scored-at-us": "1767225600123456",
      ])
  }

  @Test("takes over the versions of another model set") func modelSwap() throws {
    let broker = try TestBroker.start(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.encoding = .protobuf
    let sink = try KafkaTopicSink(configuration, context: TopicSamples.context())
    defer { sink.close() }
    try sink.send(TopicSamples.batch(rows: 1))
    try sink.send(TopicSamples.batch(rows: 1, context: TopicSamples.context(models: ["w1", "w2"])))
    try Self.flush(sink)
    let models = try broker.read("scores", count: 2).map { ReadScore($0.value ?? [])?.models }
    #expect(models == [["engagement@v1", "churn@v2"], ["engagement@w1", "churn@w2"]])
  }

  @Test("makes topics that are not there, when it may") func createsTopics() throws {
    let broker = try TestBroker.start()
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.partitions = 5
    if broker.mock == nil {
      configuration.createsTopics = false
      let error = #expect(throws: PortError.self) {
        try KafkaTopicSink(configuration, context: TopicSamples.context())
      }
      #expect(error?.code == .refused)
      #expect(error?.detail.contains(configuration.scoresTopic) == true)
      configuration.createsTopics = true
    }
    let sink = try KafkaTopicSink(configuration, context: TopicSamples.context())
    defer { sink.close() }
    try sink.send(TopicSamples.batch(rows: 4))
    try Self.flush(sink)
    #expect(try broker.read("scores", count: 4).count == 4)
    if broker.mock == nil {
      let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
      defer { admin.close() }
      #expect(try admin.metadata(topic: broker.name("scores"), timeoutMs: 60_000)?.partitionCount == 5)
    }
  }

  @Test("waits out an outage: flush says not yet") func outage() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let sink = try KafkaTopicSink(Self.configuration(broker), context: TopicSamples.context())
    defer { sink.close() }
    try sink.send(TopicSamples.batch(rows: 2))
    try Self.flush(sink)
    try broker.setDown(true)
    try sink.send(TopicSamples.batch(rows: 3))
    for _ in 0..<3 { #expect(try !sink.flush(timeoutMs: 100)) }
    try broker.setDown(false)
    try Self.flush(sink)
    #expect(try broker.read("scores", count: 5).map(\.offset) == [0, 1, 2, 3, 4])
  }

  @Test("goes on where it stopped when the queue was full") func queueFull() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.encoding = .protobuf
    configuration.properties = [("queue.buffering.max.messages", "7")]
    configuration.queueFullWaitMsMax = 100
    let batch = TopicSamples.batch(rows: 20)
    TopicSamples.addLetter(.undecodable, key: nil, value: [1], to: batch)
    let sink = try KafkaTopicSink(configuration, context: batch.context)
    defer { sink.close() }
    try broker.setDown(true)
    for _ in 0..<3 {
      let error = #expect(throws: PortError.self) { try sink.send(batch) }
      #expect(error?.code == .unavailable)
    }
    try broker.setDown(false)
    let deadline = Deadline(milliseconds: 180_000)
    var isSent = false
    while !isSent && !deadline.isOver {
      do {
        try sink.send(batch)
        isSent = true
      } catch let error as PortError where error.code == .unavailable {}
    }
    try Self.flush(sink)
    // Each once, in order.
    let ids = try broker.read("scores", count: 20).map { ReadScore($0.value ?? [])?.entityID }
    #expect(ids == (0..<20).map { "c\($0)" })
    #expect(try broker.read("dead", count: 1).count == 1)
  }

  @Test("names code and topic of what cannot be delivered") func permanentFailure() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let sink = try KafkaTopicSink(Self.configuration(broker), context: TopicSamples.context())
    defer { sink.close() }
    try broker.mock?.fail(.produce, with: .tooLarge)
    try sink.send(TopicSamples.batch(rows: 1))
    let error = #expect(throws: PortError.self) { try Self.flush(sink) }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("MSG_SIZE_TOO_LARGE") == true)
    #expect(error?.description.contains("scores") == true)
    try sink.send(TopicSamples.batch(rows: 1))
    try Self.flush(sink)
  }

  @Test(
    "does not let go of the properties that it must own",
    arguments: ["acks", "enable.idempotence", "partitioner"])
  func owned(_ name: String) throws {
    var configuration = TopicSinkConfiguration(brokers: "127.0.0.1:1", scoresTopic: "s", deadLetterTopic: nil)
    configuration.properties = [(name, "x")]
    let error = #expect(throws: PortError.self) {
      try KafkaTopicSink(configuration, context: TopicSamples.context())
    }
    #expect(error?.code == .misuse)
    #expect(error?.detail.contains("\"\(name)\"") == true)
  }

  @Test("says unavailable when there is no broker at the start") func noBroker() throws {
    var configuration = TopicSinkConfiguration(brokers: "127.0.0.1:1", scoresTopic: "s", deadLetterTopic: nil)
    configuration.answerTimeoutMs = 300
    let error = #expect(throws: PortError.self) {
      try KafkaTopicSink(configuration, context: TopicSamples.context())
    }
    #expect(error?.code == .unavailable)
  }
}
