import Dataflow

/// What differs where the pipeline keeps no state: records lie beside the group's offsets, and a table may come later.
extension World {
  /// The partition's record in force; nil: there is none.
  func standing(_ partition: Int32) -> PartitionRecord? {
    let bytes =
      plan.keepsState
      ? store.slot(placeInForce(partition)).record : group.committed[Int(partition)]?.record
    return bytes.flatMap { PartitionRecord.stored($0) }
  }

  /// All processes are ended, and start again with a table.
  func addTable(ending alive: [Life]) {
    hasTable = true
    remark("from now on there is a table")
    for life in alive {
      life.die()
      wake(life)
    }
  }

  /// A table's first rows: those of records below C were for the topic alone.
  func noteFirstRows(_ moves: [PositionMove]) {
    for move in moves where move.old == nil && tableBegan[move.partition] == nil {
      tableBegan[move.partition] = group.committed[Int(move.partition)]?.offset ?? 0
    }
  }

  /// As `orderSkip`: all processes are asked to stop, since brokers refuse it while anybody is in the group; and a transaction must not
  /// still be about to move the offset.
  func orderSkipBesideOffset(_ partition: Int32, stopping alive: [Life], _ draw: inout Draw) {
    for life in alive { life.stop() }
    let delay = draw.milliseconds(0...20)
    trySkip(partition, draw, after: delay, triesLeft: Self.skipTriesMax)
  }

  private static let skipTriesMax = 60
  private static let skipEvery: Int64 = 20_000

  private func trySkip(_ partition: Int32, _ draw: Draw, after delay: Int64, triesLeft: Int) {
    guard triesLeft > 0, now < plan.quietAt else { return }
    guard isFree(partition) else {
      after(Self.skipEvery) { [self] in trySkip(partition, draw, after: delay, triesLeft: triesLeft - 1) }
      return
    }
    var draw = draw
    let place = Int(partition)
    guard let bytes = group.committed[place]?.record, let next = skip(partition, &draw) else { return }
    after(delay) { [self] in
      guard isFree(partition), group.committed[place]?.record == bytes else { return }
      group.apply([OffsetMark(of: next.record, partition: partition)])
      orders[place].add(next.order)
      livesBeforeOrder[place] = promises.count
      remark("partition \(partition): ordered to leave out \(next.order.text)")
    }
  }

  private func isFree(_ partition: Int32) -> Bool {
    group.seats.isEmpty && !transactions.hasPendingOffset(partition)
  }
}
