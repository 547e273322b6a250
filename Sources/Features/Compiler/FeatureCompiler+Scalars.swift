import Events

extension FeatureCompiler {
  /// Scalar functions, for error texts.
  static let scalarNames = [
    "ratio", "least", "greatest", "clamp", "abs", "sqrt", "log2", "exp2", "floor", "coalesce", "if", "bucket",
    "is_missing", "first_known", "within", "year", "years_since",
  ]

  mutating func compile(_ expression: Expression) throws(DeclarationError) -> Value {
    if judgement.isOpen, !judgement.mentionsOutputs(expression) { return try carried(expression) }
    switch expression.kind {
    case .number(let value): return literal(value)
    case .duration, .text:
      throw error(
        expression.offset, found: describe(expression),
        allowed: "a number, a name, profile.ATTRIBUTE or a function")
    case .name(let name):
      if let register = judgement.register(ofOutput: name) { return .number(register) }
      if let value = feature(named: name) { return value }
      let known = features.map(\.declaration.name)
      let outputs = judgement.isOpen ? judgement.outputs.map(\.name) : []
      throw error(
        expression.offset, found: "unknown name \"\(name)\"",
        allowed: offer(
          name, of: outputs.isEmpty ? "earlier feature" : "output or earlier feature", among: outputs + known)
      )
    case .member(let owner, let name): return try profileValue(owner, name, offset: expression.offset)
    case .call(let name, let arguments): return try call(name, arguments, offset: expression.offset)
    case .not(let inner): return .flag(row.emit(.not, try condition(inner)))
    case .negate(let inner): return .number(row.emit(.negate, try number(inner)))
    case .binary(let operation, let left, let right):
      return try binary(operation, left, right, offset: expression.offset)
    }
  }

  /// A value that can be calculated with: a number, or a condition as 1 or 0.
  mutating func number(_ expression: Expression) throws(DeclarationError) -> Int32 {
    let value = try compile(expression)
    if case .category = value.type {
      throw error(
        expression.offset, found: "a category where a number is needed",
        allowed: "a number; compare a category with == \"word\" to make one of it")
    }
    return value.register
  }

  /// A value that is true or false.
  mutating func condition(_ expression: Expression) throws(DeclarationError) -> Int32 {
    let value = try compile(expression)
    guard value.type == .flag else {
      throw error(
        expression.offset, found: "\(value.type.text) where a condition is needed",
        allowed: "a comparison such as x > 0, a flag, is_missing(x), and, or, not")
    }
    return value.register
  }

  private mutating func literal(_ value: Double) -> Value {
    let codes = value >= 0 && value < 65_536 && value == ExactMath.floor(value) ? Int(value) + 1 : nil
    return Value(register: row.constant(value), type: .number, codes: codes, literal: value)
  }

  private func describe(_ expression: Expression) -> String {
    switch expression.kind {
    case .duration: "duration \(expression.description)"
    case .text: "text \(expression.description)"
    default: expression.description
    }
  }

  private mutating func profileValue(_ owner: String, _ name: String, offset: Int) throws(DeclarationError)
    -> Value
  {
    guard owner == "profile" else {
      let isEvent = catalog.event(named: owner) != nil
      throw error(
        offset, found: "\(owner).\(name)",
        allowed: isEvent
          ? "an event's attribute inside an aggregate such as mean(\(owner).\(name), 30d)"
          : "profile.ATTRIBUTE")
    }
    let path = name.split(separator: ".", maxSplits: 1).map(String.init)
    let attribute = try profileAttribute(path[0], offset: offset)
    let type = catalog.groups[catalog.profile].attributes[attribute].type
    switch type {
    case .category, .flag, .number, .rank:
      guard path.count == 1 else {
        throw error(
          offset, found: "profile.\(name), and \(path[0]) is no list", allowed: "profile.\(path[0])")
      }
    case .text:
      throw error(
        offset, found: "profile.\(name), which is text",
        allowed: "has_word(profile.\(path[0]), \"word\"), length(profile.\(path[0])), or another attribute")
    case .list:
      throw error(
        offset, found: "profile.\(name), which is a list",
        allowed: "size, any, has_word, min, max or mean of it")
    }
    let register = try profileRegister(attribute, offset: offset)
    switch type {
    case .category(let words):
      return Value(register: register, type: .category(words), codes: words.count + 1)
    case .rank(let words): return Value(register: register, type: .rank(words), codes: words.count)
    case .flag: return .flag(register)
    case .number, .text, .list: return .number(register)
    }
  }

  /// Register of a profile attribute, or of what is made of one, by its number.
  mutating func profileRegister(_ number: Int, offset: Int) throws(DeclarationError) -> Int32 {
    if let register = profileRegisters[number] { return register }
    guard catalog.use(number, of: catalog.profile) != nil else { throw tooManyUsed(offset) }
    _ = series(
      SeriesKey(group: catalog.profile, filter: -1, attribute: -1, sub: .attribute, hop: .lifetime),
      text: "profile",
      [Component(kind: .lastTime), Component(kind: .real)], reach: 0)
    let register = row.input()
    profileRegisters[number] = register
    return register
  }

  func tooManyUsed(_ offset: Int) -> DeclarationError {
    error(
      offset, found: "more than \(AttributeCatalog.usedMax) attributes of one kind in use",
      allowed: "at most \(AttributeCatalog.usedMax) attributes of one event type or of the profile")
  }

  // MARK: Operators

  private mutating func binary(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, offset: Int
  ) throws(DeclarationError) -> Value {
    switch operation {
    case .or: return .flag(row.emit(.or, try condition(left), try condition(right)))
    case .and: return .flag(row.emit(.and, try condition(left), try condition(right)))
    case .add: return .number(row.emit(.add, try number(left), try number(right)))
    case .subtract: return .number(row.emit(.subtract, try number(left), try number(right)))
    case .multiply: return .number(row.emit(.multiply, try number(left), try number(right)))
    case .divide: return .number(row.emit(.divide, try number(left), try number(right)))
    case .less: return try order(.less, left, right)
    case .lessEqual: return try order(.lessEqual, left, right)
    case .greater: return try order(.greater, left, right)
    case .greaterEqual: return try order(.greaterEqual, left, right)
    case .equal, .notEqual: return try equality(operation, left, right, offset: offset)
    }
  }

  /// A comparison by size, of numbers or of a rank with one of its words.
  private mutating func order(
    _ opcode: Opcode, _ left: Expression, _ right: Expression
  ) throws(DeclarationError) -> Value {
    if case .text(let word) = left.kind {
      return .flag(row.emit(opcode, try rank(of: word, beside: right, left.offset), try number(right)))
    }
    if case .text(let word) = right.kind {
      let side = try number(left)
      return .flag(row.emit(opcode, side, try rank(of: word, beside: left, right.offset)))
    }
    return .flag(row.emit(opcode, try number(left), try number(right)))
  }

  private mutating func rank(
    of word: String, beside side: Expression, _ offset: Int
  ) throws(DeclarationError) -> Int32 {
    let value = try compile(side)
    guard case .rank(let words) = value.type else {
      throw error(
        offset, found: "text compared by size with \(value.type.text)",
        allowed: "a text beside an ordered category")
    }
    guard let rank = words.firstIndex(where: { $0.utf8.elementsEqual(word.utf8) }) else {
      throw error(
        offset, found: "\"\(word)\", which is no word of the category",
        allowed: offer(word, of: "word", among: words))
    }
    return row.constant(Double(rank))
  }

  private mutating func equality(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, offset: Int
  ) throws(DeclarationError) -> Value {
    let opcode: Opcode = operation == .equal ? .equal : .notEqual
    if case .text(let word) = left.kind { return try equality(opcode, right, word, left.offset) }
    if case .text(let word) = right.kind { return try equality(opcode, left, word, right.offset) }
    let a = try compile(left)
    let b = try compile(right)
    let isCategory = [a, b].contains { if case .category = $0.type { true } else { false } }
    if isCategory && a.type != b.type {
      throw error(
        offset,
        found:
          "\(a.type.text) compared with \(b.type.text)\(a.type.text == b.type.text ? " of other words" : "")",
        allowed: "a category with a \"word\" of it, or with a category of the same words")
    }
    return .flag(row.emit(opcode, a.register, b.register))
  }

  private mutating func equality(
    _ opcode: Opcode, _ side: Expression, _ word: String, _ offset: Int
  ) throws(DeclarationError) -> Value {
    let value = try compile(side)
    if case .rank = value.type {
      return .flag(row.emit(opcode, value.register, try rank(of: word, beside: side, offset)))
    }
    guard case .category(let words) = value.type else {
      throw error(
        offset, found: "text compared with \(value.type.text)", allowed: "text compared with a category")
    }
    guard let code = code(of: word, in: words) else { throw unknownWord(word, words, offset) }
    return .flag(row.emit(opcode, value.register, row.constant(Double(code))))
  }

  func unknownWord(_ word: String, _ words: [String], _ offset: Int) -> DeclarationError {
    error(
      offset, found: "\"\(word)\", which is no word of the category",
      allowed: offer(word, of: "word", among: codeLabels(words)))
  }
}
