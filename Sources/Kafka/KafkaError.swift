import CRdKafka

/// A failed operation of librdkafka or of a broker.
///
/// The text names codes, hosts, topics, partitions and offsets; never a record's data or a credential.
public struct KafkaError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What went wrong, as far as a caller treats it differently.
  public enum Kind: Sendable {
    /// Connection, timeout, election, broker start: it passes.
    case transient
    /// The local queue has no room.
    case queueFull
    /// The group has moved on without this member: the next poll reports the revocation.
    case groupMoved
    /// Another producer of the same transactional id has begun, or the coordinator has ended a transaction that took too long.
    case fenced
    /// An offset that the log does not have.
    case outsideLog
    /// No such topic or partition.
    case unknownTopic
    /// The topic is there already.
    case topicExists
    /// Credentials or permissions.
    case denied
    /// A message larger than the broker or the client takes.
    case tooLarge
    /// A request that this broker does not know.
    case unsupported
    /// A producer's batch that this client does not make records of: `place` says which, `isOfUnpacking` whether its bytes or their size
    /// may be why.
    case unreadable
    /// A property or argument that is not valid.
    case misuse
    /// Anything else: trying again will not help.
    case permanent
  }

  /// librdkafka's code: broker errors are positive, local ones negative (`rd_kafka_resp_err_t`).
  public var code: Int32
  /// The code's name, for example "UNKNOWN_TOPIC_OR_PART".
  public var name: String
  /// What went wrong.
  public var kind: Kind
  /// Whether the client cannot go on and must be rebuilt.
  public var isFatal: Bool
  /// Whether the transaction under way must be aborted.
  public var requiresAbort = false
  /// Whether librdkafka says itself that the same call may be made again.
  public private(set) var mayRepeat = false
  /// The partition that it came from in place of a message, with the offset that it names (the batch's first, or, of the formats before
  /// 0.11, its last); nil: no partition's.
  public private(set) var place: KafkaPosition?
  /// For readers.
  public var text: String

  /// Whether a codec has refused a batch, so that librdkafka stays in front of it and asks for it again. Of everything else that is
  /// `unreadable` (a checksum that does not match, a format or codec that is not known, an answer that was cut) the batch's own bytes may
  /// be innocent; and behind a wrong checksum librdkafka 2.0.2 goes on at a wrong place of the answer (`rd_kafka_buf_skip_to`).
  public var isOfUnpacking: Bool {
    // LZ4 with bytes behind its frame is `_BAD_MSG`, as a wrong checksum is: the text tells them apart, and only if it is known.
    (code == RD_KAFKA_RESP_ERR__BAD_COMPRESSION.rawValue || code == RD_KAFKA_RESP_ERR__BAD_MSG.rawValue)
      && text.contains("Decompression (codec 0x")
  }

  /// Whether waiting may help.
  public var isRetriable: Bool {
    !isFatal && !requiresAbort
      && (mayRepeat || kind == .transient || kind == .queueFull || kind == .groupMoved)
  }

  /// `NAME: text`.
  public var description: String { "\(name): \(text)" }

  init(_ code: rd_kafka_resp_err_t, _ text: String, isFatal: Bool = false) {
    self.code = code.rawValue
    name = String(cString: rd_kafka_err2name(code))
    kind = Self.kind(of: code)
    self.isFatal = isFatal
    self.text = text
  }

  /// One that came in place of a message.
  init(_ code: rd_kafka_resp_err_t, _ text: String, at place: KafkaPosition, isFatal: Bool) {
    self.init(code, text, isFatal: isFatal)
    self.place = place
    if Self.ofBatches.contains(code.rawValue) { kind = .unreadable }
  }

  init(_ code: rd_kafka_resp_err_t, doing what: String) {
    self.init(code, "\(what): \(String(cString: rd_kafka_err2str(code)))")
  }

  /// Takes over and frees `error`.
  init(consuming error: OpaquePointer, doing what: String) {
    self.init(
      rd_kafka_error_code(error), "\(what): \(String(cString: rd_kafka_error_string(error)))",
      isFatal: rd_kafka_error_is_fatal(error) != 0)
    requiresAbort = rd_kafka_error_txn_requires_abort(error) != 0
    mayRepeat = rd_kafka_error_is_retriable(error) != 0
    rd_kafka_error_destroy(error)
  }

  static func kind(of code: rd_kafka_resp_err_t) -> Kind {
    switch code {
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: .queueFull
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE: .outsideLog
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS: .topicExists
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE: .tooLarge
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION: .unsupported
    case RD_KAFKA_RESP_ERR__INVALID_ARG, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT: .misuse
    case let code where unknownTopic.contains(code.rawValue): .unknownTopic
    case let code where groupMoved.contains(code.rawValue): .groupMoved
    case let code where fenced.contains(code.rawValue): .fenced
    case let code where denied.contains(code.rawValue): .denied
    case let code where transient.contains(code.rawValue): .transient
    default: .permanent
    }
  }

  /// What librdkafka says of a batch that it cannot unpack, that does not match its checksum, is of a format or codec that it does
  /// not know, does not fit into an answer, or for which memory was lacking.
  private static let ofBatches: Set<Int32> = [
    RD_KAFKA_RESP_ERR__BAD_COMPRESSION.rawValue, RD_KAFKA_RESP_ERR__BAD_MSG.rawValue,
    RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED.rawValue, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE.rawValue,
    RD_KAFKA_RESP_ERR__UNDERFLOW.rawValue, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE.rawValue,
  ]

  private static let unknownTopic: Set<Int32> = [
    RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART.rawValue, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC.rawValue,
    RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION.rawValue, RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION.rawValue,
  ]

  private static let groupMoved: Set<Int32> = [
    RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION.rawValue, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID.rawValue,
    RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS.rawValue, RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST.rawValue,
    RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED.rawValue, RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID.rawValue,
  ]

  private static let fenced: Set<Int32> = [
    RD_KAFKA_RESP_ERR__FENCED.rawValue, RD_KAFKA_RESP_ERR_PRODUCER_FENCED.rawValue,
    RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH.rawValue, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING.rawValue,
    RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID.rawValue, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE.rawValue,
  ]

  private static let denied: Set<Int32> = [
    RD_KAFKA_RESP_ERR__AUTHENTICATION.rawValue, RD_KAFKA_RESP_ERR__SSL.rawValue,
    RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED.rawValue,
    RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM.rawValue, RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE.rawValue,
    RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED.rawValue,
    RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED.rawValue,
    RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED.rawValue,
    RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED.rawValue,
  ]

  private static let transient: Set<Int32> = [
    RD_KAFKA_RESP_ERR__TRANSPORT.rawValue, RD_KAFKA_RESP_ERR__TIMED_OUT.rawValue,
    RD_KAFKA_RESP_ERR__MSG_TIMED_OUT.rawValue, RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE.rawValue,
    RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN.rawValue, RD_KAFKA_RESP_ERR__RESOLVE.rawValue,
    RD_KAFKA_RESP_ERR__WAIT_COORD.rawValue, RD_KAFKA_RESP_ERR__WAIT_CACHE.rawValue,
    RD_KAFKA_RESP_ERR__IN_PROGRESS.rawValue, RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS.rawValue,
    RD_KAFKA_RESP_ERR__DESTROY.rawValue, RD_KAFKA_RESP_ERR__INTR.rawValue, RD_KAFKA_RESP_ERR__RETRY.rawValue,
    RD_KAFKA_RESP_ERR__STATE.rawValue,
    RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE.rawValue,
    RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION.rawValue, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT.rawValue,
    RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE.rawValue, RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE.rawValue,
    RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION.rawValue, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS.rawValue,
    RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE.rawValue, RD_KAFKA_RESP_ERR_NOT_COORDINATOR.rawValue,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS.rawValue,
    RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND.rawValue, RD_KAFKA_RESP_ERR_NOT_CONTROLLER.rawValue,
    RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR.rawValue, RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH.rawValue,
    RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH.rawValue, RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE.rawValue,
    RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED.rawValue,
    RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT.rawValue, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS.rawValue,
  ]
}
