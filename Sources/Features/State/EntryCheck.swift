import Events

/// Checks a stored series' entries one after another: keys ascending and possible, values possible.
struct EntryCheck {
  private(set) var key: UInt64 = 0
  private let layout: SeriesLayout
  private let codes: FlatTable<Int32>
  private let watermark: EventTime
  private let firstKey: UInt64
  private let lastTile: UInt64
  /// Of the tile under way (sketches): exact hashes and registers so far.
  private var hashes = 0
  private var ranks = 0

  init(_ state: EntityState, _ layout: SeriesLayout) {
    self.layout = layout
    codes = state.program.tables.profileCodes
    watermark = state.watermark
    firstKey = state.firstKey(layout)
    lastTile = layout.hop > 0 ? UInt64(state.watermark / layout.hop) : 0
  }

  /// Moves to the next key.
  mutating func advance(_ delta: UInt64, isFirst: Bool) -> Bool {
    let (next, overflow) = key.addingReportingOverflow(delta)
    guard !overflow, delta > 0 || isFirst else { return false }
    if next >> 44 != key >> 44 {
      hashes = 0
      ranks = 0
    }
    key = next
    return key >= firstKey && key >> 44 <= lastTile && key & 0xfff_ffff_ffff < layout.subEnd
  }

  /// Whether the entry's components are possible ones.
  mutating func allows(_ entry: UnsafePointer<Int64>) -> Bool {
    if layout.count > 0 && entry[layout.count] < 1 { return false }
    if layout.firstTime > 0 && !allowsTime(entry[layout.firstTime]) { return false }
    if layout.lastTime > 0 && !allowsTime(entry[layout.lastTime]) { return false }
    if layout.firstValue > 0 && !allowsValue(entry[layout.firstValue]) { return false }
    if layout.lastValue > 0 && !allowsValue(entry[layout.lastValue]) { return false }
    for index in 0..<layout.decayCount {
      guard Double(bitPattern: UInt64(bitPattern: entry[layout.decay + index])).isFinite else { return false }
    }
    if layout.rank > 0 { return allowsRank(entry[layout.rank]) }
    return layout.real == 0 || allowsProfile(Double(bitPattern: UInt64(bitPattern: entry[layout.real])))
  }

  private func allowsTime(_ time: EventTime) -> Bool { time > 0 && time <= watermark }

  private func allowsValue(_ value: Int64) -> Bool {
    layout.valueEnd == 0 || (value >= 0 && value < layout.valueEnd)
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
