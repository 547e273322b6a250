import Kafka

/// A Kafka broker for a test: the one that `TALLY_BROKERS` names (topics get unique names there), else librdkafka's
/// mock in a process of its own.
public final class TestBroker {
  /// Addresses for `bootstrap.servers`.
  public let bootstrapServers: String
  /// The mock, unless a real broker is used.
  public let mock: MockBroker?
  private let suffix: String

  /// Starts a mock and makes topics in it.
  public static func startMock(brokers: Int = 1, topics: [(name: String, partitions: Int)] = []) throws
    -> TestBroker
  {
    let broker = TestBroker(mock: try MockBroker(brokers: brokers))
    for topic in topics { try broker.createTopic(topic.name, partitions: topic.partitions) }
    return broker
  }

  /// Takes the broker of `TALLY_BROKERS`, else starts a mock; makes topics in it.
  public static func start(topics: [(name: String, partitions: Int)] = []) throws -> TestBroker {
    guard let brokers = environment("TALLY_BROKERS") else { return try startMock(topics: topics) }
    let broker = TestBroker(bootstrapServers: brokers)
    for topic in topics { try broker.createTopic(topic.name, partitions: topic.partitions) }
    return broker
  }

  private init(mock: MockBroker) {
    self.mock = mock
    bootstrapServers = mock.bootstrapServers
    suffix = ""
  }

  private init(bootstrapServers: String) {
    mock = nil
    self.bootstrapServers = bootstrapServers
    suffix = "-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
  }

  /// The name under which the test's topic or group is known to the broker.
  public func name(_ topic: String) -> String { topic + suffix }

  /// Makes a topic; `topic` is the test's name for it.
  public func createTopic(_ topic: String, partitions: Int) throws {
    if let mock {
      try mock.createTopic(name(topic), partitions: partitions)
      return
    }
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", bootstrapServers)]))
    defer { admin.close() }
    // Tests date their records themselves; without the bound `tally run` refuses such a topic.
    _ = try admin.createTopic(
      name(topic), partitions: Int32(partitions), settings: Self.producersTimes,
      timeoutMs: Self.answerTimeoutMs)
  }

  /// Settings of a real broker's topic whose records keep their producers' times, as those of a mock do, within a bound.
  public static let producersTimes = [
    "message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": "300000",
  ]

  /// Lets the mock refuse connections, or serve again; a real broker stays.
  public func setDown(_ down: Bool) throws { try mock?.setDown(down) }

  /// Stops the mock, and records an issue when it has died before; a real broker stays.
  public func stop() { mock?.stop() }

  /// Longest wait for a broker's answer in tests.
  public static let answerTimeoutMs = 60_000
}
