import Kafka
import TestServers
import TestThreads
import Testing

@Suite("Ends of a topic", .onThreads) struct EndsTests {
  @Test("are told by those who answer, and by nobody while the brokers say nothing")
  func ends() throws {
    let broker = try TestBroker.startMock(topics: [("events", 3)])
    defer { broker.stop() }
    let mock = try #require(broker.mock)
    try broker.produce(
      (0..<5).map { BrokerMessage("k\($0)", "v", partition: 1) }, to: "events")
    let kafka = KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)])
    for kind in [KafkaEnds.Kind.stable, .high] {
      let ends = try KafkaEnds(kafka, topic: "events", kind)
      defer { ends.close() }
      #expect(ends.ends(of: [0, 1, 2], timeoutMs: TestBroker.answerTimeoutMs) == [0: 0, 1: 5, 2: 0])
      mock.freeze()
      #expect(ends.ends(of: [0, 1, 2], timeoutMs: 200).isEmpty)
      mock.thaw()
      #expect(ends.ends(of: [1], timeoutMs: TestBroker.answerTimeoutMs) == [1: 5])
    }
  }
}
