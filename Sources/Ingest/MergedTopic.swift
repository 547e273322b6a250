public import Dataflow
public import Kafka

/// A topic's partitions read as one log: of the records that come next, the one with the smallest timestamp first; within a partition, the
/// order of its log. So the records of one key that lie on several partitions come in the order in which they were sent.
///
/// Reads up to the ends seen at the start. The order is a function of the log alone. One thread; call `close`.
public final class MergedTopic {
  /// First offset and end of every partition.
  public let bounds: [LogBounds]
  private let topic: String
  private var partitions: [Reader] = []

  /// Messages taken from a partition at once.
  private static let messagesAtOnce = 500
  private static let pollTimeoutMs = 500
  /// What each partition's consumer fetches ahead.
  private static let prefetchKilobytesMax = 4096

  /// One partition: its consumer, and how far its messages were given.
  private struct Reader {
    let consumer: KafkaConsumer
    let end: Int64
    var next = 0
    var isAtEnd: Bool
  }

  /// Opens the topic. `from`: offsets to begin at, by partition; without one: the log's first. Throws `PortError`.
  public init(_ configuration: KafkaSourceConfiguration, from: [Int32: Int64] = [:]) throws(PortError) {
    var settings = configuration
    settings.prefetchKilobytesMax = Self.prefetchKilobytesMax
    let kafka = try settings.kafka()
    let topic = settings.topic
    self.topic = topic
    do throws(PortError) {
      bounds = try Self.bounds(configuration)
      for (index, bounds) in bounds.enumerated() {
        let start = max(from[Int32(index)] ?? bounds.low, bounds.low)
        let consumer = try ported("kafka topic \(topic)") { () throws(KafkaError) in
          try KafkaConsumer(kafka, topic: topic)
        }
        partitions.append(Reader(consumer: consumer, end: bounds.high, isAtEnd: start >= bounds.high))
        guard start < bounds.high else { continue }
        try ported("kafka topic \(topic): assign") { () throws(KafkaError) in
          try consumer.assign([KafkaPosition(partition: Int32(index), offset: start)])
        }
      }
    } catch {
      for partition in partitions { partition.consumer.close() }
      throw error
    }
  }

  /// First offset and end that every partition of a topic has now. Throws `PortError`.
  public static func bounds(_ configuration: KafkaSourceConfiguration) throws(PortError) -> [LogBounds] {
    let kafka = try configuration.kafka()
    return try ported("kafka topic \(configuration.topic): bounds") { () throws(KafkaError) in
      try Self.look(kafka, configuration.topic, timeoutMs: configuration.answerTimeoutMs)
    }
  }

  private static func look(
    _ kafka: KafkaConfiguration, _ topic: String, timeoutMs: Int
  ) throws(KafkaError) -> [LogBounds] {
    let consumer = try KafkaConsumer(kafka, topic: topic)
    defer { consumer.close() }
    let count = try consumer.metadata(timeoutMs: timeoutMs)?.partitionCount ?? 0
    var bounds: [LogBounds] = []
    for partition in 0..<count {
      let marks = try consumer.watermarks(partition, timeoutMs: timeoutMs)
      bounds.append(LogBounds(low: marks.low, high: marks.high))
    }
    return bounds
  }

  /// The next message, valid until the next call; nil: the end. Throws `PortError`, `.unavailable`: call again.
  public func next() throws(PortError) -> KafkaMessage? {
    var first: Int?
    for index in partitions.indices {
      guard try fill(index) else { continue }
      guard let best = first else {
        first = index
        continue
      }
      if head(index).timestampMs < head(best).timestampMs { first = index }
    }
    guard let first else { return nil }
    defer { partitions[first].next += 1 }
    return head(first)
  }

  private func head(_ index: Int) -> KafkaMessage {
    partitions[index].consumer.messages[partitions[index].next]
  }

  /// Makes sure of a partition's next message. Returns false at its end.
  private func fill(_ index: Int) throws(PortError) -> Bool {
    let consumer = partitions[index].consumer
    while !partitions[index].isAtEnd {
      if partitions[index].next < consumer.messages.count {
        guard head(index).offset >= partitions[index].end else { return true }
        partitions[index].isAtEnd = true
        break
      }
      partitions[index].next = 0
      try ported("kafka topic \(topic): poll") { () throws(KafkaError) in
        try consumer.poll(limit: Self.messagesAtOnce, timeoutMs: Self.pollTimeoutMs)
      }
      let hasReached = (consumer.ends[Int32(index)] ?? -1) >= partitions[index].end
      if consumer.messages.isEmpty && hasReached { partitions[index].isAtEnd = true }
    }
    return false
  }

  /// Closes.
  public func close() { for partition in partitions { partition.consumer.close() } }
}
