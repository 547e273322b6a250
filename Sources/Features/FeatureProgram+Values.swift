public import Events

extension FeatureProgram {
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

  /// Group of an engagement event; the number of event types when its own is not declared.
  @inline(__always)
  func group(of event: Event) -> Int {
    guard event.type >= 0, event.type < tables.symbolCount else { return tables.eventTypes }
    let group = Int(tables.groupOfSymbol[Int(event.type)])
    return group >= 0 ? group : tables.eventTypes
  }

  /// Plan of an attribute by its name's symbol; nil: not declared in the group.
  @inline(__always)
  func plan(of name: Int32, _ group: Int) -> UnsafePointer<AttributePlan>? {
    guard name >= 0, name < tables.symbolCount else { return nil }
    let plan = Int(tables.planOfSymbol[group * tables.symbolCount + Int(name)])
    return plan >= 0 ? UnsafePointer(tables.plans.base + plan) : nil
  }

  /// Plan of what an element of a list holds; nil: the list's declaration has no such field.
  @inline(__always)
  func field(of element: Attribute, _ list: UnsafePointer<AttributePlan>) -> UnsafePointer<AttributePlan>? {
    for index in Int(list.pointee.fieldsStart)..<Int(list.pointee.fieldsEnd)
    where tables.plans.base[index].symbol == element.name {
      return UnsafePointer(tables.plans.base + index)
    }
    return nil
  }

  /// Fills the slots of an event's attributes that features use; a later one of the same name wins.
  func load(_ event: Event, _ batch: EventBatch, group: Int, into values: UnsafeMutableBufferPointer<Double>)
  {
    let attributes = batch.attributes
    let start = Int(event.attributesStart)
    for index in start..<(start + Int(event.attributesCount)) {
      guard let plan = plan(of: attributes[index].name, group) else { continue }
      if plan.pointee.slot >= 0 { values[Int(plan.pointee.slot)] = value(of: attributes[index], plan, batch) }
      if plan.pointee.extractsStart < plan.pointee.extractsEnd {
        extract(attributes[index], plan, batch, into: values)
      }
    }
  }

  /// A number as `AttributePlan.number` takes it, a category's code, a flag's 0 or 1, a text's 44-bit hash; NaN: missing.
  func value(
    of attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch
  ) -> Double {
    switch (plan.pointee.kind, attribute.kind) {
    case (.number, _):
      let value = number(attribute, plan, batch)
      return plan.pointee.wrong == .letter ? value : bounded(value, attribute, plan)
    case (.flag, .flag): return attribute.bits == 0 ? 0 : 1
    case (.flag, .text) where plan.pointee.readsText:
      return DecimalText.flag(of: attribute.text, in: batch).map { $0 ? 1 : 0 } ?? .nan
    case (.category, .text), (.rank, .text):
      let place = attribute.symbol - plan.pointee.firstSymbol
      let code =
        attribute.symbol >= 0 && place >= 0 && place < plan.pointee.symbolCount
        ? tables.codes[Int(plan.pointee.codes + place)] : plan.pointee.other
      return plan.pointee.kind == .rank && code == plan.pointee.other ? .nan : Double(code)
    case (.text, .text):
      let hash = batch.withBytes(of: attribute.text) { Hash128(of: $0) }
      return Double(DistinctSketch.key(hash.low))
    default: return .nan
    }
  }

  @inline(__always)
  private func number(
    _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch
  ) -> Double {
    switch attribute.kind {
    case .integer: return Double(Int64(bitPattern: attribute.bits))
    case .real:
      let value = Double(bitPattern: attribute.bits)
      return value.isFinite ? plan.pointee.number(value) ?? .nan : .nan
    case .text where plan.pointee.readsText:
      return DecimalText.value(of: attribute.text, in: batch).flatMap { plan.pointee.number($0) } ?? .nan
    default: return .nan
    }
  }

  /// A number outside the bounds, which is no dead letter: the nearer bound, or missing. Beyond 64 bits its sign is not known.
  private func bounded(
    _ value: Double, _ attribute: Attribute, _ plan: UnsafePointer<AttributePlan>
  ) -> Double {
    if value >= plan.pointee.minimum && value <= plan.pointee.maximum { return value }
    guard plan.pointee.wrong == .clamp, !value.isNaN else { return .nan }
    return value < plan.pointee.minimum ? plan.pointee.minimum : plan.pointee.maximum
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
      guard let plan = plan(of: attributes[index].name, tables.eventTypes) else { continue }
      if plan.pointee.slot >= 0 {
        setProfile(Int(plan.pointee.slot), value(of: attributes[index], plan, batch), event.time, state)
      }
      guard plan.pointee.extractsStart < plan.pointee.extractsEnd else { continue }
      withUnsafeTemporaryAllocation(of: Double.self, capacity: slots) { values in
        values.initialize(repeating: .nan)
        extract(attributes[index], plan, batch, into: values)
        for place in Int(plan.pointee.extractsStart)..<Int(plan.pointee.extractsEnd) {
          let slot = Int(tables.extracts[place].slot)
          setProfile(slot, values[slot], event.time, state)
        }
      }
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
