import Events

extension FeatureProgram {
  /// Value of an aggregate over the entries in its window; NaN: missing.
  @inline(__always)
  func value(
    of read: UnsafePointer<AggregateRead>, _ entries: Entries, _ now: EventTime, _ scratch: FeatureScratch
  ) -> Double {
    let offset = read.pointee.offset
    switch read.pointee.reading {
    case .count: return Double(total(entries, offset))
    case .activeDays: return Double(days(entries)) / Double(read.pointee.limit)
    case .slope: return slope(entries, read, now)
    case .distinctCodes: return Double(countCodes(entries, offset, read.pointee.limit, scratch).kinds)
    case .distinctTexts: return distinctTexts(entries, offset, scratch)
    case .sum: return Double(saturatingTotal(entries, offset)) / read.pointee.scale
    case .decayed where entries.isEmpty: return 0
    default: break
    }
    if entries.isEmpty { return .nan }
    switch read.pointee.reading {
    case .mean:
      let count = tables.series.base[Int(read.pointee.series)].count
      return Double(saturatingTotal(entries, offset)) / read.pointee.scale / Double(total(entries, count))
    case .minimum: return Double(least(entries, offset)) / read.pointee.scale
    case .maximum: return Double(greatest(entries, offset)) / read.pointee.scale
    case .first: return Double(entries.first[offset]) / read.pointee.scale
    case .last: return Double((entries.end - entries.stride)[offset]) / read.pointee.scale
    case .entropy: return entropy(entries, read, scratch)
    case .mode: return mode(entries, read, scratch)
    case .sinceFirst, .sinceLast: return Double(now - entries.first[offset]) / read.pointee.scale
    case .decayed: return decayed(entries, read, now)
    default: return .nan
    }
  }

  @inline(__always)
  private func total(_ entries: Entries, _ offset: Int) -> Int64 {
    var sum: Int64 = 0
    var entry = entries.first
    while entry < entries.end {
      sum &+= entry[offset]
      entry += entries.stride
    }
    return sum
  }

  @inline(__always)
  private func saturatingTotal(_ entries: Entries, _ offset: Int) -> Int64 {
    var sum: Int64 = 0
    var entry = entries.first
    while entry < entries.end {
      sum = ExactMath.saturatingSum(sum, entry[offset])
      entry += entries.stride
    }
    return sum
  }

  private func least(_ entries: Entries, _ offset: Int) -> Int64 {
    var result = Int64.max
    var entry = entries.first
    while entry < entries.end {
      result = min(result, entry[offset])
      entry += entries.stride
    }
    return result
  }

  private func greatest(_ entries: Entries, _ offset: Int) -> Int64 {
    var result = Int64.min
    var entry = entries.first
    while entry < entries.end {
      result = max(result, entry[offset])
      entry += entries.stride
    }
    return result
  }

  /// Number of entries; those of a series of days without sub-keys are the days with an event.
  private func days(_ entries: Entries) -> Int { (entries.end - entries.first) / entries.stride }

  /// Least-squares slope per day over the window's days, numbered from −(n − 1) to n − 1 in steps of two:
  /// 2 Σ w·y / Σ w², with Σ w² = n (n² − 1) / 3. Days without events are 0.
  private func slope(_ entries: Entries, _ read: UnsafePointer<AggregateRead>, _ now: EventTime) -> Double {
    let days = read.pointee.limit
    let lastDay = now / Span.day
    var sum = 0.0
    var entry = entries.first
    while entry < entries.end {
      let age = lastDay - Int64(UInt64(bitPattern: entry[0]) >> 44)
      let weight = Int64(days - 1) - 2 * age
      sum += Double(weight) * (Double(entry[read.pointee.offset]) / read.pointee.scale)
      entry += entries.stride
    }
    let n = Double(days)
    return 2 * sum / (n * (n * n - 1) / 3)
  }

  private func decayed(_ entries: Entries, _ read: UnsafePointer<AggregateRead>, _ now: EventTime) -> Double {
    let last = entries.first[tables.series.base[Int(read.pointee.series)].lastTime]
    let sum = Double(bitPattern: UInt64(bitPattern: entries.first[read.pointee.offset]))
    let factor = ExactMath.exp2(-(Double(now - last) / Double(read.pointee.halfLife)))
    return sum * factor / read.pointee.scale
  }

  // MARK: Codes

  /// Counts entries by code into the scratch; returns the number of codes met and the sum.
  private func countCodes(
    _ entries: Entries, _ offset: Int, _ codes: Int, _ scratch: FeatureScratch
  ) -> (kinds: Int, total: Int64) {
    let counts = scratch.counts
    counts.update(repeating: 0, count: codes)
    var kinds = 0
    var total: Int64 = 0
    var entry = entries.first
    while entry < entries.end {
      let code = Int(UInt64(bitPattern: entry[0]) & 0xfff_ffff_ffff)
      if counts[code] == 0 { kinds += 1 }
      counts[code] &+= entry[offset]
      total &+= entry[offset]
      entry += entries.stride
    }
    return (kinds, total)
  }

  /// −Σ p log₂ p over the codes, ascending.
  private func entropy(_ entries: Entries, _ read: UnsafePointer<AggregateRead>, _ scratch: FeatureScratch)
    -> Double
  {
    let total = countCodes(entries, read.pointee.offset, read.pointee.limit, scratch).total
    var result = 0.0
    for code in 0..<read.pointee.limit where scratch.counts[code] > 0 {
      let share = Double(scratch.counts[code]) / Double(total)
      result -= share * ExactMath.log2(share)
    }
    return result
  }

  /// The code with most events; the lowest of equal ones.
  private func mode(_ entries: Entries, _ read: UnsafePointer<AggregateRead>, _ scratch: FeatureScratch)
    -> Double
  {
    _ = countCodes(entries, read.pointee.offset, read.pointee.limit, scratch)
    var best = 0
    for code in 1..<max(read.pointee.limit, 1) where scratch.counts[code] > scratch.counts[best] {
      best = code
    }
    return Double(best)
  }

  // MARK: Texts

  /// Size of the union when every tile is exact, else the estimate of all tiles merged.
  private func distinctTexts(_ entries: Entries, _ rankOffset: Int, _ scratch: FeatureScratch) -> Double {
    scratch.beginUnion()
    var different = 0
    var isExact = true
    var entry = entries.first
    while entry < entries.end {
      let key = UInt64(bitPattern: entry[0]) & 0xfff_ffff_ffff
      if key < UInt64(DistinctSketch.registers) {
        isExact = false
        break
      }
      if scratch.insertIntoUnion(key) { different += 1 }
      entry += entries.stride
    }
    return isExact ? Double(different) : estimate(entries, rankOffset, scratch)
  }

  private func estimate(_ entries: Entries, _ rankOffset: Int, _ scratch: FeatureScratch) -> Double {
    scratch.ranks.update(repeating: 0, count: DistinctSketch.registers)
    var entry = entries.first
    while entry < entries.end {
      let key = UInt64(bitPattern: entry[0]) & 0xfff_ffff_ffff
      let isRegister = key < UInt64(DistinctSketch.registers)
      let register = isRegister ? Int(key) : DistinctSketch.register(key)
      let rank = UInt8(truncatingIfNeeded: isRegister ? entry[rankOffset] : DistinctSketch.rank(key))
      scratch.ranks[register] = max(scratch.ranks[register], rank)
      entry += entries.stride
    }
    return DistinctSketch.estimate(scratch.ranks)
  }
}
