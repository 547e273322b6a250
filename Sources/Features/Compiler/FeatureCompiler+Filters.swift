import Events

/// Which events: a type or any, filtered or not.
struct Selection {
  /// Group of the event type; -1: any.
  var group: Int
  var filter: Int
  /// Canonical text.
  var text: String
}

extension FeatureCompiler {
  /// `EVENT` or `any`, with or without `where`.
  mutating func selection(_ argument: Argument) throws(DeclarationError) -> Selection {
    let value = argument.value
    guard case .name(let name) = value.kind else {
      throw error(
        value.offset, found: value.description,
        allowed: offer("", of: "event", among: ["any"] + catalog.eventNames))
    }
    if name == "any" {
      if let condition = argument.condition {
        throw error(
          condition.offset, found: "\"where\" after any", allowed: "\"where\" after a declared event type")
      }
      return Selection(group: -1, filter: -1, text: "any")
    }
    let group = try event(named: name, offset: value.offset)
    let filter = try argument.condition.map { (condition) throws(DeclarationError) in
      try self.filter(condition, of: group)
    }
    return Selection(group: group, filter: filter ?? -1, text: argument.description)
  }

  func event(named name: String, offset: Int) throws(DeclarationError) -> Int {
    if let group = catalog.event(named: name) { return group }
    throw error(
      offset, found: "unknown event \"\(name)\"",
      allowed: offer(name, of: "event", among: ["any"] + catalog.eventNames))
  }

  /// Number of a filter; equal ones of one event type are one.
  mutating func filter(_ condition: Expression, of group: Int) throws(DeclarationError) -> Int {
    let text = condition.description
    if let known = filters.firstIndex(where: { $0.group == group && $0.text == text }) { return known }
    var steps: [FilterStep] = []
    try compile(filter: condition, of: group, into: &steps)
    filters.append(FilterDraft(group: group, text: text, steps: steps))
    return filters.count - 1
  }

  /// Number and slot of an event's attribute.
  mutating func attribute(
    _ name: String, of group: Int, offset: Int
  ) throws(DeclarationError) -> (declaration: AttributeDeclaration, number: Int, slot: Int) {
    let declared = catalog.groups[group]
    guard let number = declared.index(of: name) else {
      throw error(
        offset, found: "unknown attribute \"\(name)\" of \(declared.name)",
        allowed: offer(name, of: "attribute of \(declared.name)", among: declared.attributes.map(\.name)))
    }
    guard let slot = catalog.use(number, of: group) else { throw tooManyUsed(offset) }
    return (declared.attributes[number], number, slot)
  }

  private mutating func compile(
    filter: Expression, of group: Int, into steps: inout [FilterStep]
  ) throws(DeclarationError) {
    switch filter.kind {
    case .not(let inner):
      try compile(filter: inner, of: group, into: &steps)
      steps.append(FilterStep(operation: .not))
    case .binary(let operation, let left, let right) where operation == .and || operation == .or:
      try compile(filter: left, of: group, into: &steps)
      try compile(filter: right, of: group, into: &steps)
      steps.append(FilterStep(operation: operation == .and ? .and : .or))
    case .binary(let operation, let left, let right) where operation.isComparison:
      guard case .name(let name) = left.kind else {
        throw error(
          left.offset, found: left.description, allowed: "an attribute's name before the comparison")
      }
      steps.append(try comparison(operation, name, of: group, left.offset, right))
    case .name(let name):
      let (declaration, _, slot) = try attribute(name, of: group, offset: filter.offset)
      guard declaration.type == .flag else {
        throw error(
          filter.offset, found: "\(name), a \(declaration.type.text), as a condition",
          allowed: "a flag, or a comparison such as \(name) == …")
      }
      steps.append(FilterStep(operation: .isSet, slot: Int32(slot)))
    default:
      throw error(
        filter.offset, found: filter.description,
        allowed: "ATTRIBUTE == LITERAL (or != < <= > >=), a flag, and, or, not")
    }
  }

  private mutating func comparison(
    _ operation: BinaryOperator, _ name: String, of group: Int, _ offset: Int, _ right: Expression
  ) throws(DeclarationError) -> FilterStep {
    let (declaration, _, slot) = try attribute(name, of: group, offset: offset)
    let operations: [BinaryOperator: FilterStep.Operation] = [
      .less: .less, .lessEqual: .lessEqual, .greater: .greater, .greaterEqual: .greaterEqual, .equal: .equal,
    ]
    let step = operations[operation] ?? .notEqual
    switch (declaration.type, right.kind) {
    case (.number, .number(let literal)):
      return FilterStep(operation: step, slot: Int32(slot), literal: literal.bitPattern)
    case (.category(let words), .text(let word)):
      guard operation == .equal || operation == .notEqual else {
        throw error(right.offset, found: "\(operation.rawValue) with a category", allowed: "== or !=")
      }
      guard let code = code(of: word, in: words) else { throw unknownWord(word, words, right.offset) }
      return FilterStep(operation: step, slot: Int32(slot), literal: Double(code).bitPattern)
    case (.number, _):
      throw error(right.offset, found: right.description, allowed: "a number: \(name) is one")
    case (.category(let words), _):
      throw error(
        right.offset, found: right.description,
        allowed: offer("", of: "word", among: codeLabels(words).map(quoted)))
    case (.flag, _):
      throw error(offset, found: "\(name) compared", allowed: "the flag alone: \(name) or not \(name)")
    case (.text, _), (.rank, _), (.list, _):
      throw error(
        offset, found: "\(name), a \(declaration.type.text), in a condition",
        allowed: "a number, category or flag")
    }
  }
}
