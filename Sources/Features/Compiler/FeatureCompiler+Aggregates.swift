import Events

extension FeatureCompiler {
  /// Aggregates, for error texts.
  static let aggregateNames = [
    "count", "sum", "mean", "min", "max", "first", "last", "distinct", "entropy", "mode", "peak_hour",
    "slope",
    "active_days", "days_since", "hours_since", "days_since_first", "hours_since_first", "gauge", "decayed",
  ]
  /// Longest window.
  static let windowMax: EventTime = 400 * Span.day

  mutating func aggregateCall(
    _ name: String, _ arguments: [Argument], offset: Int
  ) throws(DeclarationError) -> Value {
    guard keepsState else {
      throw error(
        offset, found: "\(name), which remembers events",
        allowed: "profile.ATTRIBUTE and functions of it: with state: none nothing is remembered")
    }
    let count = arguments.count
    switch name {
    case "count", "peak_hour":
      try expect(count, 1...2, "\(name)(EVENT [where …] [, 30d])", offset: offset)
      return try counting(name, try selection(arguments[0]), try window(arguments.dropFirst().first))
    case "slope":
      try expect(count, 2...2, "slope(count(EVENT), 7d) or slope(sum(EVENT.ATTRIBUTE), 7d)", offset: offset)
      return try slope(arguments)
    case "active_days":
      try expect(count, 2...2, "active_days(EVENT [where …], 30d)", offset: offset)
      let days = try dayWindow(arguments[1], least: 1)
      return dayReader(
        .activeDays, days, component: Component(kind: .count), try selection(arguments[0]), measured: nil,
        text: "active_days(\(arguments[0].description), \(days)d)")
    case "days_since", "hours_since", "days_since_first", "hours_since_first":
      try expect(count, 1...1, "\(name)(EVENT [where …])", offset: offset)
      return since(name, try selection(arguments[0]))
    case "gauge":
      try expect(count, 2...2, "gauge(OPENED [where …], CLOSED [where …])", offset: offset)
      let opened = try counting("count", try selection(arguments[0]), nil)
      let closed = try counting("count", try selection(arguments[1]), nil)
      return .number(row.emit(.subtract, opened.register, closed.register))
    case "decayed":
      try expect(count, 2...2, "decayed(EVENT or EVENT.ATTRIBUTE [where …], HALF_LIFE)", offset: offset)
      return try decayed(arguments)
    default:
      try expect(count, 1...2, "\(name)(EVENT.ATTRIBUTE [where …] [, 30d])", offset: offset)
      return try measuring(
        name, try measured(arguments[0], in: name), try window(arguments.dropFirst().first))
    }
  }

  /// `count` and `peak_hour`.
  private mutating func counting(
    _ name: String, _ selection: Selection, _ window: EventTime?
  ) throws(DeclarationError) -> Value {
    let isHour = name == "peak_hour"
    let register = reader(
      isHour ? .mode : .count, selection, measured: nil, sub: isHour ? .hour : .none,
      [Component(kind: .count)], window: window, limit: isHour ? 24 : 0, name: name)
    return Value(register: register, type: .number, codes: isHour ? 24 : nil)
  }

  /// Aggregates over an attribute.
  private mutating func measuring(
    _ name: String, _ source: Source, _ window: EventTime?
  ) throws(DeclarationError) -> Value {
    let type = source.declaration.type
    let count = Component(kind: .count)
    func read(_ reading: Reading, _ components: [Component], _ sub: SubKey = .none) -> Int32 {
      reader(
        reading, source.selection, measured: source, sub: sub, components, window: window,
        limit: type.codes ?? 0,
        name: name)
    }
    switch name {
    case "sum": return .number(read(.sum, [Component(kind: .sum)]))
    case "mean": return .number(read(.mean, [Component(kind: .sum), count]))
    case "min": return .number(read(.minimum, [Component(kind: .minimum)]))
    case "max": return .number(read(.maximum, [Component(kind: .maximum)]))
    case "first":
      return typed(read(.first, [Component(kind: .firstValue), Component(kind: .firstTime)]), type)
    case "last": return typed(read(.last, [Component(kind: .lastValue), Component(kind: .lastTime)]), type)
    case "distinct" where type == .text: return .number(read(.distinctTexts, [Component(kind: .rank)], .hash))
    case "distinct": return .number(read(.distinctCodes, [count], .code))
    case "entropy": return .number(read(.entropy, [count], .code))
    default: return typed(read(.mode, [count], .code), type)
    }
  }

  private func typed(_ register: Int32, _ type: AttributeType) -> Value {
    switch type {
    case .category(let words): Value(register: register, type: .category(words), codes: words.count + 1)
    case .flag: .flag(register)
    case .number, .text, .rank, .list: .number(register)
    }
  }

  private mutating func since(_ name: String, _ selection: Selection) -> Value {
    let isFirst = name.hasSuffix("_first")
    let component = Component(kind: isFirst ? .firstTime : .lastTime)
    let unit = name.hasPrefix("days") ? Span.day : Span.hour
    return .number(
      reader(
        isFirst ? .sinceFirst : .sinceLast, selection, measured: nil, sub: .none, [component], window: nil,
        scale: Double(unit), name: name))
  }

  private mutating func decayed(_ arguments: [Argument]) throws(DeclarationError) -> Value {
    guard arguments[1].condition == nil, case .duration(let halfLife) = arguments[1].value.kind else {
      throw error(
        arguments[1].value.offset, found: arguments[1].description, allowed: "a half-life such as 7d or 12h")
    }
    guard halfLife <= 10 * Self.windowMax else {
      throw error(
        arguments[1].value.offset, found: "a half-life of \(durationText(halfLife))",
        allowed: "at most \(durationText(10 * Self.windowMax))")
    }
    var source: Source?
    let selection: Selection
    if case .member = arguments[0].value.kind {
      let measured = try measured(arguments[0], in: "decayed")
      source = measured
      selection = measured.selection
    } else {
      selection = try self.selection(arguments[0])
    }
    return .number(
      reader(
        .decayed, selection, measured: source, sub: .none,
        [Component(kind: .decay, halfLife: halfLife), Component(kind: .lastTime)], window: nil,
        halfLife: halfLife,
        name: "decayed"))
  }

  private mutating func slope(_ arguments: [Argument]) throws(DeclarationError) -> Value {
    let usage = "count(EVENT [where …]) or sum(EVENT.ATTRIBUTE [where …]), without a window"
    let inner = arguments[0]
    guard inner.condition == nil, case .call(let name, let values) = inner.value.kind, values.count == 1,
      name == "count" || name == "sum"
    else { throw error(inner.value.offset, found: inner.description, allowed: usage) }
    let days = try dayWindow(arguments[1], least: 2)
    let text = "slope(\(inner.description), \(days)d)"
    if name == "count" {
      return dayReader(
        .slope, days, component: Component(kind: .count), try selection(values[0]), measured: nil, text: text)
    }
    let source = try measured(values[0], in: "sum")
    return dayReader(
      .slope, days, component: Component(kind: .sum), source.selection, measured: source, text: text)
  }
}
