import Dataflow

/// What operators do about logs that are cut, and about records that they want left out.
extension World {
  /// The log loses its oldest records, perhaps some that were not scored.
  func truncate(_ partition: Int32, _ draw: inout Draw) {
    let place = Int(partition)
    guard let standing = standing(partition), group.committed[place] != nil else { return }
    let next = Int(clamping: standing.nextOffset)
    let low = Int64(draw.int(max(0, next - 6)...next + 8))
    guard low > log.low[place], low <= log.end(place) else { return }
    log.low[place] = low
    logChanges += 1
    remark("partition \(partition): the log begins at \(low) now")
  }

  /// Someone runs `tally skip`: looks where the partition stands, and a little later changes its record, if nobody has meanwhile.
  func orderSkip(_ partition: Int32, _ draw: inout Draw) {
    let place = placeInForce(partition)
    guard let record = store.slot(place).record, let decided = skip(partition, &draw) else { return }
    let (next, order) = (decided.record.encoded, decided.order)
    guard next != record else { return }
    after(draw.milliseconds(0...20)) { [self] in
      var write = StateWrite()
      write.partition = partition
      write.expected = record
      write.record = next
      guard store.write(write, at: place) == .written else { return }
      orders[Int(partition)].add(order)
      livesBeforeOrder[Int(partition)] = promises.count
      remark("partition \(partition): ordered to leave out \(order.text)")
    }
  }

  /// An order, and the partition's record with it; nil: it is refused, or there is nothing yet to leave anything out of.
  func skip(_ partition: Int32, _ draw: inout Draw) -> (record: PartitionRecord, order: LeftOut)? {
    guard let standing = standing(partition) else { return nil }
    let from = standing.nextOffset + Int64(draw.below(10))
    let order = LeftOut(from: from, until: from + Int64(draw.int(1...5)), cause: .skipped)
    let bounds = LogBounds(low: log.low[Int(partition)], high: log.end(Int(partition)))
    let decided = SimulatedSkip.record(
      standing, leavingOut: order, of: partition, committed: group.committed[Int(partition)],
      table: table.positions[partition], tableLeftOut: table.leftOut[partition] ?? LeftOutRanges(),
      bounds: bounds, isRecordBesideOffset: !plan.keepsState)
    return decided.map { ($0, order) }
  }

  /// An order that no position has passed yet stands in the store alone, and may be lost with it; somebody may have gone by it.
  func noteLostOrders() {
    for partition in orders.indices where !orders[partition].isEmpty {
      livesBeforeOrder[partition] = promises.count
    }
  }

  /// Whether a refusal is right because the log was cut, or what was said about it is out of date; then an operator does something
  /// about it: accepts what is gone, or, where states are lost, brings the log back from a backup.
  func takeUp(_ life: Life, _ error: PortError) -> Bool {
    // What a life was told, or has read of the log's beginning, may be out of date by now.
    let isLate = life.logChanges != logChanges && error.detail.contains("the log")
    // Whoever had the partition before may have moved it just now.
    let wasBehind =
      log.low.contains { $0 > 0 } && error.detail.contains("the log begins behind the next offset")
    var isRight =
      isLate || wasBehind || life.plan.acceptedGaps != gapsNow
      || error.detail.hasPrefix("position outside the log")
    for partition in 0..<Int32(plan.partitions) where log.low[Int(partition)] > 0 {
      let place = Int(partition)
      let low = log.low[place]
      let standing = standing(partition)
      let delivered = max(table.positions[partition] ?? 0, group.committed[place]?.offset ?? 0)
      var known = standing?.leftOut ?? LeftOutRanges()
      known.remove(orders: 0..<delivered, .skipped)
      known.add(below(table.positions[partition], table.leftOut[partition]?.orders))
      known.add(below(group.committed[place]?.offset, group.committed[place]?.leftOut))
      let former = former(partition)
      known.add(below(former?.nextOffset, former?.leftOut.orders))
      // An order that nobody has passed yet holds wherever it stands.
      for orders in [
        former?.leftOut.orders, table.leftOut[partition]?.orders, group.committed[place]?.leftOut,
      ] {
        guard var ahead = orders else { continue }
        ahead.remove(orders: 0..<max(delivered, standing?.nextOffset ?? 0), .skipped)
        known.add(ahead)
      }
      let next = known.end(from: standing?.nextOffset ?? 0)
      if next >= low { gapsNow[partition] = nil }
      guard next < low else { continue }
      isRight = true
      // Rows behind the gap came of states that knew what lies in it, where there are any.
      let isBehind = low >= delivered || !plan.keepsState
      if let standing, standing.isWhole, isBehind, former?.nextOffset ?? 0 <= standing.nextOffset {
        let gap = LeftOut(from: next, until: low, cause: .deleted)
        gapsNow[partition] = gap
        acceptedGaps[place].add(gap)
        livesBeforeOrder[place] = promises.count
        remark("partition \(partition): accepted as gone: \(gap.text)")
      } else {
        log.low[place] = 0
        logChanges += 1
        gapsNow[partition] = nil
        remark("partition \(partition): the log is whole again")
      }
    }
    return isRight
  }

  /// What a store's position was moved by.
  private func below(_ position: Int64?, _ orders: LeftOutRanges?) -> LeftOutRanges {
    guard let position, var orders else { return LeftOutRanges() }
    orders.remove(orders: position..<Int64.max)
    return orders
  }

  /// The record of the generation before the one in force; nil: there was none.
  private func former(_ partition: Int32) -> PartitionRecord? {
    let place = placeInForce(partition)
    guard place.generation > pipeline.generation else { return nil }
    let before = StoreKey(generation: place.generation - 1, partition: partition)
    return store.slot(before).record.flatMap { PartitionRecord.stored($0) }
  }
}
