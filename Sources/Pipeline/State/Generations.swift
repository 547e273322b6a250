public import Dataflow

/// Where a partition stands in the store.
public struct PartitionStanding: Sendable {
  /// Its record in the generation that is in force; nil: none.
  public var record: PartitionRecord?
  /// The record's bytes.
  public var bytes: [UInt8]?
  /// The generation in force.
  public var generation: UInt64
  /// The generation before, as it stood when this one took over from it; nil: there was none.
  public var before: FormerGeneration?
  /// Generations of which states may be left, with their last records' bytes.
  public var leftovers: [(generation: UInt64, bytes: [UInt8])] = []
}

/// A generation as it stood when another one took over.
public struct FormerGeneration: Equatable, Sendable {
  /// W: everything below was delivered.
  public var nextOffset: Int64
  /// The guarantee under which T and C were moved.
  public var guarantee: DeliveryGuarantee
  /// What was left out by order.
  public var orders: LeftOutRanges

  package init(
    nextOffset: Int64, guarantee: DeliveryGuarantee, orders: LeftOutRanges = LeftOutRanges()
  ) {
    self.nextOffset = nextOffset
    self.guarantee = guarantee
    self.orders = orders
  }
}

/// Generations of states: a record that names a successor is never written again, and the successor is in force.
public enum Generations {
  /// Longest chain of successors that is followed; each `tally rebuild` adds one.
  public static let chainMax = 1000

  /// Makes `store` use, for every partition, the generation that is in force now, and reads its record.
  ///
  /// `from`: the generation that the configuration names, in which the chain begins. Returns the standings by partition. Throws
  /// `PortError`.
  public static func follow(
    _ store: any StateStore, from first: UInt64, partitionCount: Int32
  ) throws -> [PartitionStanding] {
    let all = (0..<partitionCount).map { $0 }
    for partition in all { store.use(generation: first, of: partition) }
    var standings = all.map { _ in PartitionStanding(generation: first) }
    var open = all
    for _ in 0..<Self.chainMax where !open.isEmpty {
      let found = try store.records(open)
      var next: [Int32] = []
      for (partition, bytes) in zip(open, found) {
        let place = Int(partition)
        standings[place].bytes = bytes
        standings[place].record = try bytes.map { try PartitionRecord.read($0, partition: partition) }
        guard let record = standings[place].record else { continue }
        guard record.generation == standings[place].generation else {
          throw PortError(
            .refused,
            "partition \(partition): the record of generation \(standings[place].generation) is of generation "
              + "\(record.generation)")
        }
        guard record.successor != 0 else { continue }
        if record.isClearing, let bytes {
          standings[place].leftovers.append((standings[place].generation, bytes))
        }
        standings[place].generation = record.successor
        standings[place].before = FormerGeneration(
          nextOffset: record.nextOffset, guarantee: record.guarantee, orders: record.leftOut.orders)
        store.use(generation: record.successor, of: partition)
        next.append(partition)
      }
      open = next
    }
    guard open.isEmpty else {
      throw PortError(
        .refused, "partition \(open[0]): its generations form a chain without an end", reason: .corruptState)
    }
    try checkEnds(standings, store, from: first)
    return standings
  }

  /// Throws `.unavailable` when a chain leads to a generation without a record and begins otherwise by now: the store was lost
  /// between the readings, and what is written at that end nobody would find.
  private static func checkEnds(
    _ standings: [PartitionStanding], _ store: any StateStore, from first: UInt64
  ) throws {
    let ends = standings.indices.filter { standings[$0].before != nil && standings[$0].record == nil }.map {
      Int32($0)
    }
    guard !ends.isEmpty else { return }
    for partition in ends { store.use(generation: first, of: partition) }
    let beginnings = try store.records(ends)
    for (partition, bytes) in zip(ends, beginnings) {
      store.use(generation: standings[Int(partition)].generation, of: partition)
      let successor = try bytes.map { try PartitionRecord.read($0, partition: partition).successor } ?? 0
      guard successor != 0 else {
        throw PortError(
          .unavailable, "partition \(partition): the store was lost while it was read", reason: .busy)
      }
    }
  }

  /// The generation that partitions shall be moved to: the one that some of them have already, after a move that was
  /// interrupted, else a new one. Partitions without a record stay where they are.
  public static func target(of standings: [PartitionStanding], definition: String) -> UInt64 {
    let moving = standings.filter { $0.record != nil }
    let first = moving.map(\.generation).min() ?? 1
    let last = moving.map(\.generation).max() ?? 1
    let isInterrupted = moving.contains { $0.generation == last && $0.record?.definition == definition }
    return first != last && isInterrupted ? last : next(after: last)
  }

  /// Bit 61 is set in generations that a rebuild makes: those that operators and replays name have it clear. Below it stand the number
  /// that the operator has set and a counter.
  private static let moved: UInt64 = 1 << 61
  private static let counterBits: UInt64 = 16

  private static func next(after generation: UInt64) -> UInt64 {
    if generation >> 61 == 1 { return generation + 1 }
    return moved | (generation << counterBits) & (moved - 1) | 1
  }

  /// Says in the record of a partition that another generation has taken over: from then on nobody writes the old one, and
  /// whoever works on it finds the compare-and-set failing and follows. Returns W at that moment; nil: the record
  /// has moved meanwhile, read it again.
  ///
  /// `store` must use the partition's old generation. `record`: what is there.
  public static func seal(
    _ store: any StateStore, partition: Int32, record: [UInt8], successor: UInt64
  ) throws -> Int64? {
    var sealed = try PartitionRecord.read(record, partition: partition)
    guard sealed.successor == 0 else { return nil }
    sealed.successor = successor
    // Its states are left to be removed.
    sealed.isClearing = true
    var write = StateWrite()
    write.partition = partition
    write.expected = record
    write.record = sealed.encoded
    return try store.write(write) == .conflict ? nil : sealed.nextOffset
  }

  /// Removes the states that sealed generations of a partition have left; their records stay and lead on.
  public static func removeLeftovers(_ store: any StateStore, _ standing: PartitionStanding, partition: Int32)
    throws
  {
    for (generation, bytes) in standing.leftovers {
      store.use(generation: generation, of: partition)
      guard try store.clear(partition, whileRecordIs: bytes) else { continue }
      var record = try PartitionRecord.read(bytes, partition: partition)
      record.isClearing = false
      var write = StateWrite()
      write.partition = partition
      write.expected = bytes
      write.record = record.encoded
      _ = try store.write(write)
    }
    store.use(generation: standing.generation, of: partition)
  }
}
