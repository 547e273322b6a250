import Dataflow

/// How far reading has come, and what the group shows of it.
extension Worker {
  /// Keeps the ends that reading has reached. To be called when nothing that was given is left to be done.
  func noteReached() {
    for place in owned.indices {
      guard let end = ports.source.reachedEnd(owned[place].partition) else { continue }
      owned[place].reached = max(owned[place].reached, end)
    }
  }

  /// Effectively once: commits C of every partition that moved, be it over marks of transactions. A failure is not an error: C may
  /// lag, W counts.
  func commitOffsets() {
    guard transactions == nil else { return }
    var marks: [OffsetMark] = []
    for place in owned.indices {
      let mark = owned[place].mark(owned[place].record.nextOffset)
      // A C ahead of W belongs to what is being made again.
      guard mark.offset >= owned[place].committed ?? -1, mark.shown > owned[place].shown else { continue }
      marks.append(mark)
    }
    guard !marks.isEmpty, (try? ports.source.commit(marks)) != nil else { return }
    noteCommitted(marks)
  }

  /// Exactly once: lets the group show the end that was reached at rest. In a transaction without messages: a commit by itself that
  /// is late would take C back behind the transactions that follow.
  func commitReached() throws {
    guard let transactions else { return }
    var marks: [OffsetMark] = []
    for place in owned.indices where owned[place].committed == owned[place].record.nextOffset {
      let mark = owned[place].mark(owned[place].record.nextOffset)
      if mark.shown > owned[place].shown { marks.append(mark) }
    }
    guard !marks.isEmpty else { return }
    batch.removeAll()
    let membership = ports.source.membership
    let outcome = try waiting { try transactions.commit(self.batch, offsets: marks, membership: membership) }
    guard let outcome else { throw Abandoned() }
    if outcome == .conflict { throw Superseded() }
    noteCommitted(marks)
  }

  /// As `commitReached`, when everything ends: what fails stays as it is.
  func showReached() {
    guard !mustSettle else { return }
    try? commitReached()
  }

  func noteCommitted(_ marks: [OffsetMark]) {
    for mark in marks {
      let place = Int(places[Int(mark.partition)])
      owned[place].committed = mark.offset
      owned[place].shown = mark.shown
    }
  }

  /// Tells where partitions stand, as far as that has changed. Marks of transactions at the log's end count as read.
  func reportPositions() {
    for place in owned.indices {
      let partition = owned[place].partition
      let next = max(owned[place].record.nextOffset, owned[place].reached)
      let end = max(next, ports.source.knownEnd(partition) ?? 0, owned[place].askedEnd)
      guard next != owned[place].reportedNext || end != owned[place].end else { continue }
      owned[place].reportedNext = next
      owned[place].end = end
      ports.recorder.position(partition: partition, next: next, end: end)
      if owned[place].stuck != nil { tellRunning() }
      let passed = owned[place].record.passedOffsets
      if !passed.isEmpty { ports.recorder.leftOut(partition: partition, offsets: passed) }
      let timeMs = owned[place].record.lastTimestampMs
      if timeMs > 0 { ports.recorder.lastRead(partition: partition, timeMs: timeMs) }
    }
  }
}

/// A partition whose states are made again: up to where all was delivered.
extension Acquisition {
  /// Why, and up to which offset; nil: they are not.
  func makesAgain(
    _ facts: PartitionFacts, guarantee: DeliveryGuarantee?
  ) -> (until: Int64, because: StateLoss)? {
    // Exactly once leaves W behind C and T after any crash: a batch is repeated then, and no state was lost.
    let isUnfinished = record.rebuildingUntil > record.nextOffset || facts.before != nil
    guard let guarantee, isUnfinished || guarantee == .effectivelyOnce else { return nil }
    let until = min(topicFrom, tableFrom)
    guard until > record.nextOffset else { return nil }
    return (until, record.isClearing ? .lost : isUnfinished ? .unfinished : .fellBack)
  }
}
