import Dataflow
import Events
import FeatureStore
import Ingest
import Kafka
import Pipeline

/// Where all partitions of a pipeline stand, read beside it.
struct PipelinePositions {
  /// By partition.
  let facts: [PartitionFacts]
  /// The stored records' bytes, by partition; empty: none.
  let recordBytes: [[UInt8]]

  /// Reads store, table, group and log. Joins no group, writes nothing. Throws `Failure` or `PortError`.
  init(_ settings: Settings, _ pipeline: LoadedPipeline, store: any StateStore, partitions: Int32) throws {
    let numbers = (0..<partitions).map { $0 }
    let bytes = try store.records(numbers)
    let records = try zip(numbers, bytes).map { partition, bytes in
      try bytes.map { try PartitionRecord.read($0, partition: partition) }
    }
    let table = try settings.tablePositions(pipeline, numbers)
    let (committed, bounds, log) = try settings.logPositions(pipeline, numbers)
    facts = numbers.indices.map { index in
      PartitionFacts(
        partition: numbers[index], record: records[index], committed: committed[index], table: table[index],
        bounds: bounds[index], log: log)
    }
    recordBytes = bytes.map { $0 ?? [] }
  }
}

extension Settings {
  /// C and the log's bounds of every partition, and the log's identity. Joins no group.
  fileprivate func logPositions(
    _ pipeline: LoadedPipeline, _ partitions: [Int32]
  ) throws -> (committed: [Int64?], bounds: [LogBounds], log: LogIdentity) {
    do {
      var configuration = kafkaConfiguration()
      configuration.set("group.id", groupName(of: pipeline))
      let consumer = try KafkaConsumer(configuration, topic: topic)
      defer { consumer.close() }
      let cluster = try consumer.clusterID(timeoutMs: Self.startTimeoutMs)
      let bounds = try partitions.map {
        let marks = try consumer.watermarks($0, timeoutMs: Self.startTimeoutMs)
        return LogBounds(low: marks.low, high: marks.high)
      }
      let committed = try consumer.committed(partitions, timeoutMs: Self.startTimeoutMs)
      return (
        committed, bounds, LogIdentity(clusterID: cluster, partitionCount: Int32(partitions.count))
      )
    } catch let error as KafkaError {
      throw Failure("kafka \(brokers): \(error)")
    }
  }
}
