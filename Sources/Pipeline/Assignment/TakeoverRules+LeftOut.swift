public import Dataflow

extension PartitionFacts {
  /// What operators have ordered to leave out, wherever it stands. What was delivered while an order to skip it was on its way stays, or
  /// states and table would differ for ever.
  public var orders: LeftOutRanges {
    let next = record?.nextOffset ?? 0
    var ahead = record?.leftOut.orders ?? LeftOutRanges()
    for other in [before?.orders, committed?.leftOut, tableLeftOut.orders] {
      if let other { ahead.add(other) }
    }
    ahead.remove(orders: 0..<max(next, table ?? 0, committed?.offset ?? 0), .skipped)
    var all = decidedOrders
    all.add(ahead)
    return all
  }

  /// Those of them that are kept already: what lies ahead may still be delivered before its order arrives.
  var decidedOrders: LeftOutRanges {
    var all = record?.leftOut.orders ?? LeftOutRanges()
    all.remove(orders: (record?.nextOffset ?? 0)..<Int64.max)
    all.add(honoured)
    return all
  }

  /// Orders by which T, C, or the W of a generation before were moved: they stand beside them and lie below.
  var honoured: LeftOutRanges {
    var all = LeftOutRanges()
    let stores = [
      (before?.orders, before?.nextOffset), (committed?.leftOut, committed?.offset),
      (tableLeftOut.orders, table),
    ]
    for case (var orders?, let position?) in stores {
      orders.remove(orders: position..<Int64.max)
      all.add(orders)
    }
    return all
  }

  /// The first offset that is to be read, W being this record's.
  func nextRead(_ record: PartitionRecord) -> Int64 {
    var known = record.leftOut
    known.add(orders)
    return known.end(from: record.nextOffset)
  }
}

/// What is left out of a partition: rules for taking it over.
extension TakeoverRules {
  /// Throws `PortError.refused` when the group says of what is left out something that this program does not know.
  static func checkWords(_ facts: PartitionFacts) throws {
    guard facts.committed?.leftOutIsUnread == true else { return }
    throw refusal(
      facts, "what is left out stands beside the group's offset in words that this program does not know",
      "update this program; if somebody has written them by hand, commit the offset without them and start once with "
        + "--trust-offsets", reason: .newerVersion)
  }

  /// The record with everything that is left out by now. Throws `PortError.refused` when the log begins behind what is next and nobody
  /// has accepted exactly that, or when the states hold what was ordered to be left out.
  ///
  /// `accepted`: what the log lacks, as an operator has said it.
  static func leavingOut(
    _ record: PartitionRecord, _ facts: PartitionFacts, accepted: LeftOut?
  ) throws -> PartitionRecord {
    for order in facts.honoured.ranges where order.cause == .skipped && order.from < record.nextOffset {
      let below = LeftOut(from: order.from, until: min(order.until, record.nextOffset), cause: order.cause)
      guard record.leftOut.covers(below) else {
        throw refusal(
          facts, "the states hold events of the offsets \(below.text), which were ordered to be left out",
          "rebuild the states without them: tally rebuild", reason: .skipRefused)
      }
    }
    var next = record
    next.leftOut.remove(orders: 0..<Int64.max)
    next.leftOut.add(facts.orders)
    try acceptGap(in: &next, facts, accepted)
    return next
  }

  /// Notes a gap between what is next and the log's beginning, if it is what the operator has said.
  private static func acceptGap(
    in record: inout PartitionRecord, _ facts: PartitionFacts, _ accepted: LeftOut?
  ) throws {
    let low = facts.bounds.low
    let next = record.nextRead
    guard next < low else {
      // It was accepted before, or whoever was at work has still read it.
      guard let accepted, accepted.until > next, !record.leftOut.covers(accepted) else { return }
      throw refusal(
        facts, "nothing is missing of the offsets \(accepted.from)-\(accepted.until - 1)",
        "start without --accept-gap for this partition", reason: .skipRefused)
    }
    let gap = LeftOut(from: next, until: low, cause: .deleted)
    let range = "\(facts.partition):\(gap.from)-\(gap.until - 1)"
    // What was delivered behind the gap came of states that knew what lies in it, where there are any.
    let delivered = facts.isRecordBesideOffset ? 0 : max(facts.committed?.offset ?? 0, facts.table ?? 0)
    guard record.nextOffset >= max(record.rebuildingUntil, facts.before?.nextOffset ?? 0), low >= delivered
    else {
      throw refusal(
        facts,
        "the log begins behind the next offset, and the states lack scored events of the offsets "
          + "\(next)-\(low - 1), which are gone",
        "restore the log or the store, or accept states that know only what the log still has: tally rebuild "
          + "--accept-shorter-log", reason: .logTruncated)
    }
    guard let accepted else {
      throw refusal(
        facts,
        "the log begins behind the next offset: \(gap.count) offsets were deleted before they were scored",
        "restore the log; or go on from offset \(low) with the states that are there and without the events between, once: "
          + "tally run --accept-gap \(range)", reason: .logTruncated)
    }
    guard accepted.from == gap.from, accepted.until == gap.until else {
      throw refusal(
        facts, "the offsets that are missing are not \(accepted.from)-\(accepted.until - 1)",
        "if the events between may stay unscored: tally run --accept-gap \(range)", reason: .skipRefused)
    }
    record.leftOut.add(gap)
    try checkRoom(record, facts)
  }

  /// Decides whether a range may be left out by order. Returns the record with the order. Throws `PortError.refused`.
  public static func skip(_ order: LeftOut, _ facts: PartitionFacts) throws -> PartitionRecord {
    guard var record = facts.record, record.successor == 0 else {
      throw refusal(
        facts, "nothing of this partition was scored yet, so that nothing can be left out",
        "start tally run first", reason: .skipRefused)
    }
    let all = facts.orders
    guard !all.covers(order) else { return record }
    let delivered = max(record.nextRead, facts.table ?? 0, facts.committed?.offset ?? 0)
    guard order.from >= delivered else {
      throw refusal(
        facts, "offset \(order.from) was scored already",
        "only what lies ahead can be left out, from offset \(delivered) on", reason: .skipRefused)
    }
    guard order.until <= facts.bounds.high else {
      throw refusal(
        facts, "offset \(order.until - 1) is not in the log yet", "name offsets below \(facts.bounds.high)",
        reason: .skipRefused)
    }
    record.leftOut.add(order)
    try checkRoom(record, facts)
    return record
  }

  /// Throws when no further order can be kept.
  private static func checkRoom(_ record: PartitionRecord, _ facts: PartitionFacts) throws {
    if facts.isRecordBesideOffset {
      var fitted = record
      fitted.fitBesideOffset()
      guard !fitted.fitsBesideOffset else { return }
    } else {
      guard record.leftOut.orders.ranges.count > LeftOutRanges.ordersMax else { return }
    }
    throw refusal(
      facts,
      "\(record.leftOut.orders.ranges.count - 1) ranges are left out of this partition by order already",
      "join them by leaving out what lies between two of them, or start over, with another group, redis.generation and table",
      reason: .skipRefused
    )
  }
}
