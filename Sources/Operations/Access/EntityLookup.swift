package import Dataflow

/// Where an entity lives, and what the store has of it.
package struct EntityLookup {
  /// The entity's id.
  package let id: [UInt8]
  /// The partition that its key belongs to.
  package let partition: Int32

  package init(_ id: [UInt8], _ homes: KeyHomes) {
    self.id = id
    partition = id.withUnsafeBytes { homes.home(of: $0) }
  }

  /// An entity of a partition that is known.
  package init(_ id: [UInt8], partition: Int32) {
    self.id = id
    self.partition = partition
  }

  /// Its stored state; nil: none. Throws `PortError`.
  package func state(in store: any StateStore) throws -> [UInt8]? {
    var found: [UInt8]?
    try id.withUnsafeBytes { raw in
      try store.fetch(
        partitions: [], entities: [EntityRequest(partition: partition, entityID: raw)],
        record: { _, _ in }, state: { _, bytes in found = bytes.map { Array($0) } })
    }
    return found
  }

  /// A write that puts `state` (empty: none) in its place, beside the partition's record.
  package func write(_ state: [UInt8], over expected: [UInt8], record: [UInt8]) -> StateWrite {
    var write = StateWrite()
    write.partition = partition
    write.expected = expected
    write.record = record
    write.bytes = id + state
    write.entries = [StateEntry(entityID: 0..<id.count, state: id.count..<write.bytes.count)]
    return write
  }
}
