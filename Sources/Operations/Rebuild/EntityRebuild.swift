import Configuration
package import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Ingest
import Pipeline

/// Rebuilds one entity's state from the log, beside a running pipeline if need be.
///
/// States are a function of the log below W, and W moves while others work. So the log is read on beyond W, the state is
/// kept for every offset from W on at which it changes, and the one that fits is written by compare-and-set of the
/// partition record at hand. The record moves too, so that workers drop what they have cached.
package struct EntityRebuild {
  package let id: String
  package let acceptShorterLog: Bool
  package let access: any PipelineAccess
  package let store: any StateStore

  package init(id: String, acceptShorterLog: Bool, access: any PipelineAccess, store: any StateStore) {
    self.id = id
    self.acceptShorterLog = acceptShorterLog
    self.access = access
    self.store = store
  }

  private var pipeline: LoadedPipeline { access.pipeline }

  /// Longest time to get in between a pipeline's own writes, seconds.
  private static let deadlineSeconds = 60.0
  /// Wait for further records while the state is written.
  private static let pollTimeoutMs = 5

  /// Rebuilds the state on the partition that the entity belongs to. Throws `Failure` when that cannot be done.
  package func run(_ positions: PipelinePositions) throws {
    let homes = try access.homes(
      Int32(positions.facts.count), checkedBy: positions.facts.map(\.record))
    let entity = EntityLookup(Array(id.utf8), homes)
    let isStored = try entity.state(in: store) != nil
    guard try rebuild(positions.facts[Int(entity.partition)], homes, isStored: isStored) else {
      throw Failure(
        "neither the store nor the scored part of the log knows this entity: nothing to rebuild",
        reason: .notFound)
    }
  }

  /// Rebuilds the state of the entity on a partition. Returns whether there was anything to make or to remove.
  private func rebuild(_ facts: PartitionFacts, _ homes: KeyHomes, isStored: Bool) throws -> Bool {
    guard facts.record != nil || isStored else {
      throw Failure(
        "partition \(facts.partition) has no record in the store: nothing was scored yet", reason: .lostState)
    }
    guard let record = facts.record else {
      throw Failure(
        "partition \(facts.partition) has states but no record: rebuild all of them, with tally rebuild",
        reason: .lostState)
    }
    guard record.definition == pipeline.program.stateHash.hex else {
      throw Failure(
        "the store's states are of another definition: rebuild all of them, with tally rebuild",
        reason: .otherDefinition)
    }
    guard facts.bounds.low <= record.leftOut.end(from: record.firstOffset) || acceptShorterLog else {
      throw Failure(
        "the log begins at offset \(facts.bounds.low), the states at \(record.firstOffset): the entity's older events "
          + "are gone; --accept-shorter-log makes a state that knows only what is left", reason: .logTruncated
      )
    }
    let start = max(facts.bounds.low, record.firstOffset)
    let source = try access.openLog(
      LogPart(
        partitions: [facts.partition], from: [facts.partition: start],
        leftOut: [facts.partition: record.leftOut],
        unpackedBytesMax: [facts.partition: record.unpackedBytesMax]), reader: "tally-rebuild")
    defer { source.close() }
    let pass = EventPass(program: pipeline.program, decoder: try access.makeDecoder(homes))
    var history = EntityHistory(id: id, partition: facts.partition, pass: pass, from: start)
    let progress = access.report.begin(
      "rebuild: reading partition \(facts.partition)", total: source.offsetsAtStart)
    try LogReading(source, from: [facts.partition: start], report: access.report).forEachBatch { batch in
      history.add(batch, keepingFrom: record.nextOffset)
      progress.advance(Int64(batch.records.count))
      return true
    }
    progress.finish("records")
    history.isReadUp(to: facts.bounds.high)
    guard isStored || history.hasEvents else { return false }
    source.follow()
    try write(history, source, leftOut: record.leftOut.orders)
    return true
  }

  private func write(
    _ history: consuming EntityHistory, _ source: any LogSource, leftOut: LeftOutRanges
  ) throws {
    let batch = RecordBatch()
    let deadline = Date().addingTimeInterval(Self.deadlineSeconds)
    while Date() < deadline {
      guard let bytes = try store.records([history.partition])[0] else {
        throw Failure(
          "partition \(history.partition): its record is gone; rebuild all states, with tally rebuild",
          reason: .lostState)
      }
      let record = try PartitionRecord.read(bytes, partition: history.partition)
      guard record.leftOut.orders == leftOut else {
        throw Failure(
          "partition \(history.partition): offsets were ordered to be left out meanwhile; start this again",
          reason: .busy)
      }
      // Of what is left out nothing comes.
      if record.nextOffset <= record.leftOut.end(from: history.end) {
        let state = history.state(below: record.nextOffset)
        if try replace(bytes, record, by: state, partition: history.partition) {
          let what = state.isEmpty ? "removed: the log has no event of this entity" : "rebuilt"
          access.report.say("rebuild: the state on partition \(history.partition) was \(what)")
          return
        }
      }
      switch try source.poll(
        into: batch, limit: LogReading.recordsAtOnce, timeoutMs: Self.pollTimeoutMs, fillMs: 0)
      {
      case .stuck(let partition, let from, _, let why): throw Failure.unread(partition, from: from, why)
      default: break
      }
      history.add(batch, keepingFrom: 0)
    }
    throw Failure(
      "the pipeline writes too often to get in between; stop tally run for a moment and try again",
      reason: .busy)
  }

  private func replace(
    _ expected: [UInt8], _ record: PartitionRecord, by state: [UInt8], partition: Int32
  ) throws -> Bool {
    guard record.successor == 0 else {
      throw Failure("the states were moved to another generation meanwhile; start this again", reason: .busy)
    }
    var next = record
    next.repairs += 1
    let write = EntityLookup(Array(id.utf8), partition: partition).write(
      state, over: expected, record: next.encoded)
    return try store.write(write) != .conflict
  }
}
