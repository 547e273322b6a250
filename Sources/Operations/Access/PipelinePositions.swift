import Configuration
package import Dataflow
import Events
import FeatureStore
import Features
import Ingest
import Kafka
package import Pipeline

/// Where all partitions of a pipeline stand, read beside it.
package struct PipelinePositions {
  /// By partition.
  package let facts: [PartitionFacts]
  /// The stored records' bytes, by partition; empty: none.
  package let recordBytes: [[UInt8]]
  /// Records and generations in force, by partition.
  package let standings: [PartitionStanding]

  /// Reads store, table, group and log; makes `store` use the generations in force. Joins no group, writes nothing. Throws `Failure` or `PortError`.
  package init(_ access: any PipelineAccess, store: any StateStore, partitions: Int32) throws {
    let numbers = (0..<partitions).map { $0 }
    let standings = try Generations.follow(
      store, from: access.settings.firstGeneration(of: access.pipeline), partitionCount: partitions)
    let table = try access.tablePositions(numbers)
    let log = try access.logPositions(numbers)
    facts = numbers.indices.map { index in
      PartitionFacts(
        partition: numbers[index], record: standings[index].record, committed: log.committed[index],
        before: standings[index].before, table: table[index]?.next,
        tableLeftOut: table[index]?.leftOut ?? LeftOutRanges(), bounds: log.bounds[index],
        log: log.log, isRecordBesideOffset: !access.pipeline.program.keepsState)
    }
    recordBytes = standings.map { $0.bytes ?? [] }
    self.standings = standings
  }
}

extension PipelineAccess {
  /// What operators have ordered to leave out of the topic, by partition, as the group's offsets tell; for readers that know of no
  /// partition's record. Joins no group. Throws `Failure`.
  package func leftOutByGroup(partitions: Int32) throws -> [Int32: LeftOutRanges] {
    let group = settings.groupName(of: pipeline)
    let numbers = (0..<partitions).map { $0 }
    guard let all = try committed(numbers) else {
      report.warn(
        "warning: the offsets of group \(group) may not be read: records that tally run leaves out by order (tally skip) "
          + "are not left out here")
      return [:]
    }
    var found: [Int32: LeftOutRanges] = [:]
    for (partition, position) in zip(numbers, all) {
      guard let position else { continue }
      guard !position.leftOutIsUnread else {
        throw Failure(
          "partition \(partition): what is left out stands beside the offset of group \(group) in words that this program does not know: "
            + "update this program", reason: .newerVersion)
      }
      if !position.leftOut.isEmpty { found[partition] = position.leftOut }
    }
    return found
  }
}
