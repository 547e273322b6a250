import Events

/// Reused working memory of reads; one per thread.
public final class FeatureScratch {
  /// The program whose registers it has.
  let program: FeatureProgram
  /// Values of constants, aggregates and steps.
  let registers: UnsafeMutablePointer<Double>
  /// First key that each window reaches.
  let lows: UnsafeMutablePointer<UInt64>
  /// Counts by category code.
  let counts: UnsafeMutablePointer<Int64>
  /// Sketch registers.
  let ranks: UnsafeMutablePointer<UInt8>
  /// Open-addressed set of hashes: a slot is taken when its stamp is `stamp`.
  let unionKeys: UnsafeMutablePointer<UInt64>
  let unionStamps: UnsafeMutablePointer<UInt32>
  var stamp: UInt32 = 0
  /// Slots of the union: more than twice the hashes that the tiles of the longest windows (at most 62) keep.
  static let unionSlots = 4096

  /// Working memory for a program.
  public init(_ program: FeatureProgram) {
    self.program = program
    let tables = program.tables
    registers = .allocate(capacity: max(tables.registerCount, 1))
    registers.initialize(repeating: 0, count: max(tables.registerCount, 1))
    for index in 0..<tables.constantRegisters.count {
      registers[Int(tables.constantRegisters[index])] = tables.constantValues[index]
    }
    lows = .allocate(capacity: max(tables.windows.count, 1))
    counts = .allocate(capacity: max(tables.codesMax, 1))
    ranks = .allocate(capacity: DistinctSketch.registers)
    unionKeys = .allocate(capacity: Self.unionSlots)
    unionStamps = .allocate(capacity: Self.unionSlots)
    unionStamps.initialize(repeating: 0, count: Self.unionSlots)
  }

  deinit {
    registers.deallocate()
    lows.deallocate()
    counts.deallocate()
    ranks.deallocate()
    unionKeys.deallocate()
    unionStamps.deallocate()
  }

  /// Empties the union.
  func beginUnion() {
    stamp &+= 1
    if stamp == 0 {
      unionStamps.update(repeating: 0, count: Self.unionSlots)
      stamp = 1
    }
  }

  /// Whether the key is new in the union.
  @inline(__always)
  func insertIntoUnion(_ key: UInt64) -> Bool {
    var slot = Int(truncatingIfNeeded: key) & (Self.unionSlots - 1)
    while unionStamps[slot] == stamp {
      if unionKeys[slot] == key { return false }
      slot = (slot + 1) & (Self.unionSlots - 1)
    }
    unionStamps[slot] = stamp
    unionKeys[slot] = key
    return true
  }
}
