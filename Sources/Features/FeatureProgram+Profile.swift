public import Events

/// Profiles of pipelines that keep no states, taken value by value from where a reader finds them: no attribute is stored in between.
///
/// A reader that meets anything that is not as declared (`false`) forgets the profile and reads the record into attributes, which are judged
/// in the same way and tell what is wrong.
extension FeatureProgram {
  /// Values that a profile has while it is taken; all are NaN at first.
  public var profileWidth: Int { tables.profileWidth }

  /// The plan of a profile's attribute, to take its values by; nil: the profile has none of that name.
  public func profilePlan(of symbol: Int32) -> Int32? {
    plan(of: symbol, tables.eventTypes).map { Int32($0 - UnsafePointer(tables.plans.base)) }
  }

  /// The plan of a list's field; `symbol`: of its name, or `unknown`. nil: the list has none of that name.
  public func fieldPlan(of symbol: Int32, list: Int32) -> Int32? {
    let list = tables.plans.base + Int(list)
    return (list.pointee.fieldsStart..<list.pointee.fieldsEnd).first {
      tables.plans.base[Int($0)].symbol == symbol
    }
  }

  /// Takes an attribute's value, which is no list. Returns whether it is as declared. Row code.
  public func take(_ value: FoundValue, plan: Int32, into values: UnsafeMutablePointer<Double>) -> Bool {
    if value.kind == .null { return true }
    let plan = UnsafePointer(tables.plans.base + Int(plan))
    let slot = Int(plan.pointee.slot)
    let judged = judge(value, symbols.lookup(value.text), plan, wantsValue: slot >= 0)
    guard judged.problem == nil else { return false }
    if slot >= 0 { values[slot] = judged.value }
    if plan.pointee.extractsStart < plan.pointee.extractsEnd { extract(value, plan, into: values) }
    return true
  }

  /// Whether an attribute with this plan is a list.
  public func isList(plan: Int32) -> Bool { tables.plans.base[Int(plan)].kind == .list }

  /// Begins a list of so many elements. Row code.
  public func beginList(size: UInt64, plan: Int32, into values: UnsafeMutablePointer<Double>) {
    beginList(size: size, UnsafePointer(tables.plans.base + Int(plan)), values)
  }

  /// Takes what an element has at a field. Returns whether it is as declared. Row code.
  public func takeElement(
    _ value: FoundValue, field: Int32, plan: Int32, into values: UnsafeMutablePointer<Double>
  ) -> Bool {
    let field = UnsafePointer(tables.plans.base + Int(field))
    let judged = judgeElement(value, symbols.lookup(value.text), field)
    guard judged.problem == nil else { return false }
    extractElement(value, judged.value, field, UnsafePointer(tables.plans.base + Int(plan)), values)
    return true
  }

  /// Ends a list. Row code.
  public func endList(plan: Int32, into values: UnsafeMutablePointer<Double>) {
    endList(UnsafePointer(tables.plans.base + Int(plan)), values)
  }
}
