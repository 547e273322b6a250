import Dataflow
import Events

extension Worker {
  /// Takes partitions over: ends what an earlier life left open, reads W, T and C, checks them against each other and the log,
  /// starts reading.
  func acquire(_ partitions: [Int32]) throws {
    forgetAll()
    let asked = try waiting {
      try self.settle()
      return try self.facts(of: partitions)
    }
    guard let acquired = asked else { return }
    let (facts, bytes) = acquired
    guard try surveyHomes(of: facts) else { return }
    var starts: [(partition: Int32, offset: Int64)] = []
    var next: [OwnedPartition] = []
    var hasStamped = false
    for (index, fact) in facts.enumerated() {
      let decision = try decide(fact, bytes[index])
      var recordBytes = bytes[index] ?? []
      var record = decision.record
      var committed = fact.committed?.offset
      var shown = fact.committed?.shown ?? -1
      let again = decision.makesAgain(fact, guarantee: configuration.guarantee)
      if decision.commitsFirst {
        let mark = OffsetMark(
          partition: fact.partition, offset: record.nextOffset, firstOffset: record.firstOffset,
          homes: record.homes, leftOut: record.leftOut)
        guard try commitFirst(mark) else { return }
        committed = record.nextOffset
        shown = record.nextOffset
      }
      // The states of an earlier version, now that they have been looked at.
      let isStamped = record.partitioner != nil
      record.partitioner = identity.partitioner
      if decision.isNew || !isStamped {
        guard let created = try replace(recordBytes, by: record, partition: fact.partition) else { return }
        recordBytes = created
        hasStamped = true
      }
      if record.isClearing {
        guard try clear(recordBytes, partition: fact.partition) else { return }
        record.isClearing = false
        guard let cleared = try replace(recordBytes, by: record, partition: fact.partition) else { return }
        recordBytes = cleared
      }
      starts.append((fact.partition, decision.readFrom))
      next.append(
        OwnedPartition(
          partition: fact.partition, record: record, recordBytes: recordBytes,
          tablePosition: fact.table, committed: committed, shown: shown,
          topicFrom: configuration.has(.emitsFromW) ? record.nextOffset : decision.topicFrom,
          tableFrom: configuration.has(.tableFromW) ? record.nextOffset : decision.tableFrom,
          mustVerify: decision.readFrom < record.nextOffset,
          askedEnd: fact.bounds.high, passUntilMax: configuration.guarantee == nil ? fact.bounds.high : .max,
          againUntil: again?.until ?? record.nextOffset, next: record))
      if let again {
        ports.recorder.makingAgain(
          partition: fact.partition, from: record.nextOffset, until: again.until, because: again.because)
      }
    }
    // Whoever begins at the same moment by other rules has stamped before looking, too: one of the two sees the other.
    if hasStamped {
      let count = ports.decoder.homes.partitionCount
      let all = try waiting {
        try Generations.follow(self.ports.store, from: self.identity.generation, partitionCount: count)
      }
      guard let all else { return }
      try Delivery.checkNeighbours(all.map(\.record), partitioner: identity.partitioner)
    }
    owned = next
    index()
    guard try passAtStart() else { return forgetAll() }
    for place in owned.indices {
      if owned[place].record.nextOffset > next[place].record.nextOffset {
        starts[place].offset = owned[place].record.nextOffset
        owned[place].mustVerify = false
      }
      let bytes = owned[place].record.unpackedBytesMax
      if bytes > 0 { ports.source.bound(unpackedBytes: bytes, of: owned[place].partition) }
    }
    try ports.source.assign(starts)
    reportPositions()
    tellRunning()
  }

  /// What the source has. Throws what the partitions' positions say, where the source refuses to go on: the log may have lost what is
  /// next, and they tell what to do about it.
  func poll(fillMs: Int) throws -> PollOutcome {
    do {
      return try ports.source.poll(
        into: batch.records, limit: configuration.rowsMax, timeoutMs: configuration.pollTimeoutMs,
        fillMs: fillMs)
    } catch let error as PortError where error.code == .refused && !owned.isEmpty {
      try acquire(owned.map(\.partition))
      throw error
    }
  }

  /// Looks at the states of an earlier version, which could lie anywhere. Returns false when given up. Throws
  /// `.refused` when some are not where their entities belong.
  private func surveyHomes(of facts: [PartitionFacts]) throws -> Bool {
    guard !HomeSurvey.unseen(facts).isEmpty else { return true }
    ports.recorder.state("looking where states of an earlier version lie", healthy: false)
    let survey = try waiting {
      try HomeSurvey(of: facts, in: self.ports.store, self.ports.decoder.homes)
    }
    try survey?.check()
    return survey != nil
  }

  /// Where to go on. Positions are read one after the other: where they contradict each other and have moved since, somebody still
  /// works on the partition, and they are to be read anew (`.unavailable`).
  private func decide(_ fact: PartitionFacts, _ bytes: [UInt8]?) throws -> Acquisition {
    do {
      return try Delivery.acquire(
        fact, identity: identity, startAt: configuration.startAt, onLostState: configuration.onLostState,
        guarantee: configuration.guarantee, trustsOffsets: configuration.trustsOffsets,
        acceptedGap: configuration.acceptedGaps[fact.partition])
    } catch let error as PortError where error.code == .refused && !configuration.has(.firstReadingBelieved) {
      let again = try facts(of: [fact.partition])
      guard
        again.bytes[0] == bytes && again.facts[0].committed == fact.committed
          && again.facts[0].table == fact.table
      else {
        throw PortError(
          .unavailable, "partition \(fact.partition): another worker moves its positions", reason: .busy)
      }
      throw error
    }
  }

  /// Moves C up to W, in a transaction without messages: a commit by itself that is late on its way would take C back behind
  /// the transactions that follow. Returns false when given up.
  private func commitFirst(_ mark: OffsetMark) throws -> Bool {
    guard let transactions, !configuration.has(.commitsFirstByItself) else {
      return try waiting { try ports.source.commit([mark]) } != nil
    }
    batch.removeAll()
    let membership = ports.source.membership
    let outcome = try waiting {
      try transactions.commit(self.batch, offsets: [mark], membership: membership)
    }
    guard let outcome else {
      mustSettle = true
      return false
    }
    guard outcome != .conflict else {
      throw PortError(
        .unavailable, "partition \(mark.partition): the group has gone on without this worker", reason: .busy)
    }
    return true
  }

  private func index() {
    let highest = owned.map { Int($0.partition) }.max() ?? -1
    places = [Int32](repeating: -1, count: highest + 1)
    for (place, partition) in owned.enumerated() { places[Int(partition.partition)] = Int32(place) }
  }

  private func facts(of partitions: [Int32]) throws -> (facts: [PartitionFacts], bytes: [[UInt8]?]) {
    let log = try ports.source.identity()
    let homes = ports.decoder.homes
    guard log.partitionCount == homes.partitionCount else {
      throw PortError(
        .refused,
        "topic \(ports.source.topic): it had \(homes.partitionCount) partitions at the start and now has \(log.partitionCount), "
          + "so that keys belong elsewhere; what to do: copy the events into a topic in which every key is at home, with "
          + "tally copy, and read that one with another group, redis.generation and table",
        reason: .partitionsChanged)
    }
    let committed = try ports.source.committed(partitions)
    let standings = try Generations.follow(
      ports.store, from: identity.generation, partitionCount: log.partitionCount)
    try Delivery.checkNeighbours(standings.map(\.record), partitioner: identity.partitioner)
    let table = try ports.table?.positions(topic: ports.source.topic, partitions)
    var facts: [PartitionFacts] = []
    for (index, partition) in partitions.enumerated() {
      let standing = standings[Int(partition)]
      facts.append(
        PartitionFacts(
          partition: partition, record: standing.record, committed: committed[index],
          before: standing.before, table: table?[index]?.next,
          tableLeftOut: table?[index]?.leftOut ?? LeftOutRanges(), bounds: try ports.source.bounds(partition),
          log: log))
    }
    return (facts, partitions.map { standings[Int($0)].bytes })
  }

  /// Puts a record in the place of another (none: empty), so that a partition's beginning survives a crash. Returns its
  /// bytes; nil: given up.
  ///
  /// Throws `.unavailable` when somebody else's is there: only reading everything anew can tell what to do then.
  private func replace(_ expected: [UInt8], by record: PartitionRecord, partition: Int32) throws -> [UInt8]? {
    var write = StateWrite()
    write.partition = partition
    write.expected = expected
    write.record = record.encoded
    guard let outcome = try waiting({ try self.ports.store.write(write) }) else { return nil }
    guard outcome != .conflict else { throw Self.begunBySomebodyElse(partition) }
    return write.record
  }

  /// Removes the states of an earlier life. Returns false when given up. Throws like `replace`.
  private func clear(_ record: [UInt8], partition: Int32) throws -> Bool {
    ports.recorder.state("removing the old states of partition \(partition)", healthy: false)
    guard
      let isDone = try waiting({ try self.ports.store.clear(partition, whileRecordIs: record) })
    else { return false }
    guard isDone else { throw Self.begunBySomebodyElse(partition) }
    return true
  }

  private static func begunBySomebodyElse(_ partition: Int32) -> PortError {
    PortError(.unavailable, "partition \(partition): another worker began it at this moment", reason: .busy)
  }

  /// Tries until it succeeds, serving the group between tries. nil: given up, because the partitions are to be given back
  /// or someone stops us.
  func waiting<Result>(_ body: () throws -> Result) throws -> Result? {
    var backoffMs = configuration.retryBackoffMinMs
    var waited = false
    while true {
      let result: Result
      do {
        result = try body()
      } catch let error as PortError where error.code == .unavailable {
        waited = true
        ports.recorder.state("waiting for \(error)", healthy: false)
        if try serveGroup(forMs: backoffMs) { return nil }
        backoffMs = min(backoffMs * 2, configuration.retryBackoffMaxMs)
        continue
      }
      // What has succeeded is not done again because reading cannot go on.
      if waited {
        try ports.source.resume()
        tellRunning()
      }
      return result
    }
  }

  /// Waits while the group is served. Returns whether the batch must be given up.
  func serveGroup(forMs milliseconds: Int) throws -> Bool {
    let end = ports.clock.monotonicNanos() &+ UInt64(milliseconds) * 1_000_000
    repeat {
      ports.recorder.beat()
      if stop.isStopped { return true }
      do {
        if try ports.source.idle(timeoutMs: min(milliseconds, 50)), !configuration.has(.writesAfterRevocation)
        {
          return true
        }
      } catch let error as PortError where error.code == .unavailable {
        ports.clock.sleep(milliseconds: min(milliseconds, 50))
      }
    } while ports.clock.monotonicNanos() < end
    return false
  }
}
