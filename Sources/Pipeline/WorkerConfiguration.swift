public import Dataflow

/// Limits and choices of a worker.
public struct WorkerConfiguration: Sendable {
  /// What is promised of the topic; nil: nothing is delivered, only states are made, and no position but W counts.
  public var guarantee: DeliveryGuarantee? = .effectivelyOnce
  /// Records in one batch, at most `StateStoreLimits.statesMax`.
  public var batchRowsMax = 4096
  /// Exactly once: records in one transaction, which is one batch; at most `StateStoreLimits.statesMax`.
  public var transactionRowsMax = 4096
  /// Exactly once: least time from the beginning of a transaction to the next one's, unless it is full.
  public var transactionIntervalMs = 50
  /// Longest wait for a first record.
  public var pollTimeoutMs = 100
  /// First pause after a failure; doubles up to `retryBackoffMaxMs`.
  public var retryBackoffMinMs = 50
  /// Longest pause between tries.
  public var retryBackoffMaxMs = 2_000
  /// Group offsets are committed at most this often, and when partitions are given up.
  public var commitIntervalMs = 1_000
  /// One wait for the topic's acknowledgements; the group is served between waits.
  public var flushWaitMs = 200
  /// Time without reading the log after which its fingerprint is compared again.
  public var verifyAfterMs = 5_000
  /// Where a pipeline without positions begins.
  public var startAt = StartAt.earliest
  /// What to do about lost states.
  public var onLostState = OnLostState.rebuild
  /// Whether a group's offset that Tally has not committed is one that an operator has set deliberately.
  public var trustsOffsets = false
  /// By partition, what the log lacks between W and its beginning, as an operator has accepted it.
  public var acceptedGaps: [Int32: LeftOut] = [:]
  #if PLANTED_BUGS
    /// A planted bug; nil: none.
    public var bug: WorkerBug?
  #endif

  package init() {}

  /// Records in one batch under the guarantee.
  var rowsMax: Int { guarantee == .exactlyOnce ? transactionRowsMax : batchRowsMax }
}
