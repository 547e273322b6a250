/// What became of a compare-and-set.
public enum WriteOutcome: Equatable, Sendable {
  /// Written now.
  case written
  /// It was already there: an earlier try of ours had succeeded.
  case alreadyWritten
  /// Somebody else moved it, or it was rolled back: nothing was written.
  case conflict
}

/// An entity's stored state among those to be written; bytes lie in `StateWrite.bytes`.
public struct StateEntry {
  /// Entity id, as bytes in `StateWrite.bytes`.
  public var entityID: Range<Int>
  /// Encoded state, as bytes in `StateWrite.bytes`; empty: the stored state is removed.
  public var state: Range<Int>

  /// Both ranges are of `StateWrite.bytes`; an empty `state` removes the entity's.
  public init(entityID: Range<Int>, state: Range<Int>) {
    self.entityID = entityID
    self.state = state
  }
}

/// One partition's write: the record moves from `expected` to `record` together with the states, or nothing does.
public struct StateWrite {
  /// Partition.
  public var partition: Int32 = 0
  /// The record that must be there now; empty: none.
  public var expected: [UInt8] = []
  /// The record to put in its place.
  public var record: [UInt8] = []
  /// Arena of ids and states.
  public var bytes: [UInt8] = []
  /// Changed states, at most `StateStoreLimits.statesMax`.
  public var entries: [StateEntry] = []

  package init() {}
}

/// Bounds of the store port.
public enum StateStoreLimits {
  /// States in one write: Redis serves nobody else meanwhile, 4–5 µs a state.
  public static let statesMax = 8192
}

/// Which entity of which partition.
public struct EntityRequest {
  /// Partition.
  public var partition: Int32
  /// Entity id; valid during the call.
  public var entityID: UnsafeRawBufferPointer

  /// `entityID` must stay valid until the fetch has ended.
  public init(partition: Int32, entityID: UnsafeRawBufferPointer) {
    self.partition = partition
    self.entityID = entityID
  }
}

/// Where states and partition records lie. One thread. All calls throw `PortError`.
public protocol StateStore: AnyObject {
  /// From now on a partition's record and states are those of this generation.
  func use(generation: UInt64, of partition: Int32)

  /// Reads partition records, in the order asked; nil: none.
  func records(_ partitions: [Int32]) throws -> [[UInt8]?]

  /// Reads in one round trip the partitions' records and the entities' states.
  ///
  /// `record` is called once per partition in order, then `state` once per entity in order; nil: none. Pointers are
  /// valid only inside the call.
  func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws

  /// Calls `body` with every entity of these partitions that has a stored state, in no order; the pointer is valid during
  /// the call. An entity may come twice; one that is there all the time is not missed. Looks at the whole store: for migrations.
  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws

  /// Compare-and-set of one partition's record together with its states.
  func write(_ write: StateWrite) throws -> WriteOutcome

  /// Removes all states of a partition as long as its record is, byte for byte, `record`. Returns false when it is not, or
  /// no longer: then some may be left.
  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool

  /// Where an entity's state lies, for readers.
  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String
  /// Closes the connection.
  func close()
}
