public import Dataflow
import Kafka

/// As `KafkaTopicSink`, with the messages of each batch and the group's offsets in one transaction. One thread; call `close`.
///
/// librdkafka's three kinds of failure are told apart as its documentation says: what may be repeated is the caller's to repeat;
/// what asks for an abort is aborted, and a batch of which nothing is visible is `.conflict`; after a fatal one `settle` makes
/// another producer. The end of a commit that was not answered is found out by `settle`, never guessed.
public final class KafkaTransactionalSink: TransactionalTopicSink {
  private let configuration: TopicSinkConfiguration
  private let context: ScoreContext
  private let offsetsTopic: String
  private let transactionalID: String
  private var sink: KafkaTopicSink?
  private let limits: TopicLimits
  private var phase = Phase.unknown
  private var aborts = 0
  private var begun = ContinuousClock.now
  private var fencings: [ContinuousClock.Instant] = []

  /// How far the transaction is.
  private enum Phase {
    /// The producer has not begun, and an earlier one may have left something open.
    case unknown
    case settled
    case open
    /// The messages are in it.
    case filled
    /// Messages and offsets are in it.
    case complete
    case mustAbort
    /// The producer is of no use any more.
    case broken
  }

  /// Wait for the coordinator within one `settle`, milliseconds.
  private static let settleTimeoutMs = 2000
  /// Wait for the report of a message that has failed, milliseconds.
  private static let reportWaitMs = 100
  /// Transactions that may be aborted one after the other, for reasons that should pass.
  private static let abortsMax = 10
  /// How often another producer of the same id may take over within `fencingSeconds`.
  private static let fencingsMax = 3
  private static let fencingSeconds = 60

  /// Connects; makes topics that are not there, if so configured. `configuration.transactionalID` names the sink over all its
  /// lives; no two sinks at once may have the same. Throws `PortError`.
  public init(_ configuration: TopicSinkConfiguration, context: ScoreContext) throws(PortError) {
    guard let id = configuration.transactionalID else {
      throw PortError(.misuse, "kafka producer", cause: "a transactional sink needs a transactional id")
    }
    self.configuration = configuration
    self.context = context
    transactionalID = id
    offsetsTopic = context.topic
    let first = try KafkaTopicSink(configuration, context: context)
    sink = first
    limits = first.limits
  }

  /// Ends what this sink, or an earlier one of the same id, has left open.
  public func settle() throws {
    switch phase {
    case .settled: return
    case .complete:
      // The commit may have been under way.
      if try step({ producer throws(KafkaError) in try producer.commitTransaction() }) { phase = .settled }
    case .open, .filled: phase = .mustAbort
    case .unknown, .mustAbort, .broken: break
    }
    if phase == .mustAbort {
      if try step({ producer throws(KafkaError) in try producer.abortTransaction() }) { phase = .settled }
    }
    if phase == .broken {
      sink?.close()
      sink = nil
      phase = .unknown
    }
    guard phase == .unknown else {
      guard phase == .settled else {
        throw PortError(.unavailable, name, cause: "its end is not known yet", reason: .kafkaUnavailable)
      }
      return
    }
    let current = try sink ?? KafkaTopicSink(configuration, context: context, limits: limits)
    sink = current
    if try step({ producer throws(KafkaError) in
      try producer.initTransactions(timeoutMs: Self.settleTimeoutMs)
    }) {
      phase = .settled
    } else {
      throw PortError(
        .unavailable, name, cause: "the transactions of \(transactionalID) cannot begin yet",
        reason: .kafkaUnavailable)
    }
  }

  /// Writes the messages of all rows and letters with `toTopic` and moves the group's offsets, in one transaction.
  public func commit(
    _ batch: ScoredBatch, offsets: [OffsetMark], membership: [UInt8]
  ) throws -> WriteOutcome {
    guard !membership.isEmpty else { return .conflict }
    if phase == .settled {
      guard try step({ producer throws(KafkaError) in try producer.beginTransaction() }) else {
        return .conflict
      }
      phase = .open
      begun = .now
    }
    if phase == .open {
      guard try send(batch) else { return .conflict }
      phase = .filled
    }
    if phase == .filled {
      let positions = offsets.map {
        KafkaPosition(partition: $0.partition, offset: $0.shown, metadata: $0.metadata)
      }
      let isAdded = try step { producer throws(KafkaError) in
        try producer.sendOffsets(positions, of: offsetsTopic, membership: membership)
      }
      guard isAdded else { return .conflict }
      phase = .complete
    }
    guard phase == .complete else { return .conflict }
    guard try step({ producer throws(KafkaError) in try producer.commitTransaction() }) else {
      return .conflict
    }
    phase = .settled
    aborts = 0
    return .written
  }

  /// The rows with `toTopic` whose messages the topic of scores will never take.
  public func refused(_ batch: ScoredBatch) throws -> [Int] { try sink?.refused(batch) ?? [] }

  /// Queues the batch's messages; outside of a transaction brokers refuse them.
  public func send(_ batch: ScoredBatch) throws { try sink?.send(batch) }

  /// Waits up to `timeoutMs` for all acknowledgements.
  public func flush(timeoutMs: Int) throws -> Bool { try sink?.flush(timeoutMs: timeoutMs) ?? true }

  /// Closes; a transaction under way is left to the brokers, which end it after its timeout or at the next `settle`.
  public func close() { sink?.close() }

  private var name: String { "kafka transaction" }

  /// Queues all messages. Returns false when the transaction cannot go on.
  private func send(_ batch: ScoredBatch) throws -> Bool {
    guard let sink else { return false }
    do {
      try sink.send(batch)
      return true
    } catch let error as PortError {
      guard let failure = sink.sendFailure, failure.kind != .queueFull else { throw error }
      // In a transaction that has failed meanwhile, librdkafka takes no message.
      guard failure.kind == .transient || failure.kind == .fenced || failure.isFatal else { throw error }
      try note(failure, requiresAbort: !failure.isFatal)
      return false
    }
  }

  /// Takes one step of a transaction. Returns whether it was taken; false: the transaction cannot go on, and `phase` says why.
  private func step(_ body: (KafkaProducer) throws(KafkaError) -> Void) throws(PortError) -> Bool {
    guard let producer = sink?.producer else { return false }
    do throws(KafkaError) {
      try body(producer)
      return true
    } catch {
      if error.mayRepeat {
        throw PortError(.unavailable, name, cause: error.description, reason: .kafkaUnavailable)
      }
      try note(error, requiresAbort: error.requiresAbort)
      return false
    }
  }

  /// Notes why a transaction cannot go on. Throws what no later one would mend.
  private func note(_ error: KafkaError, requiresAbort: Bool) throws(PortError) {
    // What librdkafka neither lets us repeat nor abort has left the producer in an unknown state.
    phase = requiresAbort ? .mustAbort : .broken
    // What a broker has against a message tells more than the abort that follows; its report may still be on its way.
    sink?.producer.poll(timeoutMs: Self.reportWaitMs)
    let cause = sink?.producer.takeDeliveryError()
    // The next producer knows what this one has learned of its topics' limits, and the batch is rebuilt.
    let tooLarge = sink?.producer.takeTooLarge() ?? [:]
    if !tooLarge.isEmpty {
      limits.learn(tooLarge)
      phase = .broken
      return
    }
    if let cause, Self.isLasting(cause) { throw cause.port(name) }
    if Self.isLasting(error) { throw error.port(name) }
    // Outages pass, however long they take; the brokers end what took too long.
    let isLate = begun + .milliseconds(configuration.transactionTimeoutMs) < .now
    let isPassing = error.kind == .groupMoved || error.kind == .transient || cause?.kind == .transient
    if isPassing || isLate { return }
    if error.kind == .fenced { return try noteFencing(error) }
    aborts += 1
    guard aborts < Self.abortsMax else {
      throw PortError(
        .refused, "\(name): aborted \(aborts) times one after the other", cause: error.description,
        reason: .kafkaRefused)
    }
  }

  private static func isLasting(_ error: KafkaError) -> Bool {
    switch error.kind {
    case .denied, .tooLarge, .unknownTopic, .misuse, .unsupported: true
    default: false
    }
  }

  private func noteFencing(_ error: KafkaError) throws(PortError) {
    let now = ContinuousClock.now
    fencings.removeAll { $0 + .seconds(Self.fencingSeconds) < now }
    fencings.append(now)
    guard fencings.count < Self.fencingsMax else {
      throw PortError(
        .refused,
        "\(name): another process works under the transactional id \(transactionalID): give each process its own "
          + "scores.transactional_id", cause: error.description, reason: .twoOwners)
    }
  }
}
