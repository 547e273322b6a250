/// A bug of a worker's neighbours that is planted to show that the simulation finds it; only where `PLANTED_BUGS` is defined, in debug
/// builds.
enum NeighbourBug: CaseIterable, Sendable {
  /// C moves before the state is written.
  case commitBeforeState
  /// C moves before topic and table have the batch.
  case commitBeforeSinks
  /// The partition record is written apart from the states, before them.
  case positionBeforeStates
  /// The states are written apart from the partition record, before it.
  case statesBeforePosition
  /// The store writes without comparing.
  case storeComparesNothing
  /// The table writes without comparing.
  case tableComparesNothing
  /// The table takes rows again that it has.
  case tableRowsRepeated
  /// Reading starts at C.
  case startsAtC
  /// A transaction's offsets are taken from anybody.
  case membershipUnchecked
  /// The membership is asked for when a transaction is committed, and an empty one is passed on.
  case membershipAtCommit
  /// C moves after the transaction, by itself.
  case offsetsOutsideTransaction
  /// C is read while a transaction that moves it is open.
  case readsUnstableOffsets
  /// An earlier life's transaction is not ended, nor that life fenced.
  case neverSettles
  /// A transaction that goes on after a failure sends its messages again.
  case resendsInTransaction
  /// A position in the table moves without what is left out beside it.
  case tableForgetsLeftOut
  /// The group takes offsets of members that it has gone on without.
  case commitsUnchecked
  /// Removing an earlier life's states goes on although the record is another.
  case clearComparesNothing
}

/// What the neighbours are to do wrong; a release build has nothing to hold it, and no branch that asks for it.
struct NeighbourBugs {
  #if PLANTED_BUGS
    let planted: NeighbourBug?
  #endif

  /// Whether a neighbour is to behave wrongly in this way; never in a release build.
  @inline(__always)
  func has(_ bug: NeighbourBug) -> Bool {
    #if PLANTED_BUGS
      planted == bug
    #else
      false
    #endif
  }
}
