public import Dataflow

/// The rules by which a partition is taken over: pure functions.
///
/// Effectively once keeps C ≤ W ≤ T, exactly once W ≤ C ≤ T, whatever crashes. Both start at W, give the topic only what lies
/// behind C and the table only what lies behind T, so that a store that was rolled back to an older W is caught up without
/// giving a score twice.
public enum TakeoverRules {
  /// Decides where to go on. Throws `PortError.refused` when positions contradict each other, naming all of them.
  ///
  /// `guarantee` nil: only states are made; neither C nor T counts. `trustsOffsets`: a C that Tally has not committed is what an
  /// operator has set deliberately. `acceptedGap`: what the log lacks of the partition, as an operator has accepted it.
  public static func acquire(
    _ facts: PartitionFacts, identity: PipelineIdentity, startAt: StartAt, onLostState: OnLostState,
    guarantee: DeliveryGuarantee? = .effectivelyOnce, trustsOffsets: Bool = false, acceptedGap: LeftOut? = nil
  ) throws -> Acquisition {
    try checkHomes(facts, partitioner: identity.partitioner)
    try checkWords(facts)
    if facts.isRecordBesideOffset, let guarantee {
      return try acquireByOffset(
        facts, identity: identity, startAt: startAt, guarantee: guarantee, trustsOffsets: trustsOffsets,
        acceptedGap: acceptedGap)
    }
    guard let found = facts.record else {
      if let start = beginning(facts, startAt) {
        var next = begin(first(facts, identity: identity, at: start, guarantee), facts: facts)
        // C tells that the partition began here, should the store be lost before anything is delivered.
        next.commitsFirst = guarantee != nil && facts.committed == nil
        return next
      }
      return try lost(facts, identity: identity, onLostState: onLostState, guarantee)
    }
    try check(found, facts: facts, identity: identity)
    let record = try leavingOut(found, facts, accepted: acceptedGap)
    try checkBounds(record, facts: facts, readsOn: guarantee != nil)
    guard let guarantee else { return resume(record, facts: facts) }
    let was = guaranteeBefore(record, facts: facts)
    try checkPositions(
      record, facts: facts, was: was, onLostState: onLostState, trustsOffsets: trustsOffsets)
    return turn(resume(record, facts: facts), from: was, to: guarantee, facts: facts)
  }

  /// Where a partition begins of which nothing was delivered; nil: something was.
  private static func beginning(_ facts: PartitionFacts, _ startAt: StartAt) -> Int64? {
    guard facts.table == nil else { return nil }
    guard let committed = facts.committed else {
      return startAt == .earliest ? facts.bounds.low : facts.bounds.high
    }
    // Committed when it began, and never since.
    let isUntouched = committed.firstOffset == committed.offset
    let isInLog = facts.bounds.low <= committed.offset && committed.offset <= facts.bounds.high
    return isUntouched && isInLog ? committed.offset : nil
  }

  /// The guarantee under which T and C were moved last: until this generation is beyond the one before it, that one's.
  private static func guaranteeBefore(
    _ record: PartitionRecord, facts: PartitionFacts
  ) -> DeliveryGuarantee {
    guard let before = facts.before, record.nextOffset <= before.nextOffset else { return record.guarantee }
    return before.guarantee
  }

  /// Throws unless T and C are what the guarantee under which they were moved leaves, whatever crashed.
  private static func checkPositions(
    _ record: PartitionRecord, facts: PartitionFacts, was: DeliveryGuarantee, onLostState: OnLostState,
    trustsOffsets: Bool
  ) throws {
    let next = record.nextOffset
    // While states are rebuilt, W lies behind what was delivered, and rightly so.
    let isRebuilding = next < max(record.rebuildingUntil, facts.before?.nextOffset ?? 0)
    if let committed = facts.committed, committed.offset > next {
      // What Tally commits carries its mark. With it a C ahead of W tells of a store that was rolled back; without it, of an operator,
      // who may be right where Tally itself leaves C ahead of W and T tells how far that can be.
      let isPlausible = was == .exactlyOnce && facts.table.map { committed.offset <= $0 } ?? false
      guard committed.firstOffset != nil || isRebuilding || isPlausible || trustsOffsets else {
        throw refusal(
          facts, "the group's committed offset is ahead of the store (C > W), and Tally has not committed it",
          "someone has reset the group; put C back to W or less, or, if C is behind the last event that the topic of scores has "
            + "of this partition, start once with --trust-offsets", reason: .offsetsReset)
      }
      guard was == .exactlyOnce || isRebuilding || onLostState == .rebuild else {
        throw refusal(
          facts, "the group's committed offset is ahead of the store (C > W): the store was rolled back",
          "restore it, or rebuild what it lacks from the log: redis.on_lost_state: rebuild",
          reason: .lostState)
      }
    }
    if let table = facts.table, table < next {
      throw refusal(
        facts, "the table is behind the store (T < W)",
        "the table was restored or emptied; restore a store of the same age, or delete the table's position row "
          + "to let it go on from W without the missing rows", reason: .tableBehind)
    }
    guard was == .exactlyOnce else { return }
    guard let committed = facts.committed?.offset else {
      // T never lags behind C, so that T = W tells what a C was that is gone.
      guard facts.table == next, !isRebuilding else { throw goneOffset(facts) }
      return
    }
    if let table = facts.table, table < committed {
      throw refusal(
        facts, "the table is behind the group's committed offset (T < C)",
        "the table was restored or emptied; restore a newer one, or delete the table's position row to let it go on from C "
          + "without the missing rows", reason: .tableBehind)
    }
    guard committed >= max(next, facts.before?.nextOffset ?? 0) else { throw goneOffset(facts) }
  }

  static func goneOffset(_ facts: PartitionFacts) -> PortError {
    refusal(
      facts, "the group's committed offset is behind what was delivered, or gone",
      "someone has reset or deleted the group, or its offsets have expired; set C to the offset behind the last one that the "
        + "topic of scores has of this partition, and start once with --trust-offsets", reason: .offsetsReset)
  }

  /// Notes the guarantee in the record before anything is delivered under it.
  private static func turn(
    _ acquisition: Acquisition, from was: DeliveryGuarantee, to guarantee: DeliveryGuarantee,
    facts: PartitionFacts
  ) -> Acquisition {
    var next = acquisition
    guard was != guarantee || next.record.guarantee != guarantee else { return next }
    next.isNew = next.isNew || next.record.guarantee != guarantee
    next.record.guarantee = guarantee
    let committed = facts.committed?.offset
    switch guarantee {
    // Everything below W was delivered: C must say so first.
    case .exactlyOnce: next.commitsFirst = (committed ?? -1) < next.record.nextOffset
    // W may lag behind C until it has caught up.
    case .effectivelyOnce:
      let until = max(next.record.rebuildingUntil, committed ?? 0)
      next.isNew = next.isNew || until != next.record.rebuildingUntil
      next.record.rebuildingUntil = until
    }
    return next
  }

  static func resume(_ record: PartitionRecord, facts: PartitionFacts) -> Acquisition {
    let next = record.nextOffset
    let canVerify = next > facts.bounds.low && record.lastOffsetPlusOne == next
    let topicFrom = max(next, facts.committed?.offset ?? next, facts.before?.nextOffset ?? next)
    return Acquisition(
      record: record, isNew: record.leftOut != facts.record?.leftOut, topicFrom: topicFrom,
      tableFrom: facts.table ?? topicFrom, readFrom: canVerify ? next - 1 : next)
  }

  /// The record of states that begin at an offset.
  static func first(
    _ facts: PartitionFacts, identity: PipelineIdentity, at start: Int64, _ guarantee: DeliveryGuarantee?
  ) -> PartitionRecord {
    var record = PartitionRecord()
    record.generation = identity.generation
    record.nextOffset = start
    record.firstOffset = start
    record.definition = identity.stateHash
    record.modelSet = identity.modelSet
    record.clusterID = facts.log.clusterID
    record.partitionCount = facts.log.partitionCount
    record.partitioner = identity.partitioner
    record.guarantee = guarantee ?? .effectivelyOnce
    record.leftOut = facts.orders
    return record
  }

  private static func begin(_ record: PartitionRecord, facts: PartitionFacts) -> Acquisition {
    let topicFrom = max(record.nextOffset, facts.committed?.offset ?? record.nextOffset)
    return Acquisition(
      record: record, isNew: true, topicFrom: topicFrom, tableFrom: facts.table ?? topicFrom,
      readFrom: record.nextOffset)
  }

  private static func lost(
    _ facts: PartitionFacts, identity: PipelineIdentity, onLostState: OnLostState,
    _ guarantee: DeliveryGuarantee?
  ) throws -> Acquisition {
    let until = max(facts.committed?.offset ?? 0, facts.table ?? 0)
    if let committed = facts.committed?.offset, let table = facts.table, table < committed {
      throw refusal(
        facts, "the states are lost, and the table is behind the group's committed offset (T < C)",
        "someone has reset the group, or the table was restored or emptied; put C back to T or less, or delete the table's "
          + "position row to let it go on from C without the missing rows", reason: .tableBehind)
    }
    if guarantee == .exactlyOnce && facts.committed == nil { throw goneOffset(facts) }
    guard onLostState == .rebuild else {
      throw refusal(
        facts,
        "the store has no record of this partition although its events were scored: its states are lost",
        "restore the store, or rebuild the states from the log: redis.on_lost_state: rebuild, or tally rebuild",
        reason: .lostState
      )
    }
    // Without Tally's mark beside C nobody knows where the states began.
    let start = facts.committed?.firstOffset ?? 0
    guard facts.bounds.low <= facts.orders.end(from: start) else {
      throw refusal(
        facts,
        "the states are lost and the log no longer reaches back to offset \(start), where they began\(deleted(facts))",
        "restore the store from a backup, or accept states that know only what the log still has: tally rebuild "
          + "--accept-shorter-log", reason: .logTruncated)
    }
    guard until <= facts.bounds.high, start <= facts.bounds.high else {
      throw refusal(
        facts, "the states are lost and positions lie behind the end of the log",
        "the topic was recreated: use another pipeline generation, group and table", reason: .topicRecreated)
    }
    var record = first(facts, identity: identity, at: start, guarantee)
    record.rebuildingUntil = until
    // A record may be lost while states are not: they would be counted twice.
    record.isClearing = true
    return begin(record, facts: facts)
  }

  /// What was accepted as gone from the log, for errors.
  static func deleted(_ facts: PartitionFacts) -> String {
    let gaps = facts.orders.ranges.filter { $0.cause == .deleted }
    return gaps.isEmpty ? "" : " (accepted as gone: \(LeftOutRanges(gaps).text))"
  }

  private static func check(
    _ record: PartitionRecord, facts: PartitionFacts, identity: PipelineIdentity
  ) throws {
    if record.definition != identity.stateHash {
      throw refusal(
        facts,
        "the store's states were made by another definition (\(record.definition.prefix(12))…, this one is "
          + "\(identity.stateHash.prefix(12))…)",
        "start with the pipeline file that they were made with, or make states of this one from the log, beside the others: "
          + "tally rebuild", reason: .otherDefinition
      )
    }
    try checkCluster(record, facts: facts)
  }

  static func checkCluster(_ record: PartitionRecord, facts: PartitionFacts) throws {
    guard record.clusterID != facts.log.clusterID else { return }
    throw refusal(
      facts, "the states were made from another cluster's log",
      "point kafka.brokers at the cluster they belong to", reason: .otherLog)
  }

  /// What only makes states has an end of its own, beyond which somebody else may be already.
  static func checkBounds(_ record: PartitionRecord, facts: PartitionFacts, readsOn: Bool) throws {
    guard readsOn, record.nextOffset > facts.bounds.high else { return }
    throw refusal(
      facts, "the next offset lies behind the end of the log",
      "the topic was recreated, or has lost records: use another group, redis.generation and table",
      reason: .topicRecreated)
  }

  static func refusal(
    _ facts: PartitionFacts, _ what: String, _ next: String, reason: ErrorReason
  ) -> PortError {
    PortError(
      .refused, "partition \(facts.partition): \(what) [\(facts.positions)]; what to do: \(next)",
      reason: reason)
  }
}
