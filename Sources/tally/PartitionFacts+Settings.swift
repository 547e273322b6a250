import Configuration
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
  /// What operators have ordered to leave out of the topic, by partition, as the group's offsets tell; for readers that know of no
  /// partition's record. Joins no group. Throws `Failure`.
  func leftOutByGroup(_ pipeline: LoadedPipeline, partitions: Int32) throws -> [Int32: LeftOutRanges] {
    let group = groupName(of: pipeline)
    var found: [Int32: LeftOutRanges] = [:]
    var unread: [Int32] = []
    do throws(KafkaError) {
      var configuration = kafkaConfiguration()
      configuration.set("group.id", group)
      let consumer = try KafkaConsumer(configuration, topic: topic)
      defer { consumer.close() }
      let numbers = (0..<partitions).map { $0 }
      let committed = try consumer.committed(numbers, timeoutMs: Self.startTimeoutMs)
      for (partition, position) in zip(numbers, committed) {
        guard let position else { continue }
        let committed = CommittedOffset(position.offset, metadata: position.metadata)
        if committed.leftOutIsUnread { unread.append(partition) }
        if !committed.leftOut.isEmpty { found[partition] = committed.leftOut }
      }
    } catch {
      guard error.kind == .denied else { throw Failure("kafka \(brokers): \(error)") }
      complain(
        "tally: warning: the offsets of group \(group) may not be read: records that tally run leaves out by order (tally skip) "
          + "are not left out here")
    }
    guard unread.isEmpty else {
      throw Failure(
        "partition \(unread[0]): what is left out stands beside the offset of group \(group) in words that this program does not know: "
          + "update this program")
    }
    return found
  }

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
