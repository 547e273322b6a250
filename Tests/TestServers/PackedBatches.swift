import Kafka

extension TestBroker {
  /// Sends messages as one batch, packed by a codec that librdkafka knows by this name.
  public func producePacked(_ messages: [BrokerMessage], _ codec: String, to topic: String) throws {
    let producer = try KafkaProducer(
      KafkaConfiguration([
        ("bootstrap.servers", bootstrapServers), ("compression.codec", codec), ("linger.ms", "60000"),
        ("message.max.bytes", "500000000"), ("batch.size", "500000000"), ("batch.num.messages", "1000000"),
        ("queue.buffering.max.kbytes", "500000"), ("queue.buffering.max.messages", "1000000"),
      ]))
    defer { producer.close() }
    let handle = try producer.topic(name(topic))
    for message in messages { try Self.produce(message, with: producer, to: handle) }
    guard producer.flush(timeoutMs: 60_000) else { throw BrokerTimeout(what: "produce to \(topic)") }
    if let error = producer.takeDeliveryError() { throw error }
  }
}
