import Kafka
import TestServers
import TestThreads
import Testing

/// The mock brokers that other tests use.
@Suite("Mock brokers", .onThreads) struct MockClusterTests {
  @Test("come back at their ports, however often they go") func downAndUp() throws {
    let broker = try TestBroker.startMock(brokers: 3, topics: [("t", 1)])
    defer { broker.stop() }
    for _ in 0..<100 {
      try broker.setDown(true)
      try broker.setDown(false)
    }
    try broker.produce([BrokerMessage(key: nil, value: [1])], to: "t")
    #expect(try broker.read("t", count: 1).map(\.value) == [[1]])
  }

  /// One answer took 40 ms otherwise: Nagle's algorithm waits for the acknowledgement that the other side delays.
  @Test("hold no small pieces back, before and after an outage") func sendAtOnce() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let producer = try KafkaProducer(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { producer.close() }
    let topic = try producer.topic("t")
    for isAfter in [false, true] {
      if isAfter {
        try broker.setDown(true)
        try broker.setDown(false)
      }
      try TestBroker.produce(BrokerMessage("k", "v"), with: producer, to: topic)
      #expect(producer.flush(timeoutMs: TestBroker.answerTimeoutMs))
      let connections = try #require(try broker.mock?.connections())
      #expect(connections.count > 0 && connections.slow == 0, "\(connections)")
    }
  }

  @Test("that die fail what is asked of them, with their last words") func deathIsTold() throws {
    let broker = try TestBroker.startMock()
    try broker.mock?.abort()
    let failure = #expect(throws: ServerFailure.self) { try broker.setDown(true) }
    for words in ["of signal 6", "told to abort"] {
      #expect(failure?.description.contains(words) == true, "\(failure?.description ?? "")")
    }
    // It has been told.
    broker.stop()
  }

  @Test("that die fail a test that asks them nothing more") func deathIsAnIssue() throws {
    let broker = try TestBroker.startMock()
    try broker.mock?.abort()
    withKnownIssue {
      broker.stop()
    } matching: {
      $0.comments.contains { $0.rawValue.contains("the mock broker has ended by itself, of signal 6") }
    }
  }

  @Test("say what they do not understand") func misunderstanding() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let failure = #expect(throws: ServerFailure.self) { try broker.createTopic("t", partitions: 1) }
    #expect(failure?.description.contains("TOPIC_ALREADY_EXISTS") == true)
  }
}
