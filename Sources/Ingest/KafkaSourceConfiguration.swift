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
  /// Unpacked size beyond which such a batch is `.unreadable`, bytes; larger than `unpackedBytesLimit` it counts as that.
  public var unpackedBytesMax: Int64 = 256 << 20
  /// Largest unpacked size that can be held to: librdkafka's sizes are 31 bits, and it tries up to three times as much for zstd.
  public static let unpackedBytesLimit: Int64 = 600 << 20
  /// Further properties of librdkafka, such as `security.protocol`.
  public var properties: [(String, String)] = []
  /// One fetch's records as they come over the wire, bytes, unless a single batch is larger.
  public static let fetchBytesMax = 8 << 20
  /// Largest answer of a broker, bytes: a single batch comes whatever `fetchBytesMax` says.
  public static let answerBytesMax = 100_000_000
  /// How much a consumer itself makes of packed batches; what is larger is read by `batchReader`. Common batches (1 MB, packed to a
  /// tenth) are far below. An answer's packed batches that find no room beside each other are asked for again.
  public static let unpackLimits = KafkaUnpackLimits(
    batchBytesMax: 32 << 20, batchWeightMax: 64 << 20, answerWeightMax: 128 << 20)
  /// Takes librdkafka's log; nil: silent.
  public var log: KafkaLog?

  package init(brokers: String, topic: String, group: String) {
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
    if let objection = KafkaProperties.objection(to: properties) {
      throw PortError(.misuse, objection, reason: .badSetting)
    }
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
    all.unpackLimits = Self.unpackLimits
    return all
  }
}
