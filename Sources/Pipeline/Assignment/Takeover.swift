import Dataflow
import Events

/// Takes partitions over: ends what an earlier life left open, reads W, T and C, checks them against each other and the log by
/// `TakeoverRules`, makes what is to be new, and starts reading. One thread.
struct Takeover {
  let context: WorkerContext
  let leavingOut: LeavingOut
  let progress: Progress

  private var identity: PipelineIdentity { context.identity }
  private var configuration: WorkerConfiguration { context.configuration }
  private var ports: WorkerPorts { context.ports }
  private var assignment: Assignment { context.assignment }

  /// Takes the partitions over; the assignment must be empty, and is theirs afterwards. Returns false when given up: then it is empty.
  ///
  /// Throws `.unavailable` when somebody else moves their positions or a neighbour does not answer: try again from the beginning.
  /// Throws `.refused` for what the rules refuse.
  func take(_ partitions: [Int32]) throws -> Bool {
    let asked = try context.waiting {
      try context.settle()
      return try self.facts(of: partitions)
    }
    guard let (facts, bytes) = asked, try surveyHomes(of: facts) else { return false }
    var starts: [(partition: Int32, offset: Int64)] = []
    var next: [OwnedPartition] = []
    var hasStamped = false
    for (fact, stored) in zip(facts, bytes) {
      let decision = try decide(fact, stored)
      guard let taken = try take(fact, decision, stored: stored ?? []) else { return false }
      hasStamped = hasStamped || taken.hasStamped
      starts.append((fact.partition, decision.readFrom))
      next.append(taken.partition)
    }
    guard try !hasStamped || context.offsets != nil || checkNeighbours() else { return false }
    assignment.replace(by: next)
    guard try leavingOut.passAtStart() else {
      assignment.removeAll()
      return false
    }
    let owned = assignment.owned
    for place in owned.indices {
      if owned[place].record.nextOffset > next[place].record.nextOffset {
        starts[place].offset = owned[place].record.nextOffset
        assignment.owned[place].mustVerify = false
      }
      let unpacked = owned[place].record.unpackedBytesMax
      if unpacked > 0 { ports.source.bound(unpackedBytes: unpacked, of: owned[place].partition) }
    }
    try ports.source.assign(starts)
    progress.report()
    assignment.tellRunning(ports.recorder)
    return true
  }

  /// Does what the decision on a partition asks for before anything is read. nil: given up.
  private func take(
    _ fact: PartitionFacts, _ decision: Acquisition, stored: [UInt8]
  ) throws -> (partition: OwnedPartition, hasStamped: Bool)? {
    var recordBytes = stored
    var record = decision.record
    record.inForce =
      configuration.has(.setUnrecorded)
      ? ModelSetInForce(number: 0, hash: identity.modelSet)
      : try context.inForce(record, at: record.nextOffset, of: fact.partition)
    var committed = fact.committed?.offset
    var shown = fact.committed?.shown ?? -1
    let again = decision.makesAgain(fact, guarantee: configuration.guarantee)
    if decision.commitsFirst {
      let mark = OffsetMark(
        partition: fact.partition, offset: record.nextOffset, firstOffset: record.firstOffset,
        homes: record.homes, leftOut: record.leftOut)
      guard try commitFirst(mark) else { return nil }
      committed = record.nextOffset
      shown = record.nextOffset
    }
    // The states of an earlier version, now that they have been looked at.
    let stamps = decision.isNew || record.partitioner == nil
    record.partitioner = identity.partitioner
    if stamps {
      guard let created = try replace(recordBytes, by: record, partition: fact.partition) else { return nil }
      recordBytes = created
      if fact.isRecordBesideOffset {
        committed = record.nextOffset
        shown = record.nextOffset
      }
    }
    if record.isClearing {
      guard try clear(recordBytes, partition: fact.partition) else { return nil }
      record.isClearing = false
      guard let cleared = try replace(recordBytes, by: record, partition: fact.partition) else { return nil }
      recordBytes = cleared
    }
    if let again {
      ports.recorder.makingAgain(
        partition: fact.partition, from: record.nextOffset, until: again.until, because: again.because)
    }
    let partition = OwnedPartition(
      partition: fact.partition, record: record, recordBytes: recordBytes,
      tablePosition: fact.table, committed: committed, shown: shown,
      topicFrom: configuration.has(.emitsFromW) ? record.nextOffset : decision.topicFrom,
      tableFrom: configuration.has(.tableFromW) ? record.nextOffset : decision.tableFrom,
      mustVerify: decision.readFrom < record.nextOffset,
      askedEnd: fact.bounds.high, passUntilMax: configuration.guarantee == nil ? fact.bounds.high : .max,
      againUntil: again?.until ?? record.nextOffset, isRecordBesideOffset: fact.isRecordBesideOffset)
    return (partition, stamps)
  }

  /// Throws when whoever began at the same moment by other rules has stamped a record: both stamp before they look, so that one of the
  /// two sees the other. Returns false when given up.
  private func checkNeighbours() throws -> Bool {
    let count = ports.decoder.homes.partitionCount
    let all = try context.waiting {
      try Generations.follow(context.store, from: identity.generation, partitionCount: count)
    }
    guard let all else { return false }
    try TakeoverRules.checkNeighbours(all.map(\.record), partitioner: identity.partitioner)
    return true
  }

  /// Looks at the states of an earlier version, which could lie anywhere. Returns false when given up. Throws
  /// `.refused` when some are not where their entities belong.
  private func surveyHomes(of facts: [PartitionFacts]) throws -> Bool {
    guard !HomeSurvey.unseen(facts).isEmpty else { return true }
    ports.recorder.state("looking where states of an earlier version lie", healthy: false)
    let survey = try context.waiting { try HomeSurvey(of: facts, in: context.store, ports.decoder.homes) }
    try survey?.check()
    return survey != nil
  }

  /// Where to go on. Positions are read one after the other: where they contradict each other and have moved since, somebody still
  /// works on the partition, and they are to be read anew (`.unavailable`).
  private func decide(_ fact: PartitionFacts, _ bytes: [UInt8]?) throws -> Acquisition {
    do {
      return try TakeoverRules.acquire(
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
    guard let transactions = context.transactions, !configuration.has(.commitsFirstByItself) else {
      let isDone: Void? = try context.waiting {
        guard try ports.source.commit([mark]) != .conflict else { throw Self.leftBehind(mark.partition) }
      }
      return isDone != nil
    }
    guard let outcome = try context.commit([mark], to: transactions) else {
      context.abandonTransaction()
      return false
    }
    guard outcome != .conflict else {
      throw Self.leftBehind(mark.partition)
    }
    return true
  }

  private static func leftBehind(_ partition: Int32) -> PortError {
    PortError(
      .unavailable, "partition \(partition): the group has gone on without this worker", reason: .busy)
  }

  private func facts(of partitions: [Int32]) throws -> (facts: [PartitionFacts], bytes: [[UInt8]?]) {
    let log = try ports.source.identity()
    let homes = ports.decoder.homes
    guard log.partitionCount == homes.partitionCount || context.offsets != nil else {
      throw PortError(
        .refused,
        "topic \(ports.source.topic): it had \(homes.partitionCount) partitions at the start and now has \(log.partitionCount), "
          + "so that keys belong elsewhere; what to do: copy the events into a topic in which every key is at home, with "
          + "tally copy, and read that one with another group, redis.generation and table",
        reason: .partitionsChanged)
    }
    let committed = context.offsets == nil ? try ports.source.committed(partitions) : []
    let standings = try self.standings(of: partitions, log)
    let table = try ports.table?.positions(topic: ports.source.topic, partitions)
    var facts: [PartitionFacts] = []
    for (index, partition) in partitions.enumerated() {
      let standing = standings[index]
      facts.append(
        PartitionFacts(
          partition: partition, record: standing.record,
          // The same reading as the record's: another one may be of another moment.
          committed: context.offsets.map { $0.committed[partition] } ?? committed[index],
          before: standing.before, table: table?[index]?.next,
          tableLeftOut: table?[index]?.leftOut ?? LeftOutRanges(), bounds: try ports.source.bounds(partition),
          log: log, isRecordBesideOffset: context.offsets != nil))
    }
    return (facts, standings.map(\.bytes))
  }

  /// The records in force of partitions, in the order asked.
  private func standings(of partitions: [Int32], _ log: LogIdentity) throws -> [PartitionStanding] {
    guard context.offsets == nil else {
      // Only of those: an offset that a neighbour's transaction is about to move would have to be waited for.
      return try zip(partitions, context.store.records(partitions)).map { partition, bytes in
        PartitionStanding(
          record: try bytes.map { try PartitionRecord.read($0, partition: partition) }, bytes: bytes,
          generation: identity.generation)
      }
    }
    let all = try Generations.follow(
      context.store, from: identity.generation, partitionCount: log.partitionCount)
    try TakeoverRules.checkNeighbours(all.map(\.record), partitioner: identity.partitioner)
    return partitions.map { all[Int($0)] }
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
    guard let outcome = try context.waiting({ try context.store.write(write) }) else { return nil }
    guard outcome != .conflict else { throw Self.begunBySomebodyElse(partition) }
    return write.record
  }

  /// Removes the states of an earlier life. Returns false when given up. Throws like `replace`.
  private func clear(_ record: [UInt8], partition: Int32) throws -> Bool {
    ports.recorder.state("removing the old states of partition \(partition)", healthy: false)
    guard let isDone = try context.waiting({ try context.store.clear(partition, whileRecordIs: record) })
    else {
      return false
    }
    guard isDone else { throw Self.begunBySomebodyElse(partition) }
    return true
  }

  private static func begunBySomebodyElse(_ partition: Int32) -> PortError {
    PortError(.unavailable, "partition \(partition): another worker began it at this moment", reason: .busy)
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
    return (until, record.isClearing ? .lost : isUnfinished ? .unfinished : .rolledBack)
  }
}
