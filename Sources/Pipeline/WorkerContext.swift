import Dataflow
import Features

/// What the parts of a worker share: its neighbours, its choices, its partitions and the batch under way, and how it waits for a
/// neighbour that does not answer. One thread.
final class WorkerContext {
  let identity: PipelineIdentity
  let configuration: WorkerConfiguration
  let ports: WorkerPorts
  let stop: StopSignal
  let assignment = Assignment()
  let batch: ScoredBatch
  /// Where partition records lie, and states, if any are kept.
  let store: any StateStore
  /// The same, when it is beside the group's offsets; nil: it is a store of its own.
  let offsets: OffsetStore?
  /// Exactly once: the topic, whose transactions move C; nil: C follows W.
  let transactions: (any TransactionalTopicSink)?
  /// Whether a transaction was given up whose end is not known.
  private(set) var isUnsettled = false
  /// When the last transaction's batch was taken; nil: none was.
  private var transactionNanos: UInt64?

  init(
    identity: PipelineIdentity, configuration: WorkerConfiguration, ports: WorkerPorts, batch: ScoredBatch,
    stop: StopSignal
  ) {
    precondition(configuration.rowsMax > 0 && configuration.rowsMax <= StateStoreLimits.statesMax)
    transactions = configuration.guarantee == .exactlyOnce ? ports.topic as? any TransactionalTopicSink : nil
    precondition(
      configuration.guarantee != .exactlyOnce || transactions != nil,
      "exactly once needs a transactional topic")
    self.identity = identity
    self.configuration = configuration
    self.ports = ports
    self.batch = batch
    self.stop = stop
    let (source, transactions) = (ports.source, transactions)
    offsets =
      ports.store == nil
      ? OffsetStore(read: { try source.committed($0) }) { mark in
        guard let transactions else { return try source.commit([mark]) }
        batch.removeAll()
        return try transactions.commit(batch, offsets: [mark], membership: source.membership)
      } : nil
    guard let store = ports.store ?? offsets else { preconditionFailure("one of the two is there") }
    self.store = store
  }

  // MARK: Transactions

  /// A transaction begins with the batch that was read now.
  func beginTransaction() {
    if transactions != nil { transactionNanos = ports.clock.monotonicNanos() }
  }

  /// A batch is given up whose transaction may be open.
  func abandonTransaction() { isUnsettled = transactions != nil }

  /// Ends what a transaction that was given up has left open.
  func settle() throws {
    if configuration.has(.abandonedTransactionKept), transactionNanos != nil { return isUnsettled = false }
    isUnsettled = true
    try transactions?.settle()
    isUnsettled = false
  }

  /// How long a batch is filled, milliseconds: until the next transaction may begin.
  func fillMs() -> Int {
    guard transactions != nil else { return 0 }
    let passedMs = Int(clamping: (ports.clock.monotonicNanos() &- (transactionNanos ?? 0)) / 1_000_000)
    return max(0, configuration.transactionIntervalMs - passedMs)
  }

  /// Exactly once: moves C in a transaction without messages, which ends the batch under way. nil: given up.
  func commit(
    _ marks: [OffsetMark], to transactions: any TransactionalTopicSink
  ) throws -> WriteOutcome? {
    batch.removeAll()
    return try commit(marks, with: batch, to: transactions)
  }

  /// Exactly once: moves C in the transaction of a batch's messages. nil: given up.
  func commit(
    _ marks: [OffsetMark], with batch: ScoredBatch, to transactions: any TransactionalTopicSink
  ) throws -> WriteOutcome? {
    let membership = ports.source.membership
    let outcome = try waiting { try transactions.commit(batch, offsets: marks, membership: membership) }
    if outcome == .written || outcome == .alreadyWritten { offsets?.note(marks) }
    return outcome
  }

  /// As `commit`, for partitions that are ours. Throws `Abandoned` when it is given up, `Superseded` when the group has gone on without us.
  func moveOffsets(_ marks: [OffsetMark], by transactions: any TransactionalTopicSink) throws {
    guard let outcome = try commit(marks, to: transactions) else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    assignment.noteCommitted(marks)
  }

  // MARK: Waiting

  /// Tries until it succeeds, serving the group between tries. nil: given up, because the partitions are to be given back
  /// or someone stops us.
  func waiting<Result>(_ body: () throws -> Result) throws -> Result? {
    var backoff = Backoff(configuration)
    while true {
      let result: Result
      do {
        result = try body()
      } catch let error as PortError where error.code == .unavailable {
        ports.recorder.state("waiting for \(error)", healthy: false)
        if try serveGroup(forMs: backoff.next()) { return nil }
        continue
      }
      // What has succeeded is not done again because reading cannot go on.
      if backoff.isWaiting {
        try ports.source.resume()
        assignment.tellRunning(ports.recorder)
      }
      return result
    }
  }

  /// Waits while the group is served. Returns whether the batch must be given up.
  func serveGroup(forMs milliseconds: Int) throws -> Bool {
    let end = ports.clock.monotonicNanos() &+ UInt64(milliseconds) * 1_000_000
    repeat {
      ports.recorder.beat()
      if stop.isStopped { return true }
      do {
        if try ports.source.idle(timeoutMs: min(milliseconds, 50)), !configuration.has(.writesAfterRevocation)
        {
          return true
        }
      } catch let error as PortError where error.code == .unavailable {
        ports.clock.sleep(milliseconds: min(milliseconds, 50))
      }
    } while ports.clock.monotonicNanos() < end
    return false
  }
}

/// Pauses between tries, each twice as long as the one before, up to a bound.
struct Backoff {
  private let leastMs: Int
  private let mostMs: Int
  private var nextMs: Int
  /// Whether a pause was taken since the last success.
  private(set) var isWaiting = false

  init(_ configuration: WorkerConfiguration) {
    leastMs = configuration.retryBackoffMinMs
    mostMs = configuration.retryBackoffMaxMs
    nextMs = leastMs
  }

  /// The pause to take now, milliseconds.
  mutating func next() -> Int {
    isWaiting = true
    defer { nextMs = min(nextMs * 2, mostMs) }
    return nextMs
  }

  /// What was tried has succeeded.
  mutating func reset() {
    isWaiting = false
    nextMs = leastMs
  }
}
