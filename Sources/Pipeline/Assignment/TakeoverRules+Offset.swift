import Dataflow

/// A pipeline that keeps no state: its record lies beside the group's offset.
///
/// Both guarantees keep W = C ≤ T, whatever crashes: table, then topic, then record and C in one. A table that is ahead has rows that the
/// topic may lack.
extension TakeoverRules {
  /// As `acquire`. Throws `PortError.refused` when T and C contradict each other, or somebody else has moved C.
  static func acquireByOffset(
    _ facts: PartitionFacts, identity: PipelineIdentity, startAt: StartAt, guarantee: DeliveryGuarantee,
    trustsOffsets: Bool, acceptedGap: LeftOut?
  ) throws -> Acquisition {
    let found = try ownRecord(facts, trustsOffsets: trustsOffsets)
    if let found { try checkCluster(found, facts: facts) }
    let start = facts.committed?.offset ?? (startAt == .earliest ? facts.bounds.low : facts.bounds.high)
    let record = found ?? first(facts, identity: identity, at: start, guarantee)
    var next = try leavingOut(record, facts, accepted: acceptedGap)
    next.fitBesideOffset()
    try checkBounds(next, facts: facts, readsOn: true)
    if let table = facts.table, table < next.nextOffset {
      throw refusal(
        facts, "the table is behind the group's committed offset (T < C)",
        "the table was restored or emptied; restore a newer one, or delete the table's position row to let it go on from C "
          + "without the missing rows", reason: .tableBehind)
    }
    next.guarantee = guarantee
    // There are no states that another definition could have made.
    next.definition = identity.stateHash
    next.partitionCount = facts.log.partitionCount
    next.partitioner = identity.partitioner
    var acquisition = resume(next, facts: facts)
    acquisition.isNew = next != facts.record
    return acquisition
  }

  /// The record that Tally has written beside C; nil: the partition begins, at C where an operator has set one deliberately.
  private static func ownRecord(_ facts: PartitionFacts, trustsOffsets: Bool) throws -> PartitionRecord? {
    guard let committed = facts.committed else {
      // It is committed before anything is delivered.
      guard facts.table == nil else {
        throw refusal(
          facts, "the group's committed offset is gone, although the table has a position",
          "someone has deleted the offset, or it has expired: set it to the offset behind the last one that the topic of scores has of "
            + "this partition, and start once with --trust-offsets; or the topic was deleted, and its offsets with it: score the new one "
            + "into another table, or under another name", reason: .offsetsReset)
      }
      return nil
    }
    if let record = facts.record, record.nextOffset == committed.offset { return record }
    guard trustsOffsets else {
      throw refusal(
        facts,
        "beside the group's committed offset there is no record of this pipeline, which keeps no state",
        "someone has set the offset by hand, or a pipeline that keeps states has committed it; set it to where events "
          + "are to be scored from, and start once with --trust-offsets; the counters begin anew",
        reason: .offsetsReset)
    }
    return nil
  }
}
