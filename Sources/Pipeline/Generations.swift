public import Dataflow

/// Where a partition stands in the store.
public struct PartitionStanding: Sendable {
  /// Its record in the generation that is in force; nil: none.
  public var record: PartitionRecord?
  /// The record's bytes.
  public var bytes: [UInt8]?
  /// The generation in force.
  public var generation: UInt64
  /// W of the generation before when this one took over from it; nil: there was none.
  public var delivered: Int64?
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
        standings[place].generation = record.successor
        standings[place].delivered = record.nextOffset
        store.use(generation: record.successor, of: partition)
        next.append(partition)
      }
      open = next
    }
    guard open.isEmpty else {
      throw PortError(.refused, "partition \(open[0]): its generations form a chain without an end")
    }
    return standings
  }
}
