public import Dataflow
public import Kafka

/// Where scores and dead letters go as messages.
public struct TopicSinkConfiguration: Sendable {
  /// Addresses of brokers, `host:port,…`.
  public var brokers: String
  /// Topic of scores.
  public var scoresTopic: String
  /// Topic of dead letters; nil: they go to no topic.
  public var deadLetterTopic: String?
  /// How values are written.
  public var encoding = TopicEncoding.json
  /// Whether topics that are not there are made.
  public var createsTopics = true
  /// Partitions of a topic to be made; the input topic's count keeps an entity's scores in one partition.
  public var partitions: Int32 = 1
  /// How entities are spread over them: as over the input topic's.
  public var partitioner = Partitioner.murmur2
  /// Replicas of a topic to be made; -1: the broker's default.
  public var replication: Int32 = -1
  /// Compression: none, gzip, snappy, lz4 or zstd.
  public var compression = "lz4"
  /// Longest wait for an answer while topics are looked up and made, milliseconds.
  public var answerTimeoutMs = 10_000
  /// Longest wait within `send` for room in the queue, milliseconds.
  public var queueFullWaitMsMax = 1000
  /// Bytes of a record's key and value that its dead letter keeps. A message of brokers' usual 1 MB must have room for them
  /// in base64, and for a key of that size once more as the message's own.
  public var deadLetterBytesMax = 384 * 1024
  /// Name under which brokers know the sink's transactions, the same over all its lives; nil: there are none.
  public var transactionalID: String?
  /// Time after which the brokers end a transaction themselves: how long readers of committed records wait after a kill,
  /// milliseconds.
  public var transactionTimeoutMs = 10_000
  /// Further properties of librdkafka, such as `security.protocol`.
  public var properties: [(String, String)] = []
  /// Takes librdkafka's log; nil: silent.
  public var log: KafkaLog?

  package init(brokers: String, scoresTopic: String, deadLetterTopic: String?) {
    self.brokers = brokers
    self.scoresTopic = scoresTopic
    self.deadLetterTopic = deadLetterTopic
  }

  /// What librdkafka has against this configuration; nil: nothing. Asks nobody.
  public func problem() -> String? {
    do throws(PortError) { return try kafka().problem(as: .producer) } catch { return error.detail }
  }

  /// Settings of librdkafka. Throws `.misuse` for a property that Tally must own.
  func kafka() throws(PortError) -> KafkaConfiguration {
    if let objection = KafkaProperties.objection(to: properties) {
      throw PortError(.misuse, objection, reason: .badSetting)
    }
    var all = KafkaConfiguration([("bootstrap.servers", brokers), ("client.id", "tally")], log: log)
    for (name, value) in properties { all.set(name, value) }
    return all
  }
}
