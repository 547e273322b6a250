package import Configuration
package import Dataflow
import Events
import Features
import Pipeline

/// Where a verification begins and how far the pipeline is then.
package struct VerificationStart {
  /// First offset to read, by partition; partitions of which nothing was scored are not among them.
  package private(set) var logFrom: [Int32: Int64] = [:]
  /// First offset whose row in `scores` is compared.
  package private(set) var scoresFrom: [Int32: Int64] = [:]
  /// W at the start.
  package private(set) var next: [Int32: Int64] = [:]
  /// The partition records at the start.
  package private(set) var records: [Int32: PartitionRecord] = [:]
  /// Whether the log reaches back to where all states began.
  package private(set) var logIsWhole = true

  /// Looks at the positions. Throws `Failure` when states and log do not belong together or nothing can be compared.
  package init(_ positions: PipelinePositions, pipeline: LoadedPipeline, last: Int64?) throws {
    for facts in positions.facts {
      let partition = facts.partition
      guard let record = facts.record else {
        guard facts.table == nil && facts.committed == nil else {
          guard pipeline.program.keepsState else {
            throw Failure(
              "partition \(partition): its events were scored, and beside the group's committed offset there is no record of that: "
                + "the offset was set by hand, or is gone; tally run says what to do", reason: .offsetsReset)
          }
          throw Failure(
            "partition \(partition): its events were scored and the store has no record of it: its states are lost; rebuild "
              + "them, with tally rebuild", reason: .lostState)
        }
        continue
      }
      try Self.check(record, facts, pipeline)
      if facts.bounds.low > record.firstOffset { logIsWhole = false }
      let from = min(max(facts.bounds.low, record.firstOffset), record.nextOffset)
      logFrom[partition] = from
      next[partition] = record.nextOffset
      scoresFrom[partition] = last.map { max(from, max(record.nextOffset, facts.table ?? 0) - $0) } ?? from
      records[partition] = record
    }
    guard !next.isEmpty else {
      throw Failure(
        "the store has no partition record: nothing was scored yet, or in another generation or prefix",
        reason: .lostState)
    }
  }

  private static func check(
    _ record: PartitionRecord, _ facts: PartitionFacts, _ pipeline: LoadedPipeline
  ) throws {
    let partition = facts.partition
    guard record.definition == pipeline.program.stateHash.hex else {
      throw Failure(
        "partition \(partition): the store's states are of another definition; verify with the pipeline file that made them",
        reason: .otherDefinition
      )
    }
    // States that are being rebuilt from the log are as good as others as of their W.
    guard !record.isClearing else {
      throw Failure(
        "partition \(partition): the states of an earlier life are still being removed; tally run or tally rebuild does that",
        reason: .busy
      )
    }
    guard record.clusterID == facts.log.clusterID,
      record.partitionCount == facts.log.partitionCount || facts.isRecordBesideOffset
    else {
      throw Failure(
        "partition \(partition): the states are of another log (\(record.partitionCount) partitions of cluster "
          + "\(record.clusterID), not \(facts.log.partitionCount) of \(facts.log.clusterID))",
        reason: .otherLog)
    }
    guard record.nextOffset <= facts.bounds.high else {
      throw Failure(
        "partition \(partition): W \(record.nextOffset) lies behind the end of the log, \(facts.bounds.high): the topic was "
          + "recreated", reason: .topicRecreated)
    }
    if let table = facts.table, table > facts.bounds.high {
      throw Failure(
        "partition \(partition): T \(table) lies behind the end of the log, \(facts.bounds.high): the topic was recreated",
        reason: .topicRecreated
      )
    }
  }

  /// W by the records read now. Throws `Failure` when the states are no longer those of the start.
  package func positions(_ partitions: [Int32], _ stored: [[UInt8]?]) throws -> [Int32: Int64] {
    var found: [Int32: Int64] = [:]
    for (partition, bytes) in zip(partitions, stored) {
      let record = try bytes.map { try PartitionRecord.read($0, partition: partition) }
      guard let record, let first = records[partition], record.firstOffset == first.firstOffset,
        record.definition == first.definition, record.nextOffset >= first.nextOffset, !record.isClearing,
        record.successor == 0, record.leftOut.orders == first.leftOut.orders
      else {
        throw Failure(
          "partition \(partition): its states were rolled back or rebuilt, or offsets were ordered to be left out, meanwhile; when that "
            + "is done, try again"
        )
      }
      found[partition] = record.nextOffset
    }
    return found
  }
}
