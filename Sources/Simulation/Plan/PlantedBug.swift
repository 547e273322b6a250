/// A bug that is planted to show that the simulation finds it.
public enum PlantedBug: String, CaseIterable, Sendable {
  // In the worker.
  /// Effectively once: state and W are written before topic and table.
  case stateBeforeSinks = "state-before-sinks"
  /// States stay in the cache when partitions are taken over again.
  case cacheKept = "cache-kept"
  /// The topic gets everything from W on, instead of from C on.
  case emitsFromW = "emits-from-w"
  /// The table gets everything from W on, instead of from T on.
  case tableFromW = "table-from-w"
  /// Exactly once: the table is written after the transaction.
  case tableAfterTransaction = "table-after-transaction"
  /// What a transaction that was given up has left open is not ended.
  case abandonedTransactionKept = "abandoned-transaction-kept"
  /// A batch whose partitions were taken away is written nevertheless.
  case writesAfterRevocation = "writes-after-revocation"
  /// The record before W is not compared with the fingerprint, and taken for a new one.
  case readsBeforeW = "reads-before-w"
  /// Turning to exactly once, C moves up to W outside of a transaction.
  case commitsFirstByItself = "commits-first-by-itself"
  /// Between tries to take partitions over nobody asks whether they are to be given back.
  case deafWhileAcquiring = "deaf-while-acquiring"
  /// Positions that contradict each other are refused, though somebody was moving them.
  case firstReadingBelieved = "first-reading-believed"
  /// Passing over what is left out, state and W move before topic and table.
  case leftOutStateFirst = "left-out-state-first"
  /// Neither table nor group is told what is left out.
  case leftOutUntold = "left-out-untold"
  // In the neighbours.
  /// C moves before the state is written.
  case commitBeforeState = "commit-before-state"
  /// C moves before topic and table have the batch.
  case commitBeforeSinks = "commit-before-sinks"
  /// The partition record is written apart from the states, before them.
  case positionBeforeStates = "position-before-states"
  /// The states are written apart from the partition record, before it.
  case statesBeforePosition = "states-before-position"
  /// The store writes without comparing.
  case storeComparesNothing = "store-compares-nothing"
  /// The table writes without comparing.
  case tableComparesNothing = "table-compares-nothing"
  /// The table takes rows again that it has.
  case tableRowsRepeated = "table-rows-repeated"
  /// Reading starts at C.
  case startsAtC = "starts-at-c"
  /// A transaction's offsets are taken from anybody.
  case membershipUnchecked = "membership-unchecked"
  /// The membership is asked for when a transaction is committed, and an empty one is passed on.
  case membershipAtCommit = "membership-at-commit"
  /// C moves after the transaction, by itself.
  case offsetsOutsideTransaction = "offsets-outside-transaction"
  /// C is read while a transaction that moves it is open.
  case readsUnstableOffsets = "reads-unstable-offsets"
  /// An earlier life's transaction is not ended, nor that life fenced.
  case neverSettles = "never-settles"
  /// A transaction that goes on after a failure sends its messages again.
  case resendsInTransaction = "resends-in-transaction"
  /// A position in the table moves without what is left out beside it.
  case tableForgetsLeftOut = "table-forgets-left-out"
  /// Removing an earlier life's states goes on although the record is another.
  case clearComparesNothing = "clear-compares-nothing"
}
