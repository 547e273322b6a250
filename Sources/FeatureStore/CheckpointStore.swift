public import Dataflow

/// Where a replay of a pipeline that keeps no state stands, in a file: partition records without states. One thread.
public final class CheckpointStore: StateStore {
  private let file: CheckpointFile

  /// One worker's view of a file.
  public init(_ file: CheckpointFile) { self.file = file }

  /// A file is of one run, which is of one generation.
  public func use(generation: UInt64, of partition: Int32) {}

  /// Reads partition records, in the order asked; nil: none.
  public func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    let all = try file.read()
    return partitions.map { all[$0] }
  }

  /// The records; no entity has a state.
  public func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    for (index, bytes) in try records(partitions).enumerated() {
      guard let bytes else {
        record(index, nil)
        continue
      }
      bytes.withUnsafeBytes { record(index, $0) }
    }
    for index in entities.indices { state(index, nil) }
  }

  /// There are none.
  public func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {}

  /// Compare-and-set of one partition's record.
  public func write(_ write: StateWrite) throws -> WriteOutcome { try file.write(write) }

  /// There are no states to remove.
  public func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try records([partition])[0] ?? [] == record
  }

  /// Nowhere.
  public func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String { "no store" }

  /// Does nothing: the file is whole at any time.
  public func close() {}

  /// There are no states.
  public func forEachState(
    _ body: (_ partition: Int32, _ entityID: [UInt8], _ state: UnsafeRawBufferPointer) throws -> Void
  ) throws {}

  /// A file does not know its run's.
  public func generations() throws -> [UInt64: (records: Int, states: Int)] { [:] }

  /// Removes the file, with which nobody works. Throws `PortError.refused` when somebody does.
  public func removeGeneration() throws { try file.remove() }
}
