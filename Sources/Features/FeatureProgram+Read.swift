public import Events

extension FeatureProgram {
  /// Reads the feature row as of `asOf`; a moment before the watermark is read as the watermark. Row code.
  ///
  /// `row` gets one cell per column; NaN is missing. A non-finite or too large value is missing.
  public func read(
    _ state: EntityState, asOf: EventTime, into row: UnsafeMutablePointer<Float>, scratch: FeatureScratch
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
    compute(registers, into: row)
  }

  /// Reads the feature row of a whole profile, in a pipeline that keeps no states. Row code.
  public func read(
    _ event: Event, in batch: EventBatch, into row: UnsafeMutablePointer<Float>, scratch: FeatureScratch
  ) {
    precondition(!keepsState && scratch.program === self, "a program with states, or scratch of another one")
    let slots = Int(tables.slotCounts[tables.eventTypes])
    let registers = scratch.registers
    withUnsafeTemporaryAllocation(of: Double.self, capacity: max(slots, 1)) { values in
      values.initialize(repeating: .nan)
      load(event, batch, group: tables.eventTypes, into: values)
      for slot in 0..<slots {
        registers[Int(tables.profileRegisters[Int(tables.profileNumbers[slot])])] = values[slot]
      }
    }
    readYear(event.time, registers)
    compute(registers, into: row)
  }

  @inline(__always)
  private func readYear(_ now: EventTime, _ registers: UnsafeMutablePointer<Double>) {
    if tables.yearRegister >= 0 { registers[tables.yearRegister] = Double(CivilYear.of(now)) }
  }

  private func compute(_ registers: UnsafeMutablePointer<Double>, into row: UnsafeMutablePointer<Float>) {
    for index in 0..<tables.instructions.count { execute(tables.instructions.base + index, registers) }
    for column in 0..<tables.columns.count {
      let cell = Float(registers[Int(tables.columns[column])])
      row[column] = cell.isFinite ? cell : .nan
    }
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

  /// One step; results that are not finite are missing.
  @inline(__always)
  private func execute(_ step: UnsafePointer<Instruction>, _ registers: UnsafeMutablePointer<Double>) {
    let a = registers[Int(step.pointee.a)]
    let b = registers[Int(step.pointee.b)]
    var result: Double
    switch step.pointee.operation {
    case .add: result = a + b
    case .subtract: result = a - b
    case .multiply: result = a * b
    case .divide: result = a / b
    case .negate: result = -a
    case .less: result = a < b ? 1 : 0
    case .lessEqual: result = a <= b ? 1 : 0
    case .greater: result = a > b ? 1 : 0
    case .greaterEqual: result = a >= b ? 1 : 0
    case .equal: result = a == b ? 1 : 0
    case .notEqual: result = a < b || a > b ? 1 : 0
    case .and: result = isTrue(a) && isTrue(b) ? 1 : 0
    case .or: result = isTrue(a) || isTrue(b) ? 1 : 0
    case .not: result = isTrue(a) ? 0 : 1
    case .least: result = a.isNaN || b.isNaN ? .nan : (b < a ? b : a)
    case .greatest: result = a.isNaN || b.isNaN ? .nan : (b > a ? b : a)
    case .absolute: result = abs(a)
    case .squareRoot: result = a < 0 ? .nan : a.squareRoot()
    case .log2: result = ExactMath.log2(a)
    case .exp2: result = ExactMath.exp2(a)
    case .floor: result = ExactMath.floor(a)
    case .coalesce: result = a.isNaN ? b : a
    case .select: result = isTrue(a) ? b : registers[Int(step.pointee.c)]
    case .bucket: result = bucket(a, registers + Int(step.pointee.b), Int(step.pointee.c))
    case .isMissing: result = a.isNaN ? 1 : 0
    case .within: result = a >= b && a <= registers[Int(step.pointee.c)] ? a : .nan
    }
    if !result.isFinite { result = .nan }
    registers[Int(step.pointee.target)] = result
  }

  @inline(__always)
  private func isTrue(_ value: Double) -> Bool { value < 0 || value > 0 }

  private func bucket(_ value: Double, _ thresholds: UnsafePointer<Double>, _ count: Int) -> Double {
    if value.isNaN { return .nan }
    var reached = 0
    while reached < count && thresholds[reached] <= value { reached += 1 }
    return Double(reached)
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
