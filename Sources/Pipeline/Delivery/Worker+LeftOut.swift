import Dataflow

/// Passing over what is left out of a partition, and waiting for what cannot be had.
extension Worker {
  /// Leaves out what the source cannot give, and passes over it. To be called when all that was given is done.
  func leaveOut(_ range: LeftOut, of partition: Int32, _ why: String) throws {
    guard let place = place(of: partition), range.until > owned[place].record.nextOffset else { return }
    let from = owned[place].record.nextOffset
    // Between W and the range no record was given: nothing is passed over there but marks, and what compaction took.
    try pass(place, until: range.until, why) { record in
      record.leftOut.add(LeftOut(from: max(from, range.from), until: range.until, cause: .unreadable))
      if record.unpackedBytesMax == 0 { record.unpackedBytesMax = self.ports.source.unpackedBytesMax }
    }
  }

  /// Passes over what is left out where partitions stand.
  func passLeftOut() throws {
    for place in owned.indices where !owned[place].record.leftOut.ranges.isEmpty {
      let until = min(owned[place].record.nextRead, owned[place].passUntilMax)
      if until > owned[place].record.nextOffset { try pass(place, until: until, "") { _ in } }
    }
  }

  /// As `passLeftOut`, when partitions are taken over. Returns false when given up. Throws `.unavailable` when somebody else moves them.
  func passAtStart() throws -> Bool {
    do {
      try passLeftOut()
      return true
    } catch is Abandoned {
      mustSettle = transactions != nil
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
    var next = owned[place].record
    change(&next)
    next.nextOffset = until
    if next.nextOffset >= next.rebuildingUntil { next.rebuildingUntil = 0 }
    batch.removeAll()
    let from = owned[place].record.nextOffset
    if configuration.has(.leftOutStateFirst) { try writeState(next, place) }
    try moveTable(next, place)
    if transactions != nil { try moveOffset(next, place) }
    if !configuration.has(.leftOutStateFirst) { try writeState(next, place) }
    if transactions == nil { commitOffsets() }
    owned[place].topicFrom = max(owned[place].topicFrom, until)
    tellPassed(place, from: from, why)
    tellRunning()
  }

  /// Tells what was left out on the way to W.
  func tellPassed(_ place: Int, from: Int64, _ why: String) {
    let until = owned[place].record.nextOffset
    for range in owned[place].record.leftOut.ranges where range.until > from && range.from < until {
      let passed = LeftOut(from: max(range.from, from), until: min(range.until, until), cause: range.cause)
      ports.recorder.leftOut(partition: owned[place].partition, passed, why: why)
    }
  }

  private func moveTable(_ next: PartitionRecord, _ place: Int) throws {
    guard let table = ports.table, configuration.guarantee != nil else { return }
    let until = max(next.nextOffset, owned[place].tableFrom)
    guard until > owned[place].tableFrom || owned[place].tablePosition == nil else { return }
    let move = PositionMove(
      partition: owned[place].partition, old: owned[place].tablePosition, new: until, leftOut: told(next))
    guard let outcome = try waiting({ try table.write(self.batch, moves: [move]) }) else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    owned[place].tablePosition = until
    owned[place].tableFrom = until
  }

  /// Exactly once: moves C, in a transaction without messages.
  private func moveOffset(_ next: PartitionRecord, _ place: Int) throws {
    guard let transactions, next.nextOffset > owned[place].committed ?? -1 else { return }
    let mark = OffsetMark(
      partition: owned[place].partition, offset: next.nextOffset, firstOffset: next.firstOffset,
      homes: next.homes, leftOut: told(next))
    let membership = ports.source.membership
    let outcome = try waiting { try transactions.commit(self.batch, offsets: [mark], membership: membership) }
    guard let outcome else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    noteCommitted([mark])
  }

  /// What table and group are told to be left out.
  func told(_ record: PartitionRecord) -> LeftOutRanges {
    configuration.has(.leftOutUntold) ? LeftOutRanges() : record.leftOut
  }

  private func writeState(_ next: PartitionRecord, _ place: Int) throws {
    write.partition = owned[place].partition
    write.expected = owned[place].recordBytes
    write.record = next.encoded
    write.bytes.removeAll(keepingCapacity: true)
    write.entries.removeAll(keepingCapacity: true)
    guard let outcome = try waiting({ try self.ports.store.write(self.write) }) else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    owned[place].record = next
    owned[place].recordBytes = write.record
  }

  /// Notes what cannot be had, and looks whether an operator has ordered to leave it out. Returns whether the partition's record was
  /// changed by somebody else, so that partitions are to be taken over again.
  func noteStuck(_ partition: Int32, from: Int64, until: Int64?, _ why: String) throws -> Bool {
    guard let place = place(of: partition) else { return false }
    // It is left out already, and the source is to go on behind it.
    guard owned[place].record.leftOut.end(from: from) == from else { return true }
    let range = "\(partition):\(from)-\((until ?? from + 1) - 1)"
    owned[place].stuck = (
      from,
      "waiting for partition \(partition), whose log cannot be read on from offset \(from): \(why); to leave records out: tally skip "
        + range
    )
    tellRunning()
    guard let found = try waiting({ try self.ports.store.records([partition]) }) else { return false }
    return found[0] ?? [] != owned[place].recordBytes
  }

  /// Looks now and then at the records of partitions that have something to come and get nothing, whatever the reason: an operator may
  /// have ordered to leave it out. Returns whether one was changed.
  func isOrderedOn() throws -> Bool {
    let now = ports.clock.monotonicNanos()
    guard now &- lookedNanos >= UInt64(configuration.verifyAfterMs) * 1_000_000 else { return false }
    lookedNanos = now
    var silent: [Int] = []
    for place in owned.indices {
      let next = owned[place].record.nextOffset
      if owned[place].nextAtLook == next, owned[place].end > max(next, owned[place].reached) {
        silent.append(place)
      }
      owned[place].nextAtLook = next
    }
    guard !silent.isEmpty,
      let found = try waiting({ try self.ports.store.records(silent.map { self.owned[$0].partition }) })
    else { return false }
    return zip(silent, found).contains { $1 ?? [] != owned[$0].recordBytes }
  }

  /// Tells that the worker is running, or which partition waits.
  func tellRunning() {
    for place in owned.indices {
      if let stuck = owned[place].stuck, owned[place].record.nextOffset > stuck.from {
        owned[place].stuck = nil
      }
    }
    if let text = owned.lazy.compactMap({ $0.stuck?.text }).first {
      ports.recorder.state(text, healthy: false)
    } else {
      ports.recorder.state("running", healthy: true)
    }
  }

  private func place(of partition: Int32) -> Int? {
    guard partition >= 0, Int(partition) < places.count, places[Int(partition)] >= 0 else { return nil }
    return Int(places[Int(partition)])
  }
}
