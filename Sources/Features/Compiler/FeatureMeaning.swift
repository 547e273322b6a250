import Events

/// What a feature's value is made of, as a hash that spelling does not change: names of other features are replaced by what
/// they stand for, attributes come with their types, durations in microseconds.
///
/// The hash of an expression is that of its operator and of the hashes of its parts, so that a pipeline of any size is hashed
/// in the time that it takes to read it. What changes the value of the same expression in another build (a function that is
/// computed otherwise) has to change `schema`.
struct FeatureMeaning {
  /// What the hashes are of; models record it, and hashes of two schemas cannot be compared.
  static let schema = 1

  private let catalog: AttributeCatalog
  private let named: (String) -> Hash128?

  /// `named`: the meaning of an earlier feature.
  init(_ catalog: AttributeCatalog, named: @escaping (String) -> Hash128?) {
    self.catalog = catalog
    self.named = named
  }

  /// The meaning of a whole expression, which has been compiled without an error.
  func hash(_ expression: Expression) -> Hash128 {
    switch expression.kind {
    case .number(let value): return node("number") { $0.add(value) }
    case .duration(let span): return node("duration") { $0.add(Int(span)) }
    case .text(let word): return node("text") { $0.add(word) }
    case .name(let name): return named(name) ?? node("name") { $0.add(name) }
    case .member(let owner, let name): return attribute(owner, name)
    case .not(let inner): return node("not", [hash(inner)])
    case .negate(let inner): return node("negate", [hash(inner)])
    case .binary(let operation, let left, let right): return binary(operation, left, right)
    case .call(let name, let arguments) where FeatureCompiler.aggregateNames.contains(name):
      return aggregate(name, arguments)
    case .call(let name, let arguments):
      let parts = arguments.map { hash($0.value) }
      return name == "ratio" ? node(BinaryOperator.divide.rawValue, parts) : node(name, parts)
    }
  }

  /// An aggregate's arguments: names are of events there, and of their attributes behind `where`.
  private func aggregate(_ name: String, _ arguments: [Argument]) -> Hash128 {
    node(
      name,
      arguments.map { argument in
        let value: Hash128
        var event = ""
        switch argument.value.kind {
        case .name(let selected):
          event = selected
          value = node("event") { $0.add(selected) }
        case .member(let owner, let attribute):
          event = owner
          value = self.attribute(owner, attribute)
        case .call(let inner, let arguments): value = aggregate(inner, arguments)
        default: value = hash(argument.value)
        }
        guard let condition = argument.condition else { return value }
        return node("where", [value, self.condition(condition, of: event)])
      })
  }

  /// What follows `where`: names are of the event's attributes.
  private func condition(_ expression: Expression, of event: String) -> Hash128 {
    switch expression.kind {
    case .name(let name): attribute(event, name)
    case .not(let inner): node("not", [condition(inner, of: event)])
    case .binary(let operation, let left, let right): binary(operation, left, right, event)
    default: hash(expression)
    }
  }

  /// An operator; `event`: of a condition behind `where`.
  private func binary(
    _ operation: BinaryOperator, _ left: Expression, _ right: Expression, _ event: String? = nil
  ) -> Hash128 {
    func part(_ side: Expression) -> Hash128 { event.map { condition(side, of: $0) } ?? hash(side) }
    for (side, other) in [(left, right), (right, left)] {
      guard case .text(let word) = other.kind else { continue }
      return node(
        operation.rawValue, [compared(side, word, event) ?? node("word", [part(side), hash(other)])])
    }
    return node(operation.rawValue, [part(left), part(right)])
  }

  /// A category's attribute that is compared with one of its words means the same whatever other words are declared;
  /// nil: the rest of the vocabulary matters.
  private func compared(_ side: Expression, _ word: String, _ event: String?) -> Hash128? {
    let (owner, name): (String, String)
    switch side.kind {
    case .member(let of, let attribute) where event == nil: (owner, name) = (of, attribute)
    case .name(let attribute): (owner, name) = (event ?? "", attribute)
    default: return nil
    }
    guard let words = vocabulary(owner, name), words.contains(where: { $0.utf8.elementsEqual(word.utf8) })
    else {
      return nil
    }
    return node("word of") {
      $0.add(owner)
      $0.add(name)
      $0.add(word)
    }
  }

  private func vocabulary(_ owner: String, _ name: String) -> [String]? {
    guard case .category(let words)? = declared(owner, name)?.type else { return nil }
    return words
  }

  private func declared(_ owner: String, _ name: String) -> AttributeDeclaration? {
    let group = owner == "profile" ? catalog.profile : catalog.event(named: owner)
    let path = name.split(separator: ".", maxSplits: 1).map(String.init)
    let found = group.flatMap { number in
      catalog.groups[number].index(of: path[0]).map { catalog.groups[number].attributes[$0] }
    }
    guard path.count > 1, case .list(let fields)? = found?.type else { return found }
    return fields.first { $0.name == path[1] }
  }

  private func attribute(_ owner: String, _ name: String) -> Hash128 {
    node(owner == "profile" ? "profile" : "attribute") {
      $0.add(owner)
      $0.add(name)
      guard let declaration = declared(owner, name) else { return }
      $0.add(declaration.type)
      $0.addTreatment(declaration)
    }
  }

  private func node(
    _ tag: String, _ parts: [Hash128] = [], _ write: (inout DefinitionText) -> Void = { _ in }
  ) -> Hash128 {
    var text = DefinitionText()
    text.add(tag)
    text.add(parts.count)
    for part in parts { text.add(part.hex) }
    write(&text)
    return text.hash
  }
}
