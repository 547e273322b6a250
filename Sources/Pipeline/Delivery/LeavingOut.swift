import Dataflow

/// Passes over what is left out of a partition, and waits for what cannot be had. One thread.
struct LeavingOut {
  let context: WorkerContext
  let progress: Progress

  private var configuration: WorkerConfiguration { context.configuration }
  private var ports: WorkerPorts { context.ports }
  private var assignment: Assignment { context.assignment }

  /// Leaves out what the source cannot give, and passes over it. To be called when all that was given is done.
  func leaveOut(_ range: LeftOut, of partition: Int32, _ why: String) throws {
    guard let place = assignment.place(of: partition) else { return }
    let from = assignment.owned[place].record.nextOffset
    guard range.until > from else { return }
    // Between W and the range no record was given: nothing is passed over there but marks, and what compaction took.
    try pass(place, until: range.until, why) { record in
      record.leftOut.add(LeftOut(from: max(from, range.from), until: range.until, cause: .unreadable))
      if record.unpackedBytesMax == 0 { record.unpackedBytesMax = ports.source.unpackedBytesMax }
    }
  }

  /// Passes over what is left out where partitions stand.
  func passLeftOut() throws {
    for place in assignment.owned.indices where !assignment.owned[place].record.leftOut.ranges.isEmpty {
      let own = assignment.owned[place]
      let until = min(own.record.nextRead, own.passUntilMax)
      if until > own.record.nextOffset { try pass(place, until: until, "") { _ in } }
    }
  }

  /// As `passLeftOut`, when partitions are taken over. Returns false when given up. Throws `.unavailable` when somebody else moves them.
  func passAtStart() throws -> Bool {
    do {
      try passLeftOut()
      return true
    } catch is Abandoned {
      context.abandonTransaction()
      return false
    } catch is Superseded {
      throw PortError(
        .unavailable, "a partition whose offsets are left out: another worker moves its positions",
        reason: .busy)
    }
  }

  /// Moves T, W and C over offsets, each by compare-and-set, in the order that the guarantee has for batches; no record before W is known
  /// then.
  private func pass(
    _ place: Int, until: Int64, _ why: String, _ change: (inout PartitionRecord) -> Void
  ) throws {
    let from = assignment.owned[place].record.nextOffset
    var next = assignment.owned[place].record
    change(&next)
    next.inForce = try context.inForce(next, at: until, of: assignment.owned[place].partition)
    next.nextOffset = until
    if next.nextOffset >= next.rebuildingUntil { next.rebuildingUntil = 0 }
    // Beside the offset the record moves with C.
    let isBesideOffset = context.offsets != nil
    if isBesideOffset { next.fitBesideOffset() }
    context.batch.removeAll()
    if configuration.has(.leftOutStateFirst) { try writeState(next, place) }
    try moveTable(next, place)
    if context.transactions != nil, !isBesideOffset { try moveOffset(next, place) }
    if !configuration.has(.leftOutStateFirst) { try writeState(next, place) }
    if context.transactions == nil { progress.commitOffsets() }
    assignment.owned[place].topicFrom = max(assignment.owned[place].topicFrom, until)
    assignment.owned[place].tellPassed(from: from, why, ports.recorder)
    assignment.tellRunning(ports.recorder)
  }

  private func moveTable(_ next: PartitionRecord, _ place: Int) throws {
    guard let table = ports.table, configuration.guarantee != nil else { return }
    let own = assignment.owned[place]
    let until = max(next.nextOffset, own.tableFrom)
    guard until > own.tableFrom || own.tablePosition == nil else { return }
    let move = PositionMove(
      partition: own.partition, old: own.tablePosition, new: until, leftOut: configuration.told(next))
    guard let outcome = try context.waiting({ try table.write(context.batch, moves: [move]) }) else {
      throw Abandoned()
    }
    if outcome == .conflict { throw Superseded() }
    assignment.owned[place].tablePosition = until
    assignment.owned[place].tableFrom = until
  }

  /// Exactly once: moves C, in a transaction without messages.
  private func moveOffset(_ next: PartitionRecord, _ place: Int) throws {
    let own = assignment.owned[place]
    guard let transactions = context.transactions, next.nextOffset > own.committed ?? -1 else { return }
    let mark = OffsetMark(
      partition: own.partition, offset: next.nextOffset, firstOffset: next.firstOffset,
      homes: next.homes, leftOut: configuration.told(next))
    try context.moveOffsets([mark], by: transactions)
  }

  private func writeState(_ next: PartitionRecord, _ place: Int) throws {
    var write = StateWrite()
    write.partition = assignment.owned[place].partition
    write.expected = assignment.owned[place].recordBytes
    write.record = next.encoded
    guard let outcome = try context.waiting({ try context.store.write(write) }) else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    assignment.owned[place].recordBytes = write.record
    assignment.noteWritten(next, at: place)
  }

  /// Notes what cannot be had, and looks whether an operator has ordered to leave it out. Returns whether the partition's record was
  /// changed by somebody else, so that partitions are to be taken over again.
  func noteStuck(_ partition: Int32, from: Int64, until: Int64?, _ why: String) throws -> Bool {
    guard let place = assignment.place(of: partition) else { return false }
    // It is left out already, and the source is to go on behind it.
    guard assignment.owned[place].record.leftOut.end(from: from) == from else { return true }
    let range = "\(partition):\(from)-\((until ?? from + 1) - 1)"
    assignment.owned[place].stuck = (
      from,
      "waiting for partition \(partition), whose log cannot be read on from offset \(from): \(why); to leave records out: tally skip "
        + range
    )
    assignment.tellRunning(ports.recorder)
    guard let found = try context.waiting({ try context.store.records([partition]) }) else { return false }
    return found[0] ?? [] != assignment.owned[place].recordBytes
  }

  /// Looks at the records of partitions that have something to come and have got nothing since the last look, whatever the reason: an
  /// operator may have ordered to leave it out. Returns whether one was changed.
  func areOrderedOn() throws -> Bool {
    var silent: [Int] = []
    for place in assignment.owned.indices {
      let own = assignment.owned[place]
      let next = own.record.nextOffset
      if own.nextAtLook == next, own.end > max(next, own.reached) { silent.append(place) }
      assignment.owned[place].nextAtLook = next
    }
    guard !silent.isEmpty,
      let found = try context.waiting({
        try context.store.records(silent.map { assignment.owned[$0].partition })
      })
    else { return false }
    return zip(silent, found).contains { $1 ?? [] != assignment.owned[$0].recordBytes }
  }
}

extension OwnedPartition {
  /// Tells what was left out on the way from an offset to W.
  func tellPassed(from: Int64, _ why: String, _ recorder: any Recorder) {
    let until = record.nextOffset
    for range in record.leftOut.ranges where range.until > from && range.from < until {
      let passed = LeftOut(from: max(range.from, from), until: min(range.until, until), cause: range.cause)
      recorder.leftOut(partition: partition, passed, why: why)
    }
  }
}

extension WorkerConfiguration {
  /// What table and group are told to be left out.
  func told(_ record: PartitionRecord) -> LeftOutRanges {
    has(.leftOutUntold) ? LeftOutRanges() : record.leftOut
  }
}
