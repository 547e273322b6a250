import Events

/// What counts of a value, and what is wrong with it.
struct JudgedValue {
  /// A number as `AttributePlan.number` takes it, a category's code, a flag's 0 or 1, a text's 44-bit hash; NaN: missing. Of a value that is
  /// not allowed what counts in its place.
  var value: Double
  /// Why it is not allowed; nil: it is.
  var problem: DeadLetterReason?
}

extension FeatureProgram {
  /// Judges a value by its declaration. `symbol`: of a text its number among the symbols, where the declaration has words. `wantsValue`
  /// false: only the problem is asked for. Row code.
  @inline(__always)
  func judge(
    _ value: FoundValue, _ symbol: @autoclosure () -> Int32, _ plan: UnsafePointer<AttributePlan>,
    wantsValue: Bool = true
  ) -> JudgedValue {
    if value.kind == .null { return JudgedValue(value: .nan) }
    switch plan.pointee.kind {
    case .number: return judgeNumber(value, plan)
    case .category, .rank:
      guard value.kind == .text else { return Self.unlike(value) }
      guard wantsValue else { return JudgedValue(value: .nan) }
      let code = code(of: symbol(), plan)
      // Another word has no rank. That it is missing then is what the declaration says: no problem.
      let isMissing = plan.pointee.kind == .rank && code == plan.pointee.other
      return JudgedValue(value: isMissing ? .nan : Double(code))
    case .text:
      guard value.kind == .text else { return Self.unlike(value) }
      guard wantsValue else { return JudgedValue(value: .nan) }
      return JudgedValue(value: Double(DistinctSketch.key(Hash128(of: value.text).low)))
    case .flag:
      if value.kind == .flag { return JudgedValue(value: value.bits == 0 ? 0 : 1) }
      guard value.kind == .text, plan.pointee.readsText, let flag = DecimalText.flag(of: value.text) else {
        return JudgedValue(value: .nan, problem: .wrongType)
      }
      return JudgedValue(value: flag ? 1 : 0)
    case .list: return JudgedValue(value: .nan, problem: value.kind == .list ? nil : .wrongType)
    }
  }

  /// Something else in the place of a text.
  @inline(__always)
  private static func unlike(_ value: FoundValue) -> JudgedValue {
    JudgedValue(value: .nan, problem: value.kind == .garbled ? .invalidUTF8 : .wrongType)
  }

  @inline(__always)
  private func code(of symbol: Int32, _ plan: UnsafePointer<AttributePlan>) -> Int32 {
    let place = symbol - plan.pointee.firstSymbol
    guard symbol >= 0, place >= 0, place < plan.pointee.symbolCount else { return plan.pointee.other }
    return tables.codes[Int(plan.pointee.codes + place)]
  }

  @inline(__always)
  private func judgeNumber(_ value: FoundValue, _ plan: UnsafePointer<AttributePlan>) -> JudgedValue {
    let given: Double
    switch value.kind {
    case .integer:
      let whole = Int64(bitPattern: value.bits)
      return bounded(Double(whole), plan, isExact: whole.magnitude <= 1 << 53)
    case .real:
      given = Double(bitPattern: value.bits)
      guard given.isFinite else { return JudgedValue(value: .nan, problem: .notFinite) }
    case .text where plan.pointee.readsText:
      guard let read = DecimalText.value(of: value.text) else {
        return JudgedValue(value: .nan, problem: .wrongType)
      }
      given = read
    case .beyond: return JudgedValue(value: .nan, problem: .outOfBounds)
    case .infinite: return JudgedValue(value: .nan, problem: .notFinite)
    default: return JudgedValue(value: .nan, problem: .wrongType)
    }
    guard plan.pointee.scale > 0 else { return bounded(given, plan, isExact: true) }
    guard let number = plan.pointee.number(given) else {
      return JudgedValue(value: .nan, problem: .outOfBounds)
    }
    return bounded(number, plan, isExact: true)
  }

  /// A number outside the bounds counts as the nearer bound where that is declared, else not at all.
  @inline(__always)
  private func bounded(
    _ value: Double, _ plan: UnsafePointer<AttributePlan>, isExact: Bool
  ) -> JudgedValue {
    let (minimum, maximum) = (plan.pointee.minimum, plan.pointee.maximum)
    if value >= minimum && value <= maximum {
      return JudgedValue(value: value, problem: isExact ? nil : .outOfBounds)
    }
    guard plan.pointee.wrong == .clamp else { return JudgedValue(value: .nan, problem: .outOfBounds) }
    return JudgedValue(value: value < minimum ? minimum : maximum, problem: .outOfBounds)
  }
}
