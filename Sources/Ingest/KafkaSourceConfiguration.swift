public import Dataflow
public import Kafka

/// How to reach a topic as a member of a group.
public struct KafkaSourceConfiguration: Sendable {
  /// Addresses of brokers, `host:port,…`.
  public var brokers: String
  /// Topic.
  public var topic: String
  /// Consumer group.
  public var group: String
  /// Time without a heartbeat after which the group goes on without this member, milliseconds.
  public var sessionTimeoutMs = 10_000
  /// Time between heartbeats: how soon a rebalance is heard of, milliseconds.
  public var heartbeatIntervalMs = 1000
  /// Longest time between two polls (or `idle` calls), and that a rebalance waits for this member, milliseconds.
  public var pollIntervalMaxMs = 300_000
  /// Longest wait for an answer to a question, milliseconds.
  public var answerTimeoutMs = 5000
  /// Longest time that a broker holds a fetch back for want of records, milliseconds.
  public var fetchWaitMaxMs = 10
  /// Records fetched ahead, kilobytes.
  public var prefetchKilobytesMax = 32_768
  /// Records fetched ahead per partition, below which more are fetched.
  public var prefetchRecordsMin = 10_000
  /// Further properties of librdkafka, such as `security.protocol`.
  public var properties: [(String, String)] = []
  /// Takes librdkafka's log; nil: silent.
  public var log: KafkaLog?

  /// A configuration with defaults.
  public init(brokers: String, topic: String, group: String) {
    self.brokers = brokers
    self.topic = topic
    self.group = group
  }

  /// Properties that may not be passed through, and why.
  private static let owned: [(name: String, why: String)] = [
    ("bootstrap.servers", "it has a setting of its own"),
    ("metadata.broker.list", "it is the brokers setting"),
    ("group.id", "it has a setting of its own"), ("session.timeout.ms", "it has a setting of its own"),
    ("heartbeat.interval.ms", "it follows from the session timeout"),
    ("max.poll.interval.ms", "Tally serves the group by itself"),
    ("fetch.wait.max.ms", "latency depends on it"),
    ("enable.auto.commit", "Tally commits by itself"), ("auto.commit.interval.ms", "Tally commits by itself"),
    ("enable.auto.offset.store", "Tally commits by itself"),
    ("auto.offset.reset", "a position outside the log is refused"),
    ("partition.assignment.strategy", "Tally needs the eager range assignment"),
    ("enable.partition.eof", "Tally asks for bounds by itself"),
    ("allow.auto.create.topics", "a missing topic is refused"),
    ("enable.idempotence", "it is a producer's"), ("acks", "it is a producer's"),
    ("request.required.acks", "it is a producer's"), ("transactional.id", "it is a producer's"),
  ]

  /// Throws `.misuse` for a property that Tally must own.
  public static func check(_ properties: [(String, String)]) throws(PortError) {
    for (name, _) in properties {
      if let owned = owned.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        throw PortError(.misuse, "kafka property \"\(name)\" cannot be set: \(owned.why)")
      }
    }
  }

  /// Settings of librdkafka. Throws `.misuse` for a property that Tally must own.
  func kafka() throws(PortError) -> KafkaConfiguration {
    try Self.check(properties)
    var all = KafkaConfiguration(
      [
        ("bootstrap.servers", brokers), ("group.id", group), ("client.id", "tally"),
        ("session.timeout.ms", "\(sessionTimeoutMs)"), ("heartbeat.interval.ms", "\(heartbeatIntervalMs)"),
        ("max.poll.interval.ms", "\(pollIntervalMaxMs)"), ("fetch.wait.max.ms", "\(fetchWaitMaxMs)"),
        ("fetch.error.backoff.ms", "50"), ("queued.max.messages.kbytes", "\(prefetchKilobytesMax)"),
        ("queued.min.messages", "\(prefetchRecordsMin)"), ("reconnect.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"), ("socket.nagle.disable", "true"),
      ], log: log)
    for (name, value) in properties { all.set(name, value) }
    return all
  }
}
