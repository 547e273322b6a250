import Dataflow
import FeatureStore
import Foundation

/// What a pipeline without any promise would do: nothing is waited for and nothing is compared. Only for the benchmark that measures
/// what the promises cost: a crash loses and repeats at will.
enum NoGuarantee {
  /// The environment variable that asks for it.
  static let variable = "TALLY_BENCHMARK_NO_GUARANTEE"

  /// Whether it was asked for; says so.
  static func isAskedFor() -> Bool {
    guard ProcessInfo.processInfo.environment[variable] == "1" else { return false }
    note(
      "\(variable)=1: NOTHING IS PROMISED, events may be lost and scored twice; for benchmarks only")
    return true
  }
}

/// A topic whose acknowledgements nobody waits for.
final class UnawaitedTopic: TopicSink {
  private let topic: any TopicSink

  init(_ topic: any TopicSink) { self.topic = topic }

  func refused(_ batch: ScoredBatch) throws -> [Int] { try topic.refused(batch) }
  func send(_ batch: ScoredBatch) throws { try topic.send(batch) }
  func flush(timeoutMs: Int) throws -> Bool { true }

  func close() {
    _ = try? topic.flush(timeoutMs: 10_000)
    topic.close()
  }
}

/// A store whose writes compare nothing.
final class UncomparedStore: StateStore {
  private let store: RedisStateStore

  init(_ store: RedisStateStore) { self.store = store }

  func use(generation: UInt64, of partition: Int32) { store.use(generation: generation, of: partition) }
  func records(_ partitions: [Int32]) throws -> [[UInt8]?] { try store.records(partitions) }

  func fetch(
    partitions: [Int32], entities: [EntityRequest], record: (Int, UnsafeRawBufferPointer?) -> Void,
    state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try store.fetch(partitions: partitions, entities: entities, record: record, state: state)
  }

  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try store.forEachEntity(of: partitions, body)
  }

  func write(_ write: StateWrite) throws -> WriteOutcome {
    try store.set(write)
    return .written
  }

  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try store.clear(partition, whileRecordIs: record)
  }

  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    store.place(of: entityID, partition: partition)
  }

  func close() { store.close() }
}
