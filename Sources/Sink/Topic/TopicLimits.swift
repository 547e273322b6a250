import Kafka

/// The largest messages that the sink's topics take, bytes of key and value: read from the topics, else what clients allow
/// by default; learned from what brokers refuse. Kept over a sink's producers.
final class TopicLimits {
  /// Bytes of a message beside key and value: headers, and the batch around it.
  private static let overheadBytes = 512
  /// librdkafka's `message.max.bytes` and `batch.size` when nothing else is said.
  private static let clientDefaultBytes = 1_000_000
  /// A letter of reason and position: a topic that takes less is of no use.
  static let leastBytes = 1024

  /// Of a score.
  private(set) var scoresBytes: Int
  /// Of a dead letter.
  private(set) var lettersBytes: Int
  /// Whether each message is sent in a batch of its own: a broker has refused a batch, and which message was at fault is not known.
  private(set) var isSingle = false
  private let scoresTopic: String

  /// `properties`: librdkafka's. `topics`: each topic's `max.message.bytes`, where the brokers tell it.
  init(_ configuration: TopicSinkConfiguration, _ properties: KafkaConfiguration, _ topics: [String: Int]) {
    let client = properties.value("message.max.bytes").flatMap { Int($0) } ?? Self.clientDefaultBytes
    func limit(_ topic: String?) -> Int {
      max(0, min(client, topic.flatMap { topics[$0] } ?? client) - Self.overheadBytes)
    }
    scoresTopic = configuration.scoresTopic
    scoresBytes = limit(configuration.scoresTopic)
    lettersBytes = limit(configuration.deadLetterTopic)
  }

  /// `batch.size`: no batch is larger than both topics take, unless a message alone is.
  var batchBytes: Int {
    isSingle ? 1 : max(1, min(Self.clientDefaultBytes, min(scoresBytes, lettersBytes)))
  }

  /// Takes what brokers refused: first for a reason to send messages one by one, then for a limit. The topics' names
  /// and the smallest refused message's bytes.
  func learn(_ refused: [String: Int]) {
    guard isSingle else {
      isSingle = true
      return
    }
    for (topic, bytes) in refused {
      if topic.utf8.elementsEqual(scoresTopic.utf8) {
        scoresBytes = min(scoresBytes, bytes - 1)
      } else {
        // A letter can be cut as far as one likes: few tries rather than the last byte.
        lettersBytes = min(lettersBytes, bytes / 2)
      }
    }
  }
}
