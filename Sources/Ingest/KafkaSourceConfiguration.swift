import Dataflow
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
  /// Records fetched ahead per partition, below which more are fetched. Beyond it librdkafka 2.0.2 looks again after up to a
  /// second: 10,000 held a catch-up at 83,000 events/s with half of the machine idle. The kilobytes bound memory.
  public var prefetchRecordsMin = 100_000
  /// The program, with its arguments, that reads batches which the consumer itself cannot (`BatchServer`): its process has a limit of
  /// memory of its own. Empty: there is none, and such batches wait for an operator.
  public var batchReader: [String] = []
  /// Unpacked size beyond which such a batch is `.unreadable`, bytes.
  public var unpackedBytesMax: Int64 = 256 << 20
  /// Further properties of librdkafka, such as `security.protocol`.
  public var properties: [(String, String)] = []
  /// One fetch's records as they come over the wire, bytes, unless a single batch is larger.
  public static let fetchBytesMax = 8 << 20
  /// Largest answer of a broker, bytes. zstd is unpacked up to it, too: each record of what is unpacked costs some 300 bytes beside
  /// its own, of which an empty one has none.
  public static let answerBytesMax = 16 << 20
  /// Takes librdkafka's log; nil: silent.
  public var log: KafkaLog?

  /// A configuration with defaults.
  public init(brokers: String, topic: String, group: String) {
    self.brokers = brokers
    self.topic = topic
    self.group = group
  }

  /// What librdkafka has against this configuration; nil: nothing. Asks nobody.
  public func problem() -> String? {
    do throws(PortError) { return try kafka().problem(as: .consumer) } catch { return error.detail }
  }

  /// Settings of librdkafka. Throws `.misuse` for a property that Tally must own.
  func kafka() throws(PortError) -> KafkaConfiguration {
    if let objection = KafkaProperties.objection(to: properties) { throw PortError(.misuse, objection) }
    var all = KafkaConfiguration(
      [
        ("bootstrap.servers", brokers), ("group.id", group), ("client.id", "tally"),
        ("session.timeout.ms", "\(sessionTimeoutMs)"), ("heartbeat.interval.ms", "\(heartbeatIntervalMs)"),
        ("max.poll.interval.ms", "\(pollIntervalMaxMs)"), ("fetch.wait.max.ms", "\(fetchWaitMaxMs)"),
        ("fetch.error.backoff.ms", "50"), ("queued.max.messages.kbytes", "\(prefetchKilobytesMax)"),
        ("queued.min.messages", "\(prefetchRecordsMin)"), ("fetch.max.bytes", "\(Self.fetchBytesMax)"),
        ("receive.message.max.bytes", "\(Self.answerBytesMax)"), ("reconnect.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"), ("socket.nagle.disable", "true"),
      ], log: log)
    for (name, value) in properties { all.set(name, value) }
    return all
  }
}
