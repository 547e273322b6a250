/// A bug of the worker that the simulation plants in debug builds, to show that it finds it.
@_spi(Simulation) public enum WorkerBug: String, Sendable {
  case stateBeforeSinks = "state-before-sinks"
  case cacheKept = "cache-kept"
  case emitsFromW = "emits-from-w"
  case tableFromW = "table-from-w"
  case tableAfterTransaction = "table-after-transaction"
  case abandonedTransactionKept = "abandoned-transaction-kept"
  case writesAfterRevocation = "writes-after-revocation"
  case readsBeforeW = "reads-before-w"
  case commitsFirstByItself = "commits-first-by-itself"
  case deafWhileAcquiring = "deaf-while-acquiring"
  case firstReadingBelieved = "first-reading-believed"
  case leftOutStateFirst = "left-out-state-first"
  case leftOutUntold = "left-out-untold"

  /// Whether bugs can be planted in this build.
  public static var canBePlanted: Bool {
    #if DEBUG
      true
    #else
      false
    #endif
  }
}

extension WorkerConfiguration {
  /// Whether the worker is to behave wrongly in this way; never in a release build.
  @inline(__always)
  func has(_ planted: WorkerBug) -> Bool {
    #if DEBUG
      bug == planted
    #else
      false
    #endif
  }
}
