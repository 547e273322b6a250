import TestPlaces
import Foundation
import Kafka
import TestServers
import Testing

/// `tally dev-broker`: a broker that other processes use.
@Suite struct DevBrokerTests {
  @Test func otherProcessesProduceAndConsume() async throws {
    try await onThread {
      let file = try Places.newFolder("broker") + "/address"
      let broker = try TallyProcess(["dev-broker", "--topic", "events:3", "--address-file", file])
      let address = try until("the broker's address", seconds: 20, telling: { broker.text }) {
        readText(file).isEmpty ? nil : readText(file).trimmingCharacters(in: .whitespacesAndNewlines)
      }
      #expect(broker.output.trimmingCharacters(in: .whitespacesAndNewlines) == address)

      let sent = try tally(
        ["generate", "--topic", "events", "--brokers", address, "--limit", "200"] + History.options)
      #expect(sent.code == 0, "\(sent.text)")
      let consumer = try KafkaConsumer(
        KafkaConfiguration([("bootstrap.servers", address), ("group.id", "g")]), topic: "events")
      defer { consumer.close() }
      #expect(try consumer.metadata(timeoutMs: TestBroker.answerTimeoutMs)?.partitionCount == 3)
      try consumer.assign((0..<3).map { KafkaPosition(partition: $0, offset: 0) })
      var keys: [String] = []
      try until("200 records", seconds: 20) {
        try consumer.poll(limit: 1000, timeoutMs: 100)
        keys += consumer.messages.map { String(decoding: $0.key, as: UTF8.self) }
        return keys.count >= 200
      }
      #expect(keys.sorted() == (try History.shared().events.prefix(200).map(\.key).sorted()))

      broker.terminate()
      #expect(try broker.wait(seconds: 5).code == 0)
      #expect(!FileManager.default.fileExists(atPath: file))
    }
  }
}
