public import Dataflow

/// How a partition's states are rebuilt from the log.
public struct Renewal: Equatable, Sendable {
  /// The record to put in the place of what is there; nil: a renewal is under way and goes on from what is there.
  public var record: PartitionRecord?
  /// Offset of the first record that goes into the states.
  public var from: Int64
  /// Offset before which the rebuild ends: records from there on were not scored yet.
  public var until: Int64
}

extension TakeoverRules {
  /// Gives a generation that is being made what the live one has left out meanwhile by order. nil: it has all of it. Throws
  /// `PortError.refused` when it has read beyond.
  public static func takeOver(
    ordersOf live: PartitionRecord, to begun: PartitionRecord, partition: Int32
  ) throws -> PartitionRecord? {
    var orders = live.leftOut.orders
    orders.remove(orders: live.nextOffset..<Int64.max)
    var next = begun
    for order in orders.ranges where !begun.leftOut.covers(order) {
      guard order.from >= begun.nextOffset else {
        throw PortError(
          .refused,
          "partition \(partition): the offsets \(order.text) were left out while their events were read for the new states; what to "
            + "do: begin again without them, with tally rebuild --restart", reason: .skipRefused)
      }
      next.leftOut.add(order)
    }
    return next == begun ? nil : next
  }

  /// Decides how the states of a partition are rebuilt. nil: nothing of it was ever scored.
  ///
  /// The states are made up to max(W, C): from there on `run` scores, and gives the table only what lies behind T.
  /// `begun`: the partition record of the generation that is being rebuilt, in place the one of `facts`; nil: there is none yet.
  /// `acceptShorterLog`: also when the log no longer has the record at which the states began. `goesOn`: take an
  /// interrupted renewal up where it stands. Throws `PortError.refused`.
  public static func renew(
    _ facts: PartitionFacts, begun: PartitionRecord?, identity: PipelineIdentity, acceptShorterLog: Bool,
    goesOn: Bool
  ) throws -> Renewal? {
    guard facts.record != nil || facts.committed != nil || facts.table != nil else { return nil }
    try checkHomes(facts, partitioner: identity.partitioner)
    try checkWords(facts)
    let until = max(facts.record?.nextOffset ?? 0, facts.committed?.offset ?? 0)
    if let record = facts.record {
      try checkCluster(record, facts: facts)
      try checkReset(record, facts: facts)
    }
    guard until <= facts.bounds.high, facts.table ?? 0 <= facts.bounds.high else {
      throw refusal(
        facts, "positions lie behind the end of the log",
        "the topic was recreated: use another pipeline generation, group and table", reason: .topicRecreated)
    }
    if let begun, goesOn, isUnderWay(begun, facts: facts, identity: identity) {
      var record = begun
      record.leftOut.add(facts.decidedOrders)
      return Renewal(
        record: record.leftOut == begun.leftOut ? nil : record, from: begun.nextOffset, until: until)
    }
    var start = facts.record?.firstOffset ?? facts.committed?.firstOffset ?? 0
    if facts.bounds.low > facts.orders.end(from: start) {
      guard acceptShorterLog else {
        throw refusal(
          facts, "the log no longer reaches back to offset \(start), where the states began\(deleted(facts))",
          "restore the store from a backup, or accept states that know only what the log still has: "
            + "--accept-shorter-log", reason: .logTruncated)
      }
      start = facts.bounds.low
    }
    var record = first(facts, identity: identity, at: start, facts.record?.guarantee)
    record.rebuildingUntil = max(until, facts.table ?? 0)
    record.isClearing = true
    record.leftOut = facts.decidedOrders
    // What was unreadable by one size is so again.
    record.unpackedBytesMax = facts.record?.unpackedBytesMax ?? 0
    return Renewal(record: record, from: start, until: max(start, until))
  }

  /// Whether a record is that of a renewal that was interrupted and can go on.
  private static func isUnderWay(
    _ begun: PartitionRecord, facts: PartitionFacts, identity: PipelineIdentity
  ) -> Bool {
    guard begun.definition == identity.stateHash, begun.clusterID == facts.log.clusterID,
      begun.homes == KeyHomes(identity.partitioner, partitionCount: facts.log.partitionCount),
      begun.successor == 0, begun.nextRead >= facts.bounds.low,
      facts.decidedOrders.ranges.allSatisfy({ $0.from >= begun.nextOffset || begun.leftOut.covers($0) })
    else { return false }
    let isInPlace = begun.generation == facts.record?.generation
    return !isInPlace || begun.isClearing || begun.nextOffset < begun.rebuildingUntil
  }

  /// Throws when a run could not go on behind the states, or would leave events out.
  private static func checkReset(_ record: PartitionRecord, facts: PartitionFacts) throws {
    if let committed = facts.committed, committed.offset > record.nextOffset, committed.firstOffset == nil {
      throw refusal(
        facts, "the group's committed offset is ahead of the store (C > W), and Tally has not committed it",
        "someone has reset the group; put C back to W or less", reason: .offsetsReset)
    }
    let next = facts.nextRead(record)
    if facts.bounds.low > next {
      throw refusal(
        facts, "the offsets \(next)-\(facts.bounds.low - 1) were deleted before they were scored",
        "go on without them first, once: tally run --accept-gap \(facts.partition):\(next)-\(facts.bounds.low - 1)",
        reason: .logTruncated
      )
    }
  }
}
