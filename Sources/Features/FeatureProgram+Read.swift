public import Events

extension FeatureProgram {
  /// Reads the feature row as of `asOf`; a moment before the watermark is read as the watermark. Row code.
  ///
  /// `row` gets one cell per column; NaN is missing. A non-finite or too large value is missing. `carried` gets what `results` and others
  /// need of the row, `carriedCount` cells; nil: nobody asks.
  public func read(
    _ state: EntityState, asOf: EventTime, into row: UnsafeMutablePointer<Float>,
    carried: UnsafeMutablePointer<Double>? = nil, scratch: FeatureScratch
  ) {
    precondition(state.program === self && scratch.program === self, "state or scratch of another program")
    let now = min(max(asOf, state.watermark), EventTimeBounds.end - 1)
    let registers = scratch.registers
    for index in 0..<tables.windows.count {
      let window = tables.windows[index]
      scratch.lows[index] = now > window.reach ? UInt64((now - window.reach) / window.hop) << 44 : 0
    }
    readYear(now, registers)
    readProfile(state, registers)
    readAggregates(state, now, scratch)
    compute(registers, into: row, carried)
  }

  /// Reads the feature row of a whole profile, in a pipeline that keeps no states. Row code.
  public func read(
    _ event: Event, in batch: EventBatch, into row: UnsafeMutablePointer<Float>,
    carried: UnsafeMutablePointer<Double>? = nil, scratch: FeatureScratch
  ) {
    precondition(!keepsState && scratch.program === self, "a program with states, or scratch of another one")
    let slots = Int(tables.slotCounts[tables.eventTypes])
    let registers = scratch.registers
    if event.profileStart >= 0 {
      copy(batch.profiles.base + Int(event.profileStart), slots, to: registers)
    } else {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(tables.profileWidth, 1)) { values in
        values.initialize(repeating: .nan)
        load(event, batch, group: tables.eventTypes, into: values)
        copy(values.baseAddress!, slots, to: registers)
      }
    }
    readYear(event.time, registers)
    compute(registers, into: row, carried)
  }

  @inline(__always)
  private func copy(
    _ values: UnsafePointer<Double>, _ slots: Int, to registers: UnsafeMutablePointer<Double>
  ) {
    for slot in 0..<slots { registers[Int(tables.slotRegisters[slot])] = values[slot] }
  }

  @inline(__always)
  private func readYear(_ now: EventTime, _ registers: UnsafeMutablePointer<Double>) {
    if tables.yearRegister >= 0 { registers[tables.yearRegister] = Double(CivilYear.of(now)) }
  }

  private func compute(
    _ registers: UnsafeMutablePointer<Double>, into row: UnsafeMutablePointer<Float>,
    _ carried: UnsafeMutablePointer<Double>?
  ) {
    for index in 0..<tables.instructions.count { (tables.instructions.base + index).run(registers) }
    for column in 0..<tables.columns.count {
      let cell = Float(registers[Int(tables.columns[column])])
      row[column] = cell.isFinite ? cell : .nan
    }
    guard let carried else { return }
    for place in 0..<tables.carried.count { carried[place] = registers[Int(tables.carried[place])] }
  }

  private func readProfile(_ state: EntityState, _ registers: UnsafeMutablePointer<Double>) {
    guard tables.profileSeries >= 0 else { return }
    for attribute in 0..<tables.profileRegisters.count where tables.profileRegisters[attribute] >= 0 {
      registers[Int(tables.profileRegisters[attribute])] = .nan
    }
    let layout = UnsafePointer(tables.series.base + tables.profileSeries)
    var entry = UnsafePointer(state.words + state.start(tables.profileSeries))
    for _ in 0..<state.count(tables.profileSeries) {
      let register = tables.profileRegisters[Int(entry[0])]
      if register >= 0 {
        registers[Int(register)] = Double(bitPattern: UInt64(bitPattern: entry[layout.pointee.real]))
      }
      entry += layout.pointee.stride
    }
  }

  private func readAggregates(_ state: EntityState, _ now: EventTime, _ scratch: FeatureScratch) {
    var series: Int32 = -1
    var window: Int32 = -2
    var entries = Entries(first: UnsafePointer(state.words), end: UnsafePointer(state.words), stride: 1)
    for index in 0..<tables.aggregates.count {
      let read = UnsafePointer(tables.aggregates.base + index)
      if read.pointee.series != series || read.pointee.window != window {
        series = read.pointee.series
        window = read.pointee.window
        entries = self.entries(of: Int(series), from: window < 0 ? 0 : scratch.lows[Int(window)], state)
      }
      scratch.registers[Int(read.pointee.target)] = value(of: read, entries, now, scratch)
    }
  }

  /// A series' entries from a key on. None lies after the watermark, so they reach to the series' end.
  @inline(__always)
  private func entries(of series: Int, from key: UInt64, _ state: EntityState) -> Entries {
    let stride = tables.series.base[series].stride
    let base = UnsafePointer(state.words + state.start(series))
    let first = key == 0 ? 0 : state.lowerBound(key, series, stride: stride)
    return Entries(first: base + first * stride, end: base + state.count(series) * stride, stride: stride)
  }
}

/// Consecutive entries of a series.
struct Entries {
  var first: UnsafePointer<Int64>
  var end: UnsafePointer<Int64>
  var stride: Int

  @inline(__always)
  var isEmpty: Bool { first == end }
}
