/// A bug of the worker that the simulation plants, to show that it finds it; only where `PLANTED_BUGS` is defined, in debug builds.
public enum WorkerBug: CaseIterable, Sendable {
  /// Effectively once: state and W are written before topic and table.
  case stateBeforeSinks
  /// States stay in the cache when partitions are taken over again.
  case cacheKept
  /// The topic gets everything from W on, instead of from C on.
  case emitsFromW
  /// The table gets everything from W on, instead of from T on.
  case tableFromW
  /// Exactly once: the table is written after the transaction.
  case tableAfterTransaction
  /// What a transaction that was given up has left open is not ended.
  case abandonedTransactionKept
  /// A batch whose partitions were taken away is written nevertheless.
  case writesAfterRevocation
  /// The record before W is not compared with the fingerprint, and taken for a new one.
  case readsBeforeW
  /// Turning to exactly once, C moves up to W outside of a transaction.
  case commitsFirstByItself
  /// Between tries to take partitions over nobody asks whether they are to be given back.
  case deafWhileAcquiring
  /// Positions that contradict each other are refused, though somebody was moving them.
  case firstReadingBelieved
  /// Passing over what is left out, state and W move before topic and table.
  case leftOutStateFirst
  /// Neither table nor group is told what is left out.
  case leftOutUntold
  /// Exactly once, without states: a batch's transaction moves C without the record that belongs beside it.
  case transactionWithoutRecord
  /// Without states: a commit that has failed is taken for one that never comes.
  case failedCommitForgotten
  /// A batch is scored by the set of models that is in force at its beginning, whatever promotions it holds.
  case setOfBatch
  /// The partition record does not say which set of models is in force.
  case setUnrecorded
  /// A promotion counts whatever its number.
  case promotionNumbersIgnored
  /// A set of models that cannot be loaded is left out: the one before goes on.
  case setSkipped
}

extension WorkerConfiguration {
  /// Whether the worker is to behave wrongly in this way; never in a release build.
  @inline(__always)
  func has(_ planted: WorkerBug) -> Bool {
    #if PLANTED_BUGS
      bug == planted
    #else
      false
    #endif
  }
}
