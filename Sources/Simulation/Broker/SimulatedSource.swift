import Dataflow

/// The topic of events as one life reads it.
final class SimulatedSource: RecordSource {
  let topic = "events"
  private let life: Life
  private let member: GroupMember
  private var joined: [UInt8] = []
  /// Next offset by partition; nil: not read.
  private var next: [Int64?]
  private var isIdle = false
  private var polls = 0

  init(_ life: Life) {
    self.life = life
    member = life.member
    next = Array(repeating: nil, count: life.world.plan.partitions)
  }

  private var world: World { life.world }

  var membership: [UInt8] {
    world.plan.neighbourBugs.has(.membershipAtCommit) ? member.membership : joined
  }

  func identity() throws -> LogIdentity {
    try life.read("identity", of: .broker) {
      LogIdentity(clusterID: "simulated", partitionCount: Int32(world.plan.partitions))
    }
  }

  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    member.subscribe()
    let start = world.now
    try life.read("poll", of: .broker) {}
    polls += 1
    var draw = world.draw(for: life, polls)
    // Records that were fetched before a revocation come first.
    let fetched = draw.chance(400)
    if case .revoked(_, lost: false) = member.changes.first, fetched, !isIdle {
      fill(batch, limit: limit, &draw)
      if !batch.records.isEmpty { return .records }
    }
    let rows = 1 + draw.below(limit)
    while true {
      if batch.records.isEmpty, let change = takeChange() { return change }
      if !isIdle {
        try checkBounds()
        fill(batch, limit: rows, &draw)
        if batch.records.isEmpty, let outcome = takeUnreadable() { return outcome }
      }
      let end = start + Int64(batch.records.isEmpty ? timeoutMs : fillMs) * 1000
      if world.now >= end || batch.records.count >= rows || !member.changes.isEmpty { break }
      try life.listen(end - world.now)
    }
    if batch.records.isEmpty, let change = takeChange() { return change }
    world.note(life, "poll", batch)
    return .records
  }

  private func takeChange() -> PollOutcome? {
    guard let change = member.takeChange() else { return nil }
    if case .assigned = change { joined = member.membership } else { joined = [] }
    world.remark("\(life.name): \(change)")
    return change
  }

  /// The log may have lost what is to be read next.
  private func checkBounds() throws {
    for (partition, offset) in next.enumerated() {
      guard let offset, offset < world.log.low[partition] else { continue }
      throw PortError(.refused, "position outside the log: partition \(partition), offset \(offset)")
    }
  }

  /// A batch that nobody can read, where a partition stands; then it goes on behind it.
  private func takeUnreadable() -> PollOutcome? {
    for (partition, offset) in next.enumerated() {
      guard let offset else { continue }
      let place = world.log.first(partition, from: offset)
      guard place < world.log.visible[partition],
        let (from, until) = world.log.unreadable(partition, at: place)
      else { continue }
      next[partition] = until
      world.remark("\(life.name): \(partition)/\(from)..<\(until) cannot be read")
      return .unreadable(partition: Int32(partition), from: from, until: until, why: "spoilt")
    }
    return nil
  }

  private func fill(_ batch: RecordBatch, limit: Int, _ draw: inout Draw) {
    let first = draw.below(next.count)
    for step in next.indices {
      let partition = (first + step) % next.count
      guard let offset = next[partition] else { continue }
      let records = world.log.partitions[partition]
      var place = world.log.first(partition, from: offset)
      while place < world.log.visible[partition], batch.records.count < limit {
        let record = records[place]
        guard record.unreadable == nil else { break }
        batch.records.append(
          RawRecord(
            partition: Int32(partition), offset: record.offset, ingestTimeMs: record.timestampMs,
            key: record.key, value: record.value, contentType: .unspecified))
        next[partition] = record.offset + 1
        place += 1
      }
    }
  }

  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] {
    try life.read("committed", of: .broker) {
      let isUnstable = partitions.contains { world.transactions.hasPendingOffset($0) }
      guard !isUnstable || world.plan.neighbourBugs.has(.readsUnstableOffsets) else {
        throw PortError(.unavailable, "committed", cause: "a transaction that moves the offset is open")
      }
      return partitions.map { world.group.committed[Int($0)] }
    }
  }

  func bounds(_ partition: Int32) throws -> LogBounds {
    try life.read("bounds", of: .broker, "of \(partition)") {
      LogBounds(low: world.log.low[Int(partition)], high: world.log.end(Int(partition)))
    }
  }

  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    if life.isDead { throw Crash() }
    isIdle = false
    next = Array(repeating: nil, count: next.count)
    for (partition, offset) in starts {
      var offset = offset
      if world.plan.neighbourBugs.has(.startsAtC) {
        offset = world.group.committed[Int(partition)]?.offset ?? offset
      }
      next[Int(partition)] = offset
    }
  }

  func unassign() throws {
    if life.isDead { throw Crash() }
    isIdle = false
    next = Array(repeating: nil, count: next.count)
    member.unassigned()
  }

  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome {
    let (id, generation, group) = (member.id, member.generation, world.group)
    let isTaken = try life.change(
      "commit", of: .broker, "\(offsets.map { "\($0.partition): C \($0.offset)" })"
    ) {
      group.commit(offsets, id: id, generation: generation)
    }
    return isTaken ? .written : .conflict
  }

  func idle(timeoutMs: Int) throws -> Bool {
    isIdle = true
    member.polled()
    try life.read("idle", of: .broker, "\(timeoutMs) ms") {}
    if !member.isRevoked { try life.listen(Int64(timeoutMs) * 1000) }
    return member.isRevoked
  }

  func resume() throws {
    if life.isDead { throw Crash() }
    isIdle = false
  }

  func reachedEnd(_ partition: Int32) -> Int64? { nil }
  func knownEnd(_ partition: Int32) -> Int64? { max(1, world.log.end(Int(partition))) }

  func close() {
    if !life.isDead { member.close() }
  }
}
