import CRdKafka

/// A Kafka cluster inside this process, on loopback: librdkafka's mock (`rdkafka_mock.h`).
///
/// Other processes can join it. It knows groups, idempotent and transactional producers. It keeps at most 5 MB a
/// partition and silently drops older messages, forgets all when it is destroyed, ignores `read_committed`,
/// answers offsets-by-time with none, makes a topic when asked for it, and picks its own ports. Call `destroy`;
/// `deinit` does not.
public final class MockCluster {
  /// A request that an error can be injected into (Kafka protocol, "API keys").
  public enum Request: Int16, Sendable {
    /// Produce.
    case produce = 0
    /// Fetch.
    case fetch = 1
    /// Metadata.
    case metadata = 3
    /// OffsetCommit.
    case offsetCommit = 8
    /// OffsetFetch.
    case offsetFetch = 9
    /// Heartbeat.
    case heartbeat = 12
    /// InitProducerId.
    case initProducer = 22
    /// AddPartitionsToTxn.
    case addPartitions = 24
    /// AddOffsetsToTxn.
    case addOffsets = 25
    /// EndTxn.
    case endTransaction = 26
    /// TxnOffsetCommit.
    case transactionOffsets = 28
  }

  /// An error to inject.
  public enum Fault: Sendable {
    /// The connection breaks.
    case disconnect
    /// `REQUEST_TIMED_OUT`.
    case timedOut
    /// `MSG_SIZE_TOO_LARGE`.
    case tooLarge
    /// `TOPIC_AUTHORIZATION_FAILED`.
    case denied
    /// `NOT_ENOUGH_REPLICAS`.
    case notEnoughReplicas
    /// `UNKNOWN_MEMBER_ID`.
    case unknownMember
    /// `ILLEGAL_GENERATION`.
    case illegalGeneration
    /// `COORDINATOR_NOT_AVAILABLE`.
    case noCoordinator
    /// `CONCURRENT_TRANSACTIONS`.
    case concurrentTransactions
    /// `INVALID_PRODUCER_EPOCH`.
    case fenced
  }

  /// Addresses for `bootstrap.servers`.
  public let bootstrapServers: String
  private let handle: KafkaHandle
  private let cluster: OpaquePointer
  private let ports: [UInt16]
  private var isDestroyed = false

  /// Starts a cluster of `brokers` brokers.
  public init(brokers: Int = 1, log: KafkaLog? = nil) throws(KafkaError) {
    let conf = try KafkaConfiguration().makeConf()
    handle = try KafkaHandle(RD_KAFKA_PRODUCER, conf, ClientNotes(log: log))
    guard let made = rd_kafka_mock_cluster_new(handle.pointer, Int32(brokers)) else {
      handle.destroy()
      throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "mock cluster: cannot listen on loopback")
    }
    cluster = made
    bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(made))
    ports = bootstrapServers.split(separator: ",").compactMap(Self.port)
    ListeningSockets.sendAtOnce(ports: ports)
  }

  private static func port(of address: Substring) -> UInt16? {
    address.split(separator: ":").last.flatMap { UInt16($0) }
  }

  /// Makes a topic.
  public func createTopic(_ name: String, partitions: Int, replication: Int = 1) throws(KafkaError) {
    let code = rd_kafka_mock_topic_create(cluster, name, Int32(partitions), Int32(replication))
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, doing: "mock topic \(name)") }
  }

  /// Lets the next `times` requests of a kind fail.
  public func fail(_ request: Request, with fault: Fault, times: Int = 1) {
    let code =
      switch fault {
      case .disconnect: RD_KAFKA_RESP_ERR__TRANSPORT
      case .timedOut: RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT
      case .tooLarge: RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
      case .denied: RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED
      case .notEnoughReplicas: RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS
      case .unknownMember: RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID
      case .illegalGeneration: RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION
      case .noCoordinator: RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE
      case .concurrentTransactions: RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS
      case .fenced: RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH
      }
    let codes = Array(repeating: code, count: times)
    rd_kafka_mock_push_request_errors_array(cluster, request.rawValue, times, codes)
  }

  /// Lets all brokers refuse connections, or serve again.
  ///
  /// Start no program meanwhile: until it runs, it holds the sockets of this process, and librdkafka 2.0.2 ends the process when
  /// it cannot bind a broker's port again at once (`rd_kafka_mock_broker_cmd`).
  public func setDown(_ down: Bool) {
    // A broker that goes down binds a new socket to its port at once.
    _ = down ? rd_kafka_mock_broker_set_down(cluster, -1) : rd_kafka_mock_broker_set_up(cluster, -1)
    ListeningSockets.sendAtOnce(ports: ports)
  }

  /// Delays every answer, milliseconds.
  public func setRoundTripTime(_ milliseconds: Int) {
    rd_kafka_mock_broker_set_rtt(cluster, -1, Int32(milliseconds))
  }

  /// Stops the brokers; everything in them is forgotten. A second call does nothing.
  public func destroy() {
    guard !isDestroyed else { return }
    isDestroyed = true
    rd_kafka_mock_cluster_destroy(cluster)
    handle.destroy()
  }
}
