import Events

extension FeatureCompiler {
  mutating func call(_ name: String, _ arguments: [Argument], offset: Int) throws(DeclarationError) -> Value {
    if let value = try extractCall(name, arguments, offset: offset) { return value }
    if Self.aggregateNames.contains(name) { return try aggregateCall(name, arguments, offset: offset) }
    guard Self.scalarNames.contains(name) else {
      let known = Self.aggregateNames + Self.scalarNames + Self.extractNames
      throw error(
        offset, found: "unknown function \"\(name)\"", allowed: offer(name, of: "function", among: known))
    }
    var values: [Expression] = []
    for argument in arguments {
      if let condition = argument.condition {
        throw error(condition.offset, found: "\"where\" in \(name)", allowed: "\"where\" in aggregates only")
      }
      values.append(argument.value)
    }
    return try scalar(name, values, offset: offset)
  }

  /// Checks the number of arguments.
  func expect(
    _ count: Int, _ range: ClosedRange<Int>, _ usage: String, offset: Int
  ) throws(DeclarationError) {
    guard range.contains(count) else {
      throw error(offset, found: "\(count) argument\(count == 1 ? "" : "s")", allowed: usage)
    }
  }

  private mutating func scalar(
    _ name: String, _ arguments: [Expression], offset: Int
  ) throws(DeclarationError) -> Value {
    let count = arguments.count
    switch name {
    case "ratio":
      try expect(count, 2...2, "ratio(a, b)", offset: offset)
      return .number(row.emit(.divide, try number(arguments[0]), try number(arguments[1])))
    case "least", "greatest":
      try expect(count, 2...64, "\(name)(a, b, …)", offset: offset)
      return try fold(name == "least" ? .least : .greatest, arguments)
    case "clamp":
      try expect(count, 3...3, "clamp(x, lo, hi)", offset: offset)
      try checkBounds(arguments, "clamp")
      let raised = row.emit(.greatest, try number(arguments[0]), try number(arguments[1]))
      return .number(row.emit(.least, raised, try number(arguments[2])))
    case "coalesce", "first_known":
      try expect(count, 2...64, "\(name)(a, b, …)", offset: offset)
      return try coalesce(arguments)
    case "within":
      try expect(count, 3...3, "within(x, lo, hi)", offset: offset)
      try checkBounds(arguments, "within")
      return .number(
        row.emit(.within, try number(arguments[0]), try number(arguments[1]), try number(arguments[2])))
    case "year":
      guard count == 1, case .name("as_of") = arguments[0].kind else {
        throw error(offset, found: "year of something else", allowed: "year(as_of)")
      }
      return .number(asOfYear())
    case "years_since":
      try expect(count, 1...1, "years_since(YEAR)", offset: offset)
      return .number(row.emit(.subtract, asOfYear(), try number(arguments[0])))
    case "if":
      try expect(count, 3...3, "if(condition, a, b)", offset: offset)
      return try choose(arguments)
    case "bucket":
      try expect(count, 2...256, "bucket(x, t1, t2, …)", offset: offset)
      return try bucket(arguments)
    case "is_missing":
      try expect(count, 1...1, "is_missing(x)", offset: offset)
      return .flag(row.emit(.isMissing, try compile(arguments[0]).register))
    default:
      try expect(count, 1...1, "\(name)(x)", offset: offset)
      let opcodes: [String: Opcode] = [
        "abs": .absolute, "sqrt": .squareRoot, "log2": .log2, "exp2": .exp2, "floor": .floor,
      ]
      return .number(row.emit(opcodes[name] ?? .absolute, try number(arguments[0])))
    }
  }

  /// Bounds that are written as numbers must be in their order.
  private func checkBounds(_ arguments: [Expression], _ name: String) throws(DeclarationError) {
    guard case .number(let low) = arguments[1].kind, case .number(let high) = arguments[2].kind, low > high
    else { return }
    throw error(
      arguments[1].offset, found: "\(name) from \(plain(low)) to \(plain(high))",
      allowed: "\(name)(x, lo, hi) with lo at most hi")
  }

  /// Register of the as-of time's year.
  private mutating func asOfYear() -> Int32 {
    if let register = yearRegister { return register }
    let register = row.input()
    yearRegister = register
    return register
  }

  private mutating func fold(_ operation: Opcode, _ arguments: [Expression]) throws(DeclarationError) -> Value
  {
    var result = try number(arguments[0])
    for argument in arguments.dropFirst() { result = row.emit(operation, result, try number(argument)) }
    return .number(result)
  }

  private mutating func coalesce(_ arguments: [Expression]) throws(DeclarationError) -> Value {
    var result = try compile(arguments[0])
    for argument in arguments.dropFirst() {
      let next = try compile(argument)
      result = try join(
        result, next, offset: argument.offset, row.emit(.coalesce, result.register, next.register))
    }
    return result
  }

  private mutating func choose(_ arguments: [Expression]) throws(DeclarationError) -> Value {
    let test = try condition(arguments[0])
    let yes = try compile(arguments[1])
    let no = try compile(arguments[2])
    return try join(yes, no, offset: arguments[2].offset, row.emit(.select, test, yes.register, no.register))
  }

  /// The type of a value that is one of two.
  private func join(
    _ left: Value, _ right: Value, offset: Int, _ register: Int32
  ) throws(DeclarationError) -> Value {
    var codes: Int?
    if let a = left.codes, let b = right.codes { codes = max(a, b) }
    if left.type == right.type { return Value(register: register, type: left.type, codes: codes) }
    for side in [left, right] {
      guard case .category = side.type else { continue }
      throw error(
        offset, found: "\(right.type.text) beside \(left.type.text)",
        allowed: "both numbers, or both categories of the same words")
    }
    return Value(register: register, type: .number, codes: codes)
  }

  private mutating func bucket(_ arguments: [Expression]) throws(DeclarationError) -> Value {
    let value = try number(arguments[0])
    var thresholds: [Double] = []
    for argument in arguments.dropFirst() {
      guard case .number(let threshold) = argument.kind, threshold > thresholds.last ?? -.infinity else {
        throw error(
          argument.offset, found: argument.description, allowed: "numbers, each greater than the one before")
      }
      thresholds.append(threshold)
    }
    let first = row.constants(thresholds)
    let register = row.emit(.bucket, value, first, Int32(thresholds.count))
    return Value(register: register, type: .number, codes: thresholds.count + 1)
  }
}
