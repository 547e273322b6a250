import Events

extension EntityState {
  /// Makes room in a series of a category's words that has as many entries as `state_max` allows: its rarest words
  /// become `other`, tile by tile, until a quarter of the room is free.
  ///
  /// A word's rank is its count over all tiles that readers reach, then the vocabulary's order. What is folded does not come
  /// back: later events of a folded word count as its own again. What becomes of a state is a function of its events in the order of
  /// the log alone: entries that no window reaches are dropped first.
  func fold(_ series: Int, _ layout: borrowing SeriesLayout) {
    guard let other = layout.otherCode else { return }
    prune(series, layout)
    let entries = count(series)
    guard entries >= layout.foldsAt else { return }
    hasFolded = true
    let isFolded = rarestWords(
      series, layout, other: other, keeping: max(layout.foldsAt * 3 / 4, layout.tilesMax))
    rewrite(series, stride: layout.stride, count: layout.count, other: other, isFolded)
  }

  /// For each code whether it is to be folded.
  private func rarestWords(
    _ series: Int, _ layout: borrowing SeriesLayout, other: UInt64, keeping target: Int
  ) -> [Bool] {
    let entries = count(series)
    let stride = layout.stride
    let base = words + start(series)
    let number = layout.count
    var totals = [Int64](repeating: 0, count: Int(layout.subEnd))
    var order: [(code: Int, tile: UInt64)] = []
    var tilesWithOther: Set<UInt64> = []
    for index in 0..<entries {
      let key = UInt64(bitPattern: base[index * stride])
      let code = key & 0xfff_ffff_ffff
      guard code != other else {
        tilesWithOther.insert(key >> 44)
        continue
      }
      totals[Int(code)] = ExactMath.saturatingSum(totals[Int(code)], base[index * stride + number])
      order.append((Int(code), key >> 44))
    }
    order.sort { (totals[$0.code], $1.code, $0.tile) < (totals[$1.code], $0.code, $1.tile) }
    var isFolded = [Bool](repeating: false, count: totals.count)
    var left = entries
    for (index, entry) in order.enumerated() {
      let isNextWord = index == 0 || order[index - 1].code != entry.code
      if isNextWord && left <= target { break }
      isFolded[entry.code] = true
      if !tilesWithOther.insert(entry.tile).inserted { left -= 1 }
    }
    return isFolded
  }

  /// Moves the counts of folded words to their tiles' `other`, which is the last entry of a tile.
  private func rewrite(_ series: Int, stride: Int, count number: Int, other: UInt64, _ isFolded: [Bool]) {
    let entries = count(series)
    let base = words + start(series)
    var kept = 0
    var folded: Int64 = 0
    for index in 0..<entries {
      let entry = base + index * stride
      let key = UInt64(bitPattern: entry[0])
      let code = key & 0xfff_ffff_ffff
      if isFolded[Int(code)] {
        folded = ExactMath.saturatingSum(folded, entry[number])
      } else {
        if kept != index { (base + kept * stride).update(from: entry, count: stride) }
        if code == other {
          let word = base + kept * stride + number
          word.pointee = ExactMath.saturatingSum(word.pointee, folded)
          folded = 0
        }
        kept += 1
      }
      let isLastOfTile = index + 1 == entries || UInt64(bitPattern: entry[stride]) >> 44 != key >> 44
      if isLastOfTile && folded > 0 {
        base[kept * stride] = Int64(bitPattern: (key >> 44) << 44 | other)
        base[kept * stride + number] = folded
        folded = 0
        kept += 1
      }
    }
    setCount(kept, series)
  }
}
