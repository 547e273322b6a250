/// Slots by hash: open addressing with linear probing, at most half full; removal shifts back, so that there
/// are no tombstones (Knuth, TAOCP 3, 6.4, algorithm R).
struct SlotIndex {
  private var table: [Int32]
  private var count = 0

  /// An index with room for `entriesMax` slots; it grows beyond.
  init(entriesMax: Int) {
    var capacity = 64
    while capacity < entriesMax * 2 { capacity *= 2 }
    table = Array(repeating: -1, count: capacity)
  }

  /// The slot with this hash for which `matches` is true, or -1. `matches` compares whole keys.
  @inline(__always)
  func find(_ hash: UInt64, matches: (Int32) -> Bool) -> Int32 {
    let mask = table.count - 1
    var position = Int(truncatingIfNeeded: hash) & mask
    while table[position] >= 0 {
      if matches(table[position]) { return table[position] }
      position = (position + 1) & mask
    }
    return -1
  }

  /// Adds a slot; `hashOf` gives the hashes of those that are there.
  mutating func insert(_ slot: Int32, _ hash: UInt64, hashOf: (Int32) -> UInt64) {
    if (count + 1) * 2 > table.count {
      let old = table
      table = Array(repeating: -1, count: old.count * 2)
      for other in old where other >= 0 { place(other, hashOf(other)) }
    }
    place(slot, hash)
    count += 1
  }

  /// Takes a slot out.
  mutating func remove(_ slot: Int32, hashOf: (Int32) -> UInt64) {
    let mask = table.count - 1
    var hole = Int(truncatingIfNeeded: hashOf(slot)) & mask
    while table[hole] != slot {
      precondition(table[hole] >= 0, "the slot is not in the index")
      hole = (hole + 1) & mask
    }
    var next = (hole + 1) & mask
    while table[next] >= 0 {
      let ideal = Int(truncatingIfNeeded: hashOf(table[next])) & mask
      if (next - ideal) & mask >= (next - hole) & mask {
        table[hole] = table[next]
        hole = next
      }
      next = (next + 1) & mask
    }
    table[hole] = -1
    count -= 1
  }

  private mutating func place(_ slot: Int32, _ hash: UInt64) {
    let mask = table.count - 1
    var position = Int(truncatingIfNeeded: hash) & mask
    while table[position] >= 0 { position = (position + 1) & mask }
    table[position] = slot
  }
}
