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
        extract(attributes[index], plan, batch, into: values.baseAddress!)
      }
    }
  }

  /// What counts of an attribute's value; NaN: missing.
  @inline(__always)
  func value(
    of attribute: Attribute, _ plan: UnsafePointer<AttributePlan>, _ batch: EventBatch
  ) -> Double {
    judge(FoundValue(attribute, in: batch), attribute.symbol, plan).value
  }

  // MARK: Profile

  /// A snapshot sets every attribute in use, a change those that it gives.
  func applyProfile(_ event: Event, _ batch: EventBatch, _ state: EntityState) {
    let slots = Int(tables.slotCounts[tables.eventTypes])
    if event.kind == .profileSnapshot {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(tables.profileWidth, 1)) { values in
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
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(tables.profileWidth, 1)) { values in
        values.initialize(repeating: .nan)
        extract(attributes[index], plan, batch, into: values.baseAddress!)
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
