public import Dataflow

/// Where a pipeline without any position begins.
public enum StartAt: String, CaseIterable, Sendable {
  /// At the first record that the log still has.
  case earliest
  /// Behind the last record.
  case latest
}

/// What to do when the store has no record of a partition whose scores were already given.
public enum OnLostState: String, CaseIterable, Sendable {
  /// Stop with an error.
  case refuse
  /// Make the states anew from the log's beginning; scores that were given are not given again.
  case rebuild
}

/// Everything known of a partition when it is acquired.
public struct PartitionFacts: Sendable {
  /// Partition.
  public var partition: Int32
  /// The store's record; nil: none.
  public var record: PartitionRecord?
  /// C; nil: none.
  public var committed: Int64?
  /// T; nil: none or no table.
  public var table: Int64?
  /// The log's bounds.
  public var bounds: LogBounds
  /// The log's identity.
  public var log: LogIdentity

  /// Facts.
  public init(
    partition: Int32, record: PartitionRecord?, committed: Int64?, table: Int64?, bounds: LogBounds,
    log: LogIdentity
  ) {
    self.partition = partition
    self.record = record
    self.committed = committed
    self.table = table
    self.bounds = bounds
    self.log = log
  }

  /// `W 5, T 5, C none, log 0..<9`, for errors.
  var positions: String {
    func text(_ offset: Int64?) -> String { offset.map(String.init) ?? "none" }
    return "W \(text(record?.nextOffset)), T \(text(table)), C \(text(committed)), "
      + "log \(bounds.low)..<\(bounds.high)"
  }
}

/// What this program runs with.
public struct PipelineIdentity: Equatable, Sendable {
  /// Pipeline name.
  public var name: String
  /// Store generation.
  public var generation: UInt64
  /// Hash of what the state means, hex.
  public var stateHash: String
  /// Hash of the model set, hex.
  public var modelSet: String

  /// An identity.
  public init(name: String, generation: UInt64, stateHash: String, modelSet: String) {
    self.name = name
    self.generation = generation
    self.stateHash = stateHash
    self.modelSet = modelSet
  }
}

/// Where and how to go on with a partition.
public struct Acquisition: Equatable, Sendable {
  /// The record to go on from (W inside).
  public var record: PartitionRecord
  /// Whether the record must be put into the store before anything is read.
  public var isNew: Bool
  /// Emit to the topic from this offset on.
  public var topicFrom: Int64
  /// Emit to the table from this offset on.
  public var tableFrom: Int64
  /// Offset to read from: W, or W − 1 to compare that record with the fingerprint first.
  public var readFrom: Int64
}

/// The rules by which a partition is taken over in effectively-once mode (C ≤ W ≤ T): a pure function.
public enum Delivery {
  /// Decides where to go on. Throws `PortError.refused` when positions contradict each other, naming all of them.
  public static func acquire(
    _ facts: PartitionFacts, identity: PipelineIdentity, startAt: StartAt, onLostState: OnLostState
  ) throws -> Acquisition {
    guard let record = facts.record else {
      if facts.committed == nil && facts.table == nil {
        let start = startAt == .earliest ? facts.bounds.low : facts.bounds.high
        return begin(first(facts, identity: identity, at: start), facts: facts)
      }
      return try lost(facts, identity: identity, onLostState: onLostState)
    }
    try check(record, facts: facts, identity: identity)
    // States and W are of one moment: from an older W the missing states can be made anew, when that is wanted.
    let rebuilding = record.nextOffset < record.rebuildingUntil || onLostState == .rebuild
    if let committed = facts.committed, committed > record.nextOffset, !rebuilding {
      throw refusal(
        facts, "the group's committed offset is ahead of the store (C > W)",
        "someone reset the group or restored an old store; put C back to W or less, or start with --on-lost-state "
          + "rebuild to make the states from W on anew, giving the topic only what lies behind C")
    }
    if let table = facts.table, table < record.nextOffset {
      throw refusal(
        facts, "the table is behind the store (T < W)",
        "the table was restored or emptied; restore a store of the same age, or delete the table's position row "
          + "to let it go on from W without the missing rows")
    }
    return resume(record, facts: facts)
  }

  private static func resume(_ record: PartitionRecord, facts: PartitionFacts) -> Acquisition {
    let next = record.nextOffset
    let canVerify = next > facts.bounds.low && record.lastOffsetPlusOne == next
    let topicFrom = max(next, facts.committed ?? next)
    return Acquisition(
      record: record, isNew: false, topicFrom: topicFrom, tableFrom: facts.table ?? topicFrom,
      readFrom: canVerify ? next - 1 : next)
  }

  /// The record of states that begin at an offset.
  static func first(
    _ facts: PartitionFacts, identity: PipelineIdentity, at start: Int64
  ) -> PartitionRecord {
    var record = PartitionRecord()
    record.generation = identity.generation
    record.nextOffset = start
    record.firstOffset = start
    record.definition = identity.stateHash
    record.modelSet = identity.modelSet
    record.clusterID = facts.log.clusterID
    record.partitionCount = facts.log.partitionCount
    return record
  }

  private static func begin(_ record: PartitionRecord, facts: PartitionFacts) -> Acquisition {
    let topicFrom = max(record.nextOffset, facts.committed ?? record.nextOffset)
    return Acquisition(
      record: record, isNew: true, topicFrom: topicFrom, tableFrom: facts.table ?? topicFrom,
      readFrom: record.nextOffset)
  }

  private static func lost(
    _ facts: PartitionFacts, identity: PipelineIdentity, onLostState: OnLostState
  ) throws -> Acquisition {
    let until = max(facts.committed ?? 0, facts.table ?? 0)
    guard onLostState == .rebuild else {
      throw refusal(
        facts,
        "the store has no record of this partition although its events were scored: its states are lost",
        "restore the store, or make the states anew from the log: tally rebuild, or tally run --on-lost-state rebuild"
      )
    }
    guard facts.bounds.low == 0 else {
      throw refusal(
        facts, "the states are lost and the log no longer reaches back to its first record",
        "restore the store from a backup")
    }
    guard until <= facts.bounds.high else {
      throw refusal(
        facts, "the states are lost and positions lie behind the end of the log",
        "the topic was made anew: use another pipeline generation, group and table")
    }
    var record = first(facts, identity: identity, at: 0)
    record.rebuildingUntil = until
    // A record may be lost while states are not: they would be counted twice.
    record.isClearing = true
    return begin(record, facts: facts)
  }

  private static func check(
    _ record: PartitionRecord, facts: PartitionFacts, identity: PipelineIdentity
  ) throws {
    if record.definition != identity.stateHash {
      throw refusal(
        facts,
        "the store's states were made by another definition (\(record.definition.prefix(12))…, this one is "
          + "\(identity.stateHash.prefix(12))…)",
        "go back to that definition, or stop the pipeline and make the states anew from the log: tally rebuild"
      )
    }
    if record.partitionCount != facts.log.partitionCount {
      throw refusal(
        facts, "the topic had \(record.partitionCount) partitions and now has \(facts.log.partitionCount)",
        "entities moved between partitions: copy the events into a topic that has its partitions from the start, and "
          + "read that one with another group, redis.generation and table")
    }
    if record.clusterID != facts.log.clusterID {
      throw refusal(
        facts, "the states were made from another cluster's log",
        "point kafka.brokers at the cluster they belong to")
    }
    if record.nextOffset < facts.bounds.low || record.nextOffset > facts.bounds.high {
      throw refusal(
        facts, "the next offset lies outside the log",
        "events between were deleted before they were scored, or the topic was made anew")
    }
  }

  static func refusal(_ facts: PartitionFacts, _ what: String, _ next: String) -> PortError {
    PortError(.refused, "partition \(facts.partition): \(what) [\(facts.positions)]; what to do: \(next)")
  }
}
