import Dataflow

/// How a partition's states are made anew from the log.
public struct Renewal: Equatable, Sendable {
  /// The record to put in the place of what is there; nil: a renewal is under way and goes on from what is there.
  public var record: PartitionRecord?
  /// Offset at which the states are made from.
  public var from: Int64
  /// Offset up to which they are made: what lies behind was not scored yet.
  public var until: Int64
}

extension Delivery {
  /// Decides how the states of a partition are made anew. nil: nothing of it was ever scored.
  ///
  /// The states are made up to max(W, C): from there on `run` scores, and gives the table only what lies behind T.
  /// `begun`: the record of the generation in which they are made, which may be the facts' own; nil: none yet.
  /// `acceptShorterLog`: also when the log no longer has the record at which the states began. `goesOn`: take an
  /// interrupted renewal up where it stands. Throws `PortError.refused`.
  public static func renew(
    _ facts: PartitionFacts, begun: PartitionRecord?, identity: PipelineIdentity, acceptShorterLog: Bool,
    goesOn: Bool
  ) throws -> Renewal? {
    guard facts.record != nil || facts.committed != nil || facts.table != nil else { return nil }
    try checkHomes(facts, partitioner: identity.partitioner)
    let until = max(facts.record?.nextOffset ?? 0, facts.committed?.offset ?? 0)
    if let record = facts.record {
      try checkLog(of: record, facts: facts)
      try checkReset(record, facts: facts)
    }
    guard until <= facts.bounds.high, facts.table ?? 0 <= facts.bounds.high else {
      throw refusal(
        facts, "positions lie behind the end of the log",
        "the topic was made anew: use another pipeline generation, group and table")
    }
    if let begun, goesOn, isUnderWay(begun, facts: facts, identity: identity) {
      return Renewal(record: nil, from: begun.nextOffset, until: until)
    }
    var start = facts.record?.firstOffset ?? facts.committed?.firstOffset ?? 0
    if facts.bounds.low > start {
      guard acceptShorterLog else {
        throw refusal(
          facts, "the log no longer reaches back to offset \(start), where the states began",
          "restore the store from a backup, or accept states that know only what the log still has: "
            + "--accept-shorter-log")
      }
      start = facts.bounds.low
    }
    var record = first(facts, identity: identity, at: start, facts.record?.guarantee)
    record.rebuildingUntil = max(until, facts.table ?? 0)
    record.isClearing = true
    return Renewal(record: record, from: start, until: max(start, until))
  }

  /// Whether a record is that of a renewal that was interrupted and can go on.
  private static func isUnderWay(
    _ begun: PartitionRecord, facts: PartitionFacts, identity: PipelineIdentity
  ) -> Bool {
    guard begun.definition == identity.stateHash, begun.clusterID == facts.log.clusterID,
      begun.homes == KeyHomes(identity.partitioner, partitionCount: facts.log.partitionCount),
      begun.successor == 0,
      begun.nextOffset >= facts.bounds.low
    else { return false }
    let isInPlace = begun.generation == facts.record?.generation
    return !isInPlace || begun.isClearing || begun.nextOffset < begun.rebuildingUntil
  }

  /// Throws when a run could not go on behind the states, or would leave events out.
  private static func checkReset(_ record: PartitionRecord, facts: PartitionFacts) throws {
    if let committed = facts.committed, committed.offset > record.nextOffset, committed.firstOffset == nil {
      throw refusal(
        facts, "the group's committed offset is ahead of the store (C > W), and Tally has not committed it",
        "someone has reset the group; put C back to W or less")
    }
    if facts.bounds.low > record.nextOffset {
      throw refusal(
        facts,
        "the events \(record.nextOffset)..<\(facts.bounds.low) were deleted before they were scored",
        "begin anew, with another group, redis.generation and table")
    }
  }

  private static func checkLog(of record: PartitionRecord, facts: PartitionFacts) throws {
    guard record.clusterID == facts.log.clusterID else {
      throw refusal(
        facts, "the states were made from another cluster's log",
        "point kafka.brokers at the cluster they belong to")
    }
  }
}
