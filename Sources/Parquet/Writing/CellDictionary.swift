internal import Events

/// The different cells of a column, each with a number, in the order in which they came.
struct CellDictionary {
  /// Cells one after the other, in Parquet's plain form.
  private(set) var plain: [UInt8] = []
  /// Where each cell's bytes lie in `plain`, without a text's length.
  private(set) var places: [Range<Int>] = []
  /// Numbers by hash, linear probing; -1: none.
  private var slots = [Int32](repeating: -1, count: 64)

  mutating func removeAll() {
    plain.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    slots = [Int32](repeating: -1, count: 64)
  }

  /// The number of a cell, which is new if need be.
  mutating func number(of cell: UnsafeRawBufferPointer, isText: Bool) -> UInt32 {
    if places.count * 2 >= slots.count { grow() }
    var slot = hash(cell) & (slots.count - 1)
    while slots[slot] >= 0 {
      let number = Int(slots[slot])
      if isEqual(places[number], cell) { return UInt32(number) }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots[slot] = Int32(places.count)
    if isText { plain.appendLength(cell.count) }
    places.append(plain.count..<plain.count + cell.count)
    plain.append(contentsOf: cell)
    return UInt32(places.count - 1)
  }

  private func isEqual(_ place: Range<Int>, _ cell: UnsafeRawBufferPointer) -> Bool {
    guard place.count == cell.count else { return false }
    return plain.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[place]).elementsEqual(cell) }
  }

  private mutating func grow() {
    slots = [Int32](repeating: -1, count: slots.count * 2)
    for (number, place) in places.enumerated() {
      var slot =
        plain.withUnsafeBytes { hash(UnsafeRawBufferPointer(rebasing: $0[place])) } & (slots.count - 1)
      while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(number)
    }
  }

  private func hash(_ cell: UnsafeRawBufferPointer) -> Int {
    let mixed: UInt64 =
      switch cell.count {
      case 4: SplitMix64.mix(UInt64(cell.loadUnaligned(as: UInt32.self)))
      case 8: SplitMix64.mix(cell.loadUnaligned(as: UInt64.self))
      default: Hash128(of: cell).low
      }
    return Int(truncatingIfNeeded: mixed >> 1)
  }
}

extension [UInt8] {
  /// Four bytes, little-endian.
  mutating func appendLength(_ count: Int) {
    Swift.withUnsafeBytes(of: UInt32(count).littleEndian) { append(contentsOf: $0) }
  }

  /// Seven bits a byte, the lowest first (LEB128): Thrift and the hybrid of runs and packed bits both write numbers so.
  mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
