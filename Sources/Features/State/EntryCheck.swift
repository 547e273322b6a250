import Events

/// Checks a stored series' entries one after another: keys ascending and possible, values possible.
struct EntryCheck {
  private(set) var key: UInt64 = 0
  private var stored: UInt64 = 0
  private let layout: UnsafePointer<SeriesLayout>
  private let codes: FlatTable<Int32>
  private let watermark: EventTime
  private let firstKey: UInt64
  private let lastTile: UInt64
  /// Of the tile under way (sketches): exact hashes and registers so far.
  private var hashes = 0
  private var ranks = 0

  init(_ state: EntityState, _ layout: UnsafePointer<SeriesLayout>) {
    self.layout = layout
    codes = state.program.tables.profileCodes
    watermark = state.watermark
    firstKey = state.firstKey(layout.pointee)
    lastTile = layout.pointee.hop > 0 ? UInt64(state.watermark / layout.pointee.hop) : 0
  }

  /// Moves to the next key.
  mutating func advance(_ delta: UInt64, isFirst: Bool) -> Bool {
    let (next, overflow) = stored.addingReportingOverflow(delta)
    let tile = next >> layout.pointee.subBits
    guard !overflow, delta > 0 || isFirst, tile <= lastTile else { return false }
    if tile != key >> 44 {
      hashes = 0
      ranks = 0
    }
    let sub = next & (1 << layout.pointee.subBits - 1)
    stored = next
    key = tile << 44 | sub
    return key >= firstKey && sub < layout.pointee.subEnd
  }

  /// Whether the entry's components are possible ones.
  mutating func allows(_ entry: UnsafePointer<Int64>) -> Bool {
    if layout.pointee.count > 0 && entry[layout.pointee.count] < 1 { return false }
    if layout.pointee.firstTime > 0 && !allowsTime(entry[layout.pointee.firstTime]) { return false }
    if layout.pointee.lastTime > 0 && !allowsTime(entry[layout.pointee.lastTime]) { return false }
    if layout.pointee.firstValue > 0 && !allowsValue(entry[layout.pointee.firstValue]) { return false }
    if layout.pointee.lastValue > 0 && !allowsValue(entry[layout.pointee.lastValue]) { return false }
    for index in 0..<layout.pointee.decayCount {
      guard Double(bitPattern: UInt64(bitPattern: entry[layout.pointee.decay + index])).isFinite else {
        return false
      }
    }
    if layout.pointee.rank > 0 { return allowsRank(entry[layout.pointee.rank]) }
    return layout.pointee.real == 0
      || allowsProfile(Double(bitPattern: UInt64(bitPattern: entry[layout.pointee.real])))
  }

  private func allowsTime(_ time: EventTime) -> Bool { time > 0 && time <= watermark }

  private func allowsValue(_ value: Int64) -> Bool {
    layout.pointee.valueEnd == 0 || (value >= 0 && value < layout.pointee.valueEnd)
  }

  private mutating func allowsRank(_ rank: Int64) -> Bool {
    if key & 0xfff_ffff_ffff < UInt64(DistinctSketch.registers) {
      ranks += 1
      return rank >= 1 && rank <= DistinctSketch.rankMax
    }
    hashes += 1
    return ranks == 0 && hashes <= DistinctSketch.exactMax && rank == 0
  }

  private func allowsProfile(_ value: Double) -> Bool {
    if value.isNaN { return value.bitPattern == Double.nan.bitPattern }
    let codes = Double(self.codes[Int(key & 0xfff_ffff_ffff)])
    return value.isFinite && (codes == 0 || (value >= 0 && value < codes && value == ExactMath.floor(value)))
  }
}
