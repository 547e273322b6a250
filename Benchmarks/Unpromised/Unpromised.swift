package import Dataflow
package import FeatureStore

// What a pipeline without any promise would do: nothing is waited for and nothing is compared, so that a crash loses and repeats at will.
// Built only to measure what the promises cost (TALLY_WITHOUT_GUARANTEES=1, see Package.swift), never shipped.

/// A topic whose acknowledgements nobody waits for.
package final class UnawaitedTopic: TopicSink {
  private let topic: any TopicSink

  /// A topic that is never waited for.
  package init(_ topic: any TopicSink) { self.topic = topic }

  package func refused(_ batch: ScoredBatch) throws -> [Int] { try topic.refused(batch) }
  package func send(_ batch: ScoredBatch) throws { try topic.send(batch) }
  package func flush(timeoutMs: Int) throws -> Bool { true }

  package func close() {
    _ = try? topic.flush(timeoutMs: 10_000)
    topic.close()
  }
}

/// A store whose writes compare nothing.
package final class UncomparedStore: StateStore {
  private let store: RedisStateStore

  /// A store that takes every write.
  package init(_ store: RedisStateStore) { self.store = store }

  package func use(generation: UInt64, of partition: Int32) {
    store.use(generation: generation, of: partition)
  }
  package func records(_ partitions: [Int32]) throws -> [[UInt8]?] { try store.records(partitions) }

  package func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try store.fetch(partitions: partitions, entities: entities, record: record, state: state)
  }

  package func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try store.forEachEntity(of: partitions, body)
  }

  package func write(_ write: StateWrite) throws -> WriteOutcome {
    try store.set(write)
    return .written
  }

  package func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try store.clear(partition, whileRecordIs: record)
  }

  package func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    store.place(of: entityID, partition: partition)
  }

  package func close() { store.close() }
}
