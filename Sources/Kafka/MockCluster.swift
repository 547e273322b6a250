import CRdKafka
import Glibc

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
    /// `AddPartitionsToTxn` of the protocol.
    case addPartitions = 24
    /// `AddOffsetsToTxn` of the protocol.
    case addOffsets = 25
    /// EndTxn.
    case endTransaction = 26
    /// TxnOffsetCommit.
    case transactionOffsets = 28
  }

  /// An error to inject.
  public enum Fault: String, Sendable {
    /// The broker closes the connection in place of an answer.
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
  private var isDestroyed = false

  /// What the cluster's own client is told. The mock leaves Nagle's algorithm on unless told otherwise; together with delayed
  /// acknowledgements every answer then takes 40 ms.
  private static let properties = [("socket.nagle.disable", "true")]

  /// Starts a cluster of `brokers` brokers.
  public init(brokers: Int = 1, log: KafkaLog? = nil) throws(KafkaError) {
    let conf = try KafkaConfiguration(Self.properties).makeConf()
    handle = try KafkaHandle(RD_KAFKA_PRODUCER, conf, ClientNotes(log: log))
    guard let made = rd_kafka_mock_cluster_new(handle.pointer, Int32(brokers)) else {
      handle.destroy()
      throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "mock cluster: cannot listen on loopback")
    }
    cluster = made
    bootstrapServers = String(cString: rd_kafka_mock_cluster_bootstraps(made))
  }

  /// The brokers' ports on loopback.
  public var ports: [Int] {
    bootstrapServers.split(separator: ",").compactMap { $0.split(separator: ":").last.flatMap { Int($0) } }
  }

  /// Makes a topic.
  public func createTopic(_ name: String, partitions: Int, replication: Int = 1) throws(KafkaError) {
    awaitQuiet()
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
  /// Only in a process that does nothing else: a broker that goes down closes its listener and binds the port again at once,
  /// and librdkafka 2.0.2 ends the process when it cannot (`rd_kafka_mock_broker_cmd`). Whatever holds that listener for a
  /// moment is enough: a program that is being started, a `getsockname` under way in another thread.
  public func setDown(_ down: Bool) {
    awaitQuiet()
    _ = down ? rd_kafka_mock_broker_set_down(cluster, -1) : rd_kafka_mock_broker_set_up(cluster, -1)
  }

  /// Lets the mock's thread come to rest after the request before. It may take the wake-up of one that follows at once for that
  /// of the one before, and then sleeps for a second (`rd_kafka_mock_cluster_io_poll`). Nothing is wrong when it is not at rest.
  private func awaitQuiet() { usleep(1_000) }

  /// Stops the brokers; everything in them is forgotten. A second call does nothing.
  public func destroy() {
    guard !isDestroyed else { return }
    isDestroyed = true
    awaitQuiet()
    rd_kafka_mock_cluster_destroy(cluster)
    handle.destroy()
  }
}
