import Dataflow

/// What the simulation looks for in a partition record.
extension PartitionRecord {
  /// The record that a store has; nil: it cannot be read.
  static func stored(_ bytes: [UInt8]) -> PartitionRecord? { decode(bytes)?.record }

  /// Whether states are neither being removed nor being rebuilt.
  var isWhole: Bool { !isClearing && nextOffset >= rebuildingUntil }

  /// Records read, events scored, duplicates, erasures, promotions.
  var counts: [UInt64] {
    [counters.read, counters.scored, counters.duplicate, counters.erased, counters.promoted]
  }
}
