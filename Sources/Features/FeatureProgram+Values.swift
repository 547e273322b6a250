public import Events

extension FeatureProgram {
  /// Whether an event fits the declaration: types, bounds and decimals of its attributes. nil: it does. Row code.
  ///
  /// Checked are the attributes that its event type (or the profile) declares; a number may come as a whole number
  /// of at most ±2^53, null is always allowed, an undeclared event type is too. Whatever else an event holds cannot be wrong. Also refuses an event time outside
  /// `EventTimeBounds`, which decoders check as well.
  public func problem(of event: Event, in batch: EventBatch) -> DeadLetterReason? {
    var undeclared = 0
    return problem(of: event, in: batch, undeclared: &undeclared)
  }

  /// The same; adds to `undeclared` how many of the event's attributes are not declared for its type, unless that is not declared
  /// itself.
  public func problem(of event: Event, in batch: EventBatch, undeclared: inout Int) -> DeadLetterReason? {
    guard event.time > 0, event.time < EventTimeBounds.end else { return .invalidTime }
    return firstProblem(of: event, in: batch, &undeclared)?.reason
  }

  /// Number of an engagement's type in order of declaration; nil: it is not declared. Row code.
  public func declaredType(of event: Event) -> Int? {
    let group = group(of: event)
    return group < tables.eventTypes ? group : nil
  }

  /// Whether an attribute is declared for an event's type, or for the profile. Row code.
  public func declares(_ attribute: Attribute, of event: Event) -> Bool {
    if event.kind != .engagement { return plan(of: attribute.name, tables.eventTypes) != nil }
    let group = group(of: event)
    return group < tables.eventTypes && plan(of: attribute.name, group) != nil
  }

  /// More about an event's `problem`, for readers: the attribute and what is wrong with it, never its value. Empty: no
  /// attribute is wrong.
  public func detail(of event: Event, in batch: EventBatch) -> String {
    var undeclared = 0
    guard let (reason, index) = firstProblem(of: event, in: batch, &undeclared) else { return "" }
    let attribute = batch.attributes[index]
    let group = event.kind == .engagement ? group(of: event) : tables.eventTypes
    guard let plan = plan(of: attribute.name, group) else { return "" }
    let owner = event.kind == .engagement ? symbols.names[Int(event.type)] : "profile"
    let name = "\(owner).\(symbols.names[Int(attribute.name)])"
    switch reason {
    case .notFinite: return "\(name) is no finite number"
    case .invalidUTF8: return "\(name) is no valid text: not UTF-8, or half of a surrogate pair"
    case .outOfBounds
    where attribute.kind == .real && plan.pointee.number(Double(bitPattern: attribute.bits)) == nil:
      return "\(name) has more decimals than are declared: declare them, or round: true"
    case .outOfBounds:
      let bounds = "\(Self.text(plan.pointee.minimum)) to \(Self.text(plan.pointee.maximum))"
      return "\(name) is outside its bounds, \(bounds)"
    default: return "\(name) is no \(plan.pointee.kind) but \(Self.words(for: attribute.kind))"
    }
  }

  private static func text(_ bound: Double) -> String {
    Int64(exactly: bound).map(String.init) ?? "\(bound)"
  }

  /// What an attribute holds, for readers.
  private static func words(for kind: AttributeKind) -> String {
    switch kind {
    case .null: "null"
    case .flag: "true or false"
    case .integer, .real, .beyond: "a number"
    case .infinite: "an infinite number or NaN"
    case .text, .garbled: "a text"
    case .composite: "an object or a list"
    }
  }

  /// The first of the event's attributes that does not fit.
  private func firstProblem(
    of event: Event, in batch: EventBatch, _ undeclared: inout Int
  ) -> (reason: DeadLetterReason, index: Int)? {
    if event.kind == .tick || event.kind == .erasure { return nil }
    let group = event.kind == .engagement ? group(of: event) : tables.eventTypes
    guard event.kind != .engagement || group < tables.eventTypes else { return nil }
    let attributes = batch.attributes
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      guard let plan = plan(of: attributes[index].name, group) else {
        undeclared += 1
        continue
      }
      if let reason = problem(of: attributes[index], plan) { return (reason, index) }
    }
    return nil
  }

  private func problem(of attribute: Attribute, _ plan: UnsafePointer<AttributePlan>) -> DeadLetterReason? {
    if attribute.kind == .null { return nil }
    switch plan.pointee.kind {
    case .number: return problem(ofNumber: attribute, plan)
    case .category, .text:
      if attribute.kind == .garbled { return .invalidUTF8 }
      return attribute.kind == .text ? nil : .wrongType
    case .flag: return attribute.kind == .flag ? nil : .wrongType
    }
  }

  private func problem(ofNumber attribute: Attribute, _ plan: UnsafePointer<AttributePlan>)
    -> DeadLetterReason?
  {
    let value: Double
    switch attribute.kind {
    case .integer:
      let whole = Int64(bitPattern: attribute.bits)
      guard whole.magnitude <= 1 << 53 else { return .outOfBounds }
      value = Double(whole)
    case .real:
      let given = Double(bitPattern: attribute.bits)
      guard given.isFinite else { return .notFinite }
      guard let number = plan.pointee.number(given) else { return .outOfBounds }
      value = number
    case .beyond: return .outOfBounds
    case .infinite: return .notFinite
    case .null, .flag, .text, .garbled, .composite: return .wrongType
    }
    return value < plan.pointee.minimum || value > plan.pointee.maximum ? .outOfBounds : nil
  }

  /// Group of an engagement event; the number of event types when its own is not declared.
  @inline(__always)
  func group(of event: Event) -> Int {
    guard event.type >= 0, event.type < tables.symbolCount else { return tables.eventTypes }
    let group = Int(tables.groupOfSymbol[Int(event.type)])
    return group >= 0 ? group : tables.eventTypes
  }

  /// Plan of an attribute by its name's symbol; nil: not declared in the group.
  @inline(__always)
  private func plan(of name: Int32, _ group: Int) -> UnsafePointer<AttributePlan>? {
    guard name >= 0, name < tables.symbolCount else { return nil }
    let plan = Int(tables.planOfSymbol[group * tables.symbolCount + Int(name)])
    return plan >= 0 ? UnsafePointer(tables.plans.base + plan) : nil
  }

  /// Fills the slots of an event's attributes that features use; a later one of the same name wins.
  func load(_ event: Event, _ batch: EventBatch, group: Int, into values: UnsafeMutableBufferPointer<Double>)
  {
    let attributes = batch.attributes
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      guard let plan = plan(of: attributes[index].name, group), plan.pointee.slot >= 0 else { continue }
      values[Int(plan.pointee.slot)] = value(of: attributes[index], plan, batch)
    }
  }

  /// A number as `AttributePlan.number` takes it, a category's code, a flag's 0 or 1, a text's 44-bit hash; NaN: missing.
  private func value(of attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch)
    -> Double
  {
    switch (plan.pointee.kind, attribute.kind) {
    case (.number, .integer): return Double(Int64(bitPattern: attribute.bits))
    case (.number, .real):
      let value = Double(bitPattern: attribute.bits)
      return value.isFinite ? plan.pointee.number(value) ?? .nan : .nan
    case (.flag, .flag): return attribute.bits == 0 ? 0 : 1
    case (.category, .text):
      let place = attribute.symbol - plan.pointee.firstSymbol
      guard attribute.symbol >= 0, place >= 0, place < plan.pointee.symbolCount else {
        return Double(plan.pointee.other)
      }
      return Double(tables.codes[Int(plan.pointee.codes + place)])
    case (.text, .text):
      let hash = batch.withBytes(of: attribute.text) { Hash128(of: $0) }
      return Double(DistinctSketch.key(hash.low))
    default: return .nan
    }
  }

  // MARK: Profile

  /// A snapshot sets every attribute in use, a change those that it gives.
  func applyProfile(_ event: Event, _ batch: EventBatch, _ state: EntityState) {
    let slots = Int(tables.slotCounts[tables.eventTypes])
    if event.kind == .profileSnapshot {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: slots) { values in
        values.initialize(repeating: .nan)
        load(event, batch, group: tables.eventTypes, into: values)
        for slot in 0..<slots { setProfile(slot, values[slot], event.time, state) }
      }
      return
    }
    let attributes = batch.attributes
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      guard let plan = plan(of: attributes[index].name, tables.eventTypes), plan.pointee.slot >= 0 else {
        continue
      }
      setProfile(Int(plan.pointee.slot), value(of: attributes[index], plan, batch), event.time, state)
    }
  }

  /// The update with the largest event time holds, among equal ones the later in the log.
  private func setProfile(_ slot: Int, _ value: Double, _ time: EventTime, _ state: EntityState) {
    let layout = UnsafePointer(tables.series.base + tables.profileSeries)
    let (entry, isNew) = state.entry(tables.profileNumbers[slot], tables.profileSeries, layout.pointee)
    guard isNew || time >= entry[layout.pointee.lastTime] else { return }
    let bits = value.isNaN ? Double.nan.bitPattern : value.bitPattern
    entry[layout.pointee.lastTime] = time
    entry[layout.pointee.real] = Int64(bitPattern: bits)
  }
}
