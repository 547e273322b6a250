import Dataflow
import Kafka
import TestServers
import Testing

/// `Partitioner` beside librdkafka's own partitioners, whose results the brokers show.
@Suite struct PartitionerAgreementTests {
  /// Keys of all lengths up to 40 bytes, of all byte values.
  private static let keys: [[UInt8]] =
    (0..<300).map { Array("customer-\($0)".utf8) }
    + (1...40).flatMap { length in
      (0..<3).map { seed in (0..<length).map { UInt8(truncatingIfNeeded: $0 * 89 + seed * 101 + length) } }
    }

  @Test(arguments: Partitioner.allCases, [1, 3, 7])
  func sameAsLibrdkafka(_ partitioner: Partitioner, _ count: Int) throws {
    let name = "homes-\(count)"
    let broker = try TestBroker.start(topics: [(name, count)])
    defer { broker.stop() }
    let producer = try KafkaProducer(
      KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]),
      partitioner: partitioner.librdkafkaName)
    defer { producer.close() }
    let topic = try producer.topic(broker.name(name))
    for key in Self.keys {
      try TestBroker.produce(BrokerMessage(key: key, value: [1]), with: producer, to: topic)
    }
    #expect(producer.flush(timeoutMs: 60_000) && producer.takeDeliveryError() == nil)
    let messages = try broker.read(name, count: Self.keys.count)
    #expect(Set(messages.map { $0.key ?? [] }) == Set(Self.keys))
    for message in messages {
      let expected = (message.key ?? []).withUnsafeBytes {
        partitioner.partition(of: $0, count: Int32(count))
      }
      #expect(message.partition == expected, "\(partitioner) of \(message.key ?? [])")
    }
  }
}
