public import Dataflow
import Synchronization

/// What `MemoryStateStore`s of several workers share: the "server". Safe from any thread.
public final class MemoryStateStorage: Sendable {
  /// A partition of a generation.
  struct StateKey: Hashable {
    var generation: UInt64
    var partition: Int32
  }

  struct Contents {
    var records: [StateKey: [UInt8]] = [:]
    var states: [StateKey: [[UInt8]: [UInt8]]] = [:]
  }
  let contents = Mutex(Contents())

  /// Nothing stored.
  public init() {}

  /// Forgets everything, as FLUSHALL does.
  public func removeAll() { contents.withLock { $0 = Contents() } }

  /// Forgets the partition records only: states without a position.
  public func removeRecords() { contents.withLock { $0.records = [:] } }

  /// A partition's stored states by entity id: for tests.
  public func states(_ partition: Int32, generation: UInt64 = 1) -> [[UInt8]: [UInt8]] {
    contents.withLock { $0.states[StateKey(generation: generation, partition: partition)] ?? [:] }
  }
}

/// States and partition records in memory, with `RedisStateStore`'s contract: for tests and simulations. One
/// thread.
public final class MemoryStateStore: StateStore {
  private let storage: MemoryStateStorage
  private let partitionCount: Int32
  private var generations: [UInt64]

  /// Called before each operation, for faults: throw to make it fail, before anything is written.
  public var beforeOperation: (() throws -> Void)?
  /// Called after each write has been done, for faults: throw to lose the answer.
  public var afterWrite: (() throws -> Void)?

  /// One worker's view of `storage`; a partition outside `0..<partitionCount` is misuse.
  public init(_ storage: MemoryStateStorage = MemoryStateStorage(), partitionCount: Int32) {
    self.storage = storage
    self.partitionCount = partitionCount
    generations = Array(repeating: 1, count: Int(partitionCount))
  }

  /// From now on a partition's record and states are those of this generation; at first it is 1.
  public func use(generation: UInt64, of partition: Int32) {
    if generations.indices.contains(Int(partition)) { generations[Int(partition)] = generation }
  }

  private func place(_ partition: Int32) -> MemoryStateStorage.StateKey {
    MemoryStateStorage.StateKey(generation: generations[Int(partition)], partition: partition)
  }

  /// Reads partition records, in the order asked; nil: none.
  public func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    try partitions.forEach(check)
    try beforeOperation?()
    return storage.contents.withLock { contents in partitions.map { contents.records[place($0)] } }
  }

  /// Reads records and states of one moment.
  public func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try partitions.forEach(check)
    try entities.forEach { try check($0.partition) }
    try beforeOperation?()
    let contents = storage.contents.withLock { $0 }
    for (index, partition) in partitions.enumerated() {
      Self.pass(contents.records[place(partition)], to: { record(index, $0) })
    }
    for (index, entity) in entities.enumerated() {
      Self.pass(contents.states[place(entity.partition)]?[Array(entity.entityID)], to: { state(index, $0) })
    }
  }

  /// Calls `body` with every entity of these partitions that has a stored state.
  public func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try partitions.forEach(check)
    try beforeOperation?()
    let contents = storage.contents.withLock { $0 }
    for partition in partitions {
      for id in (contents.states[place(partition)] ?? [:]).keys {
        try id.withUnsafeBytes { try body(partition, $0) }
      }
    }
  }

  /// Compare-and-set of one partition's record together with its states.
  public func write(_ write: StateWrite) throws -> WriteOutcome {
    try check(write.partition)
    try write.validate()
    try beforeOperation?()
    let outcome: WriteOutcome = storage.contents.withLock { contents in
      let place = place(write.partition)
      let current = contents.records[place] ?? []
      guard current == write.expected else { return current == write.record ? .alreadyWritten : .conflict }
      contents.records[place] = write.record
      for entry in write.entries {
        let state = Array(write.bytes[entry.state])
        contents.states[place, default: [:]][Array(write.bytes[entry.entityID])] =
          state.isEmpty ? nil : state
      }
      return .written
    }
    try afterWrite?()
    return outcome
  }

  /// Removes all states of a partition as long as its record is `record`.
  public func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try check(partition)
    try beforeOperation?()
    let isDone = storage.contents.withLock { contents in
      let place = place(partition)
      guard contents.records[place] ?? [] == record else { return false }
      contents.states[place] = nil
      return true
    }
    try afterWrite?()
    return isDone
  }

  /// Where an entity's state lies, for readers.
  public func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    "memory \(partition):\(String(decoding: entityID, as: UTF8.self))"
  }

  /// Does nothing: the storage stays.
  public func close() {}

  private func check(_ partition: Int32) throws {
    guard partition >= 0 && partition < partitionCount else {
      throw PortError(.misuse, "memory state store", cause: "partition \(partition) of \(partitionCount)")
    }
  }

  private static func pass(_ bytes: [UInt8]?, to body: (UnsafeRawBufferPointer?) -> Void) {
    guard let bytes else { return body(nil) }
    bytes.withUnsafeBytes { body($0) }
  }
}
