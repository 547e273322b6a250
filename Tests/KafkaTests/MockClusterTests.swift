import Dispatch
import Kafka
import TestServers
import Testing

@Suite("Mock brokers") struct MockClusterTests {
  /// Between fork and exec a child holds the listener; librdkafka ends the process when it cannot bind the port again.
  @Test("come back at their ports while programs are started") func downAndUp() throws {
    let broker = try TestBroker.startMock(topics: [("t", 1)])
    defer { broker.stop() }
    let starting = DispatchGroup()
    DispatchQueue.global().async(group: starting) {
      for _ in 0..<20 { _ = try? runInShell("true") }
    }
    while starting.wait(timeout: .now()) == .timedOut {
      broker.setDown(true)
      broker.setDown(false)
    }
    try broker.produce([BrokerMessage(key: nil, value: [1])], to: "t")
    #expect(try broker.read("t", count: 1).map(\.value) == [[1]])
  }
}
