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
  /// Records and generations in force, by partition.
  let standings: [PartitionStanding]

  /// Reads store, table, group and log; makes `store` use the generations in force. Joins no group, writes nothing. Throws `Failure` or `PortError`.
  init(_ settings: Settings, _ pipeline: LoadedPipeline, store: any StateStore, partitions: Int32) throws {
    let numbers = (0..<partitions).map { $0 }
    let standings = try Generations.follow(store, from: settings.generation, partitionCount: partitions)
    let table = try settings.tablePositions(pipeline, numbers)
    let (committed, bounds, log) = try settings.logPositions(pipeline, numbers)
    facts = numbers.indices.map { index in
      PartitionFacts(
        partition: numbers[index], record: standings[index].record, committed: committed[index],
        before: standings[index].before, table: table[index]?.next,
        tableLeftOut: table[index]?.leftOut ?? LeftOutRanges(), bounds: bounds[index], log: log)
    }
    recordBytes = standings.map { $0.bytes ?? [] }
    self.standings = standings
  }
}

extension Settings {
  /// C and the log's bounds of every partition, and the log's identity. Joins no group.
  fileprivate func logPositions(
    _ pipeline: LoadedPipeline, _ partitions: [Int32]
  ) throws -> (committed: [CommittedOffset?], bounds: [LogBounds], log: LogIdentity) {
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
        committed.map { $0.map { CommittedOffset($0.offset, metadata: $0.metadata) } }, bounds,
        LogIdentity(clusterID: cluster, partitionCount: Int32(partitions.count))
      )
    } catch let error as KafkaError {
      throw Failure("kafka \(brokers): \(error)")
    }
  }
}
