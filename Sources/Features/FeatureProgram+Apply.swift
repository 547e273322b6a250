public import Events

/// What an event did to its entity's state.
public enum EventEffect: Sendable {
  /// It was applied; the state can be read.
  case applied
  /// Its id is among the entity's last 32: nothing changed.
  case duplicate
  /// It was an erasure: the state is empty.
  case erased
  /// It was a tick and there is nobody to tick: nothing changed.
  case unknownEntity
}

extension FeatureProgram {
  /// Why an event cannot be scored where no states are kept: a row needs a whole profile, and there is nobody to tick. nil: it can
  /// be, or it is an erasure. Row code.
  public func problemWithoutState(of event: Event) -> DeadLetterReason? {
    switch event.kind {
    case .profileSnapshot, .erasure, .promotion: nil
    case .tick: .unknownEntity
    case .profileChange, .engagement: .unknownKind
    }
  }

  /// What `process` would do with an event that has no `problem`. An erasure is never a duplicate: a second one finds an
  /// empty state. Row code.
  public func effect(of event: Event, on state: EntityState) -> EventEffect {
    switch event.kind {
    case .erasure: .erased
    // It belongs to no entity.
    case .promotion: .unknownEntity
    case .tick where state.events == 0 || startsAnew(event.time, state): .unknownEntity
    case .tick: state.remembers(event.idHash) ? .duplicate : .applied
    case .engagement, .profileSnapshot, .profileChange: isDuplicate(event, of: state) ? .duplicate : .applied
    }
  }

  /// Does with an event that has no `problem` what its kind asks for. Row code.
  ///
  /// `batch` must have been decoded with the program's `symbols`.
  public func process(_ event: Event, in batch: EventBatch, to state: EntityState) -> EventEffect {
    let effect = effect(of: event, on: state)
    switch (effect, event.kind) {
    case (.erased, _): state.removeAll()
    case (.applied, .tick):
      state.watermark = max(state.watermark, event.time)
      state.remember(event.idHash)
    case (.applied, _): apply(event, in: batch, to: state)
    case (.duplicate, _), (.unknownEntity, _): break
    }
    return effect
  }

  /// Whether the id is among the entity's last 32; never after a silence longer than the idle TTL, since the event
  /// starts from empty state then. Row code.
  public func isDuplicate(_ event: Event, of state: EntityState) -> Bool {
    !startsAnew(event.time, state) && state.remembers(event.idHash)
  }

  /// Applies a profile or an engagement that has no `problem` and is no duplicate, and remembers its id. Row code.
  ///
  /// Undeclared event types count for `any` only. `batch` must have been decoded with the program's `symbols`.
  public func apply(_ event: Event, in batch: EventBatch, to state: EntityState) {
    precondition(state.program === self, "state of another program")
    precondition(event.time > 0 && event.time < EventTimeBounds.end, "event time out of bounds")
    if startsAnew(event.time, state) { state.removeAll() }
    state.watermark = max(state.watermark, event.time)
    state.activeTime = max(state.activeTime, event.time)
    state.events &+= 1
    state.remember(event.idHash)
    if event.kind == .engagement {
      applyEngagement(event, batch, state)
    } else if tables.profileSeries >= 0 {
      applyProfile(event, batch, state)
    }
  }

  @inline(__always)
  private func startsAnew(_ time: EventTime, _ state: EntityState) -> Bool {
    state.watermark > 0 && time - state.activeTime > idleTTL
  }

  // MARK: Engagement

  private func applyEngagement(_ event: Event, _ batch: EventBatch, _ state: EntityState) {
    let group = group(of: event)
    let first = Int(tables.updateStarts[group])
    let end = Int(tables.updateStarts[group + 1])
    let slots = group < tables.eventTypes ? Int(tables.slotCounts[group]) : 0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: max(slots, 1)) { values in
      values.initialize(repeating: .nan)
      if slots > 0 { load(event, batch, group: group, into: values) }
      guard let base = values.baseAddress else { return }
      update(event.time, base, first..<end, state)
    }
  }

  private func update(
    _ time: EventTime, _ values: UnsafePointer<Double>, _ range: Range<Int>, _ state: EntityState
  ) {
    let hour = UInt64(time / Span.hour)
    let day = hour / 24
    let isLate = time < state.watermark
    var filter: Int32 = -1
    var passes = true
    for index in range {
      let update = tables.updates.base + index
      if update.pointee.filterStart != update.pointee.filterEnd {
        if update.pointee.filterStart != filter {
          filter = update.pointee.filterStart
          passes = holds(Int(filter)..<Int(update.pointee.filterEnd), values)
        }
        if !passes { continue }
      }
      let slot = Int(update.pointee.slot)
      let value = slot >= 0 ? values[slot] : 1
      if value.isNaN { continue }
      let number = Int(update.pointee.series)
      let layout = UnsafePointer(tables.series.base + number)
      let tile: UInt64
      switch layout.pointee.hop {
      case 0: tile = 0
      case Span.hour: tile = hour
      case Span.day: tile = day
      default: tile = day / 7
      }
      if isLate && tile << 44 < state.firstKey(layout.pointee) { continue }
      var sub: UInt64 = 0
      switch layout.pointee.sub {
      case .code: sub = UInt64(value)
      case .hour: sub = hour % 24
      case .hash:
        addText(UInt64(value), tile, number, layout, state)
        continue
      case .none, .attribute: break
      }
      if layout.pointee.foldsAt > 0 && state.count(number) >= layout.pointee.foldsAt
        && !state.has(tile << 44 | sub, number, stride: layout.pointee.stride)
      {
        state.fold(number, layout.pointee)
      }
      let (entry, isNew) = state.entry(tile << 44 | sub, number, layout.pointee)
      if isNew { clear(entry, layout) }
      add(value, time, update.pointee.scale, to: entry, layout)
    }
  }

  /// Components of nothing.
  private func clear(_ entry: UnsafeMutablePointer<Int64>, _ layout: UnsafePointer<SeriesLayout>) {
    for offset in 1..<layout.pointee.stride { entry[offset] = 0 }
    if layout.pointee.minimum > 0 { entry[layout.pointee.minimum] = .max }
    if layout.pointee.maximum > 0 { entry[layout.pointee.maximum] = .min }
    if layout.pointee.firstTime > 0 { entry[layout.pointee.firstTime] = .max }
  }

  /// One event more. Times are compared before they move, so values and decays come first.
  @inline(__always)
  private func add(
    _ value: Double, _ time: EventTime, _ scale: Double, to entry: UnsafeMutablePointer<Int64>,
    _ layout: UnsafePointer<SeriesLayout>
  ) {
    let whole = ExactMath.quantise(value, scale: scale)
    if layout.pointee.count > 0 { entry[layout.pointee.count] &+= 1 }
    if layout.pointee.sum > 0 {
      entry[layout.pointee.sum] = ExactMath.saturatingSum(entry[layout.pointee.sum], whole)
    }
    if layout.pointee.minimum > 0 {
      entry[layout.pointee.minimum] = min(entry[layout.pointee.minimum], whole)
    }
    if layout.pointee.maximum > 0 {
      entry[layout.pointee.maximum] = max(entry[layout.pointee.maximum], whole)
    }
    if layout.pointee.firstTime > 0 && time < entry[layout.pointee.firstTime] {
      entry[layout.pointee.firstTime] = time
      if layout.pointee.firstValue > 0 { entry[layout.pointee.firstValue] = whole }
    }
    guard layout.pointee.lastTime > 0 else { return }
    let last = entry[layout.pointee.lastTime]
    for index in 0..<layout.pointee.decayCount {
      decay(
        Double(whole), time, last, halfLife: tables.halfLives[layout.pointee.halfLife + index],
        entry + layout.pointee.decay + index)
    }
    if time >= last {
      entry[layout.pointee.lastTime] = time
      if layout.pointee.lastValue > 0 { entry[layout.pointee.lastValue] = whole }
    }
  }

  /// Brings the decayed sum to the later of the two times and adds the value as of then.
  private func decay(
    _ value: Double, _ time: EventTime, _ last: EventTime, halfLife: Double,
    _ word: UnsafeMutablePointer<Int64>
  ) {
    let sum = Double(bitPattern: UInt64(bitPattern: word.pointee))
    let factor = ExactMath.exp2(-(Double(abs(time - last)) / halfLife))
    let next = time >= last ? sum * factor + value : sum + value * factor
    word.pointee = Int64(bitPattern: next.bitPattern)
  }

  /// Whether a filter holds: steps over a stack of truth values kept as bits; missing values compare false.
  private func holds(_ steps: Range<Int>, _ values: UnsafePointer<Double>) -> Bool {
    var stack: UInt64 = 0
    for index in steps {
      let step = tables.filterSteps[index]
      let value = values[Int(step.slot)]
      let literal = Double(bitPattern: step.literal)
      let result: Bool
      switch step.operation {
      case .less: result = value < literal
      case .lessEqual: result = value <= literal
      case .greater: result = value > literal
      case .greaterEqual: result = value >= literal
      case .equal: result = value == literal
      case .notEqual: result = value < literal || value > literal
      case .isSet: result = value == 1
      case .not:
        stack ^= 1
        continue
      case .and:
        stack = (stack >> 1) & (stack | ~1)
        continue
      case .or:
        stack = (stack >> 1) | (stack & 1)
        continue
      }
      stack = stack << 1 | (result ? 1 : 0)
    }
    return stack & 1 == 1
  }

  // MARK: Distinct texts

  /// Adds a hash to its tile's set: exact while it fits, then a sketch.
  private func addText(
    _ key: UInt64, _ tile: UInt64, _ series: Int, _ layout: UnsafePointer<SeriesLayout>, _ state: EntityState
  ) {
    let stride = layout.pointee.stride
    let rank = layout.pointee.rank
    let first = state.lowerBound(tile << 44, series, stride: stride)
    let end = state.lowerBound((tile + 1) << 44, series, stride: stride)
    let base = state.words + state.start(series)
    let isSketch = first < end && UInt64(bitPattern: base[first * stride]) & 0xfff_ffff_ffff < 64
    if isSketch {
      raise(key, tile, series, layout, state)
      return
    }
    if end - first < DistinctSketch.exactMax {
      let (entry, isNew) = state.entry(tile << 44 | key, series, layout.pointee)
      if isNew { entry[rank] = 0 }
      return
    }
    for index in first..<end where UInt64(bitPattern: base[index * stride]) & 0xfff_ffff_ffff == key {
      return
    }
    withUnsafeTemporaryAllocation(of: UInt64.self, capacity: DistinctSketch.exactMax) { hashes in
      for index in first..<end {
        hashes.initializeElement(
          at: index - first, to: UInt64(bitPattern: base[index * stride]) & 0xfff_ffff_ffff)
      }
      state.remove(first..<end, series, stride: stride)
      for index in 0..<(end - first) { raise(hashes[index], tile, series, layout, state) }
    }
    raise(key, tile, series, layout, state)
  }

  /// Raises a hash's register of a tile's sketch.
  private func raise(
    _ key: UInt64, _ tile: UInt64, _ series: Int, _ layout: UnsafePointer<SeriesLayout>, _ state: EntityState
  ) {
    let register = UInt64(DistinctSketch.register(key))
    let rank = DistinctSketch.rank(key)
    let (entry, isNew) = state.entry(tile << 44 | register, series, layout.pointee)
    let word = entry + layout.pointee.rank
    word.pointee = isNew ? rank : max(word.pointee, rank)
  }
}
