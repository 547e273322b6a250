import CEvents
import Dataflow
import Events
import Kafka
@testable import Sink
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
    try sink.send(TopicSamples.batch(rows: 2))
    try sink.send(TopicSamples.batch(rows: 2, context: TopicSamples.context(models: ["w1", "w2"])))
    try Self.flush(sink)
    let models = try broker.read("scores", count: 4).map { ReadScore($0.value ?? [])?.models }
    #expect(
      models.filter { $0?.count == 2 } == [["engagement@v1", "churn@v2"], ["engagement@w1", "churn@w2"]])
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

  /// Sends until everything is acknowledged, as a worker does that takes its partitions over again.
  private static func deliver(_ batch: ScoredBatch, to sink: KafkaTopicSink) throws -> Int {
    let deadline = Deadline(milliseconds: 180_000)
    var tries = 0
    while !deadline.isOver {
      tries += 1
      do {
        for index in try sink.refused(batch) { batch.rows[index].toTopic = false }
        try sink.send(batch)
        try flush(sink)
        return tries
      } catch let error as PortError where error.code == .unavailable {}
    }
    throw BrokerTimeout(what: "delivery")
  }

  /// A broker that refuses a message for its size: first the batch is taken for the reason, then the message; a letter is cut.
  @Test("cuts a letter until its topic takes it", arguments: TopicEncoding.allCases)
  func cutsLetters(_ encoding: TopicEncoding) throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.encoding = encoding
    let batch = TopicSamples.batch(rows: 1)
    batch.rows[0].toTopic = false
    TopicSamples.addLetter(.undecodable, key: [107], value: Array(repeating: 120, count: 300_000), to: batch)
    let sink = try KafkaTopicSink(configuration, context: batch.context)
    defer { sink.close() }
    try broker.mock?.fail(.produce, with: .tooLarge, times: 4)
    #expect(try Self.deliver(batch, to: sink) == 5)
    let letter = try #require(try broker.read("dead", count: 1, headers: ["value-bytes"]).first)
    // Whole: 300,000 bytes, or four thirds of that. Three refusals of single messages halve what is left thrice.
    let whole = encoding == .json ? 400_000 : 300_000
    let bytes = try #require(letter.value).count
    #expect(bytes < whole / 7 && bytes > whole / 20, "\(bytes)")
    #expect(letter.headers == ["value-bytes": "300000"])
    #expect(letter.key == [107])
    // What was learned stays.
    #expect(try Self.deliver(batch, to: sink) == 1)
  }

  /// The limit is known from the client's own property, so that nothing need be refused first.
  @Test("sends nothing larger than it may", arguments: [2_000, 5_000, 40_000])
  func knownLimit(_ bytesMax: Int) throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.properties = [("message.max.bytes", "\(bytesMax)")]
    let batch = TopicSamples.batch(rows: 1)
    batch.rows[0].toTopic = false
    for size in [0, 100, 1_200, 5_000, 100_000, 300_000] {
      TopicSamples.addLetter(.undecodable, key: [107], value: Array(repeating: 120, count: size), to: batch)
      // A key that is itself too long is in the letter as far as it fits, and not the message's.
      TopicSamples.addLetter(.tooLarge, key: Array(repeating: 107, count: size), value: [1], to: batch)
    }
    let sink = try KafkaTopicSink(configuration, context: batch.context)
    defer { sink.close() }
    #expect(try Self.deliver(batch, to: sink) == 1)
    let letters = try broker.read("dead", count: 12, headers: ["reason"])
    #expect(letters.allSatisfy { ($0.value?.count ?? 0) + ($0.key?.count ?? 0) <= bytesMax - 512 })
    #expect(letters.allSatisfy { $0.headers["reason"] != nil })
  }

  @Test("a topic that has no room for a letter is refused at the start") func noRoom() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    var configuration = Self.configuration(broker)
    configuration.properties = [("message.max.bytes", "1200")]
    let error = #expect(throws: PortError.self) {
      try KafkaTopicSink(configuration, context: TopicSamples.context())
    }
    #expect(error?.description.contains("1024 are needed") == true)
  }

  /// A score that the topic will never take is named before anything is sent.
  @Test("names scores that are too large") func largeScores() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let sink = try KafkaTopicSink(Self.configuration(broker), context: TopicSamples.context())
    defer { sink.close() }
    let batch = TopicSamples.batch(rows: 3)
    #expect(try sink.refused(batch) == [])
    // The broker takes no message at all: every score is found too large, and the batch goes on without them.
    try broker.mock?.fail(.produce, with: .tooLarge, times: 20)
    let tries = try Self.deliver(batch, to: sink)
    #expect(tries > 2 && tries <= 5 && batch.rows.allSatisfy { !$0.toTopic }, "\(tries)")
  }

  @Test("names code and topic of what cannot be delivered") func permanentFailure() throws {
    let broker = try TestBroker.startMock(topics: [("scores", 1), ("dead", 1)])
    defer { broker.stop() }
    let sink = try KafkaTopicSink(Self.configuration(broker), context: TopicSamples.context())
    defer { sink.close() }
    try broker.mock?.fail(.produce, with: .denied)
    try sink.send(TopicSamples.batch(rows: 1))
    let error = #expect(throws: PortError.self) { try Self.flush(sink) }
    #expect(error?.code == .refused)
    #expect(error?.description.contains("TOPIC_AUTHORIZATION_FAILED") == true)
    #expect(error?.description.contains("scores") == true)
    // The client knows the topic as closed to it until it asks again; what it refuses with headers must not end the process.
    let deadline = Deadline(milliseconds: 180_000)
    var isSent = false
    while !isSent && !deadline.isOver {
      do {
        try sink.send(TopicSamples.batch(rows: 1))
        isSent = true
      } catch let error as PortError {
        #expect(error.code == .refused)
        sink.producer.poll(timeoutMs: 50)
      }
    }
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
