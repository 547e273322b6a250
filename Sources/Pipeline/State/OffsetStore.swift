package import Dataflow

/// The partition records of a pipeline that keeps no state: each lies beside the group's offset of its partition, so that W is C.
///
/// There is nothing to compare and set by: brokers take the offsets of the member that has the partition now, and of no other. What
/// another worker has moved is seen when partitions are taken over. Exactly once a record moves in the transaction of its batch, or in one
/// without messages. One thread.
package final class OffsetStore: StateStore {
  private let read: ([Int32]) throws -> [CommittedOffset?]
  private let end: () -> Void
  /// Moves one offset with its record.
  private let move: (OffsetMark) throws -> WriteOutcome
  /// The records as last read or written.
  private var known: [Int32: [UInt8]] = [:]
  /// The group's offsets as last read.
  private(set) var committed: [Int32: CommittedOffset] = [:]
  /// Whether a commit has failed since the partitions were given: it may still come to the brokers, behind others, and take C back. Not
  /// exactly once, where transactions follow each other.
  var isInDoubt = false

  /// `read`: the group's offsets; `move`: commits one, with its record; `end`: closes what they ask.
  package init(
    read: @escaping ([Int32]) throws -> [CommittedOffset?],
    move: @escaping (OffsetMark) throws -> WriteOutcome, end: @escaping () -> Void = {}
  ) {
    self.read = read
    self.move = move
    self.end = end
  }

  /// These were committed with their records, in a batch's transaction.
  func note(_ marks: [OffsetMark]) {
    for mark in marks where !mark.record.isEmpty { known[mark.partition] = mark.record }
  }

  package func use(generation: UInt64, of partition: Int32) {}

  package func records(_ partitions: [Int32]) throws -> [[UInt8]?] {
    for (partition, offset) in zip(partitions, try read(partitions)) {
      committed[partition] = offset
      // What is no record at all, somebody else has written.
      known[partition] = offset?.record.flatMap { PartitionRecord.decode($0) == nil ? nil : $0 }
    }
    return partitions.map { known[$0] }
  }

  /// What was read or written last: asks nobody.
  package func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    for (index, partition) in partitions.enumerated() {
      guard let bytes = known[partition] else {
        record(index, nil)
        continue
      }
      bytes.withUnsafeBytes { record(index, $0) }
    }
    for index in entities.indices { state(index, nil) }
  }

  package func write(_ write: StateWrite) throws -> WriteOutcome {
    let current = known[write.partition] ?? []
    if current == write.record { return .alreadyWritten }
    guard current == write.expected else { return .conflict }
    let mark = OffsetMark(
      of: try PartitionRecord.read(write.record, partition: write.partition), partition: write.partition)
    try mark.checkRoom()
    let wasInDoubt = isInDoubt
    isInDoubt = true
    let outcome = try move(mark)
    isInDoubt = wasInDoubt
    if outcome != .conflict { known[write.partition] = write.record }
    return outcome
  }

  package func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {}

  package func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    known[partition] ?? [] == record
  }

  package func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String { "no store" }
  package func close() { end() }
}

extension OffsetMark {
  /// Throws when brokers would not take its text.
  func checkRoom() throws {
    let bytes = metadata.utf8.count
    guard bytes > Self.metadataBytesMax else { return }
    throw PortError(
      .refused,
      "partition \(partition): its record and what is left out of it take \(bytes) bytes beside the group's offset, and brokers take "
        + "\(Self.metadataBytesMax): join ranges that are left out, or start over, with another group and table",
      reason: .skipRefused)
  }
}
