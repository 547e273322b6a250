import Events

/// Canonical bytes of a definition, to be hashed: numbers and length-prefixed texts, so that no two definitions
/// give the same bytes.
struct DefinitionText {
  private var wire = WireWriter()

  /// The hash of what was written.
  var hash: Hash128 { wire.bytes.withUnsafeBytes { Hash128(of: $0) } }

  mutating func add(_ text: String) { wire.field(1, string: text) }
  mutating func add(_ number: Int) { wire.field(2, zigzag: Int64(number)) }
  mutating func add(_ value: Double) { wire.field(3, double: value) }

  mutating func add(_ type: AttributeType) {
    add(type.text)
    switch type {
    case .number(let decimals, let minimum, let maximum):
      add(decimals)
      add(minimum)
      add(maximum)
    case .category(let words), .rank(let words):
      add(words.count)
      for word in words { add(word) }
    case .list(let fields): add(fields)
    case .text, .flag: break
    }
  }

  private mutating func add(_ attribute: AttributeDeclaration) {
    add(attribute.name)
    add(attribute.type)
    // The usual forms, default decimals that round and others that do not, stay what they were before there was a choice.
    if case .number(let decimals, _, _) = attribute.type, attribute.isExact != (decimals != 6) {
      add(attribute.isExact ? "exact" : "rounded")
    }
    addTreatment(attribute)
  }

  /// What becomes of an attribute's values that are not allowed; by default nothing is added, so that hashes stay what they were.
  mutating func addTreatment(_ attribute: AttributeDeclaration) {
    if attribute.wrong != .letter { add("wrong \(attribute.wrong.rawValue)") }
    if attribute.readsText { add("reads text") }
  }

  private mutating func add(_ attributes: [AttributeDeclaration]) {
    add(attributes.count)
    for attribute in attributes {
      add(attribute)
    }
  }

  /// Everything that decides a row.
  static func whole(_ declaration: FeatureSetDeclaration) -> DefinitionText {
    var text = DefinitionText()
    text.add("tally features 1")
    text.add(declaration.profile)
    text.add(declaration.events.count)
    for event in declaration.events {
      text.add(event.name)
      text.add(event.attributes)
    }
    text.add(declaration.features.count)
    for feature in declaration.features {
      text.add(feature.name)
      text.add(feature.expression)
      text.add(feature.isColumn ? 1 : 0)
      text.add(feature.labels.count)
      for label in feature.labels { text.add(label) }
    }
    text.add(Int(declaration.idleTTL ?? -1))
    if let bound = declaration.stateMax {
      text.add("state_max")
      text.add(bound.bytes)
    }
    text.add(declaration.control)
    if !declaration.keepsState { text.add("state none") }
    text.add(declaration.judgement)
    text.add(input: declaration.input)
    return text
  }

  /// Without a mapping nothing is added, so that hashes stay what they were.
  private mutating func add(input: String) {
    guard !input.isEmpty else { return }
    add("input")
    add(input)
  }

  /// Without expressions nothing is added, so that hashes stay what they were. What models learn decides no score.
  private mutating func add(_ judgement: JudgementDeclaration) {
    if let condition = judgement.scoreWhen {
      add("score when")
      add(condition.text)
    }
    for result in judgement.results {
      add("result")
      add(result.name)
      add(result.expression.text)
      add(result.isCondition ? 1 : 0)
      add(result.sources)
    }
  }

  /// Of a pipeline that keeps no states: whatever its features are, it goes on where it stood.
  static func noState(control: [ControlKeyDeclaration]) -> DefinitionText {
    var text = DefinitionText()
    text.add("tally no state 1")
    text.add(control)
    return text
  }

  /// Which control events count decides states; without keys nothing is added, so that hashes stay what they were.
  private mutating func add(_ control: [ControlKeyDeclaration]) {
    guard !control.isEmpty else { return }
    add("control")
    add(control.count)
    for key in control {
      add(key.id)
      add(Int(key.since))
    }
  }

  /// Everything that decides a state: series, components, retention, the types of the attributes behind them, who may send control
  /// events, and how records become events.
  static func state(
    _ builder: ProgramBuilder, _ declaration: FeatureSetDeclaration
  ) -> DefinitionText {
    var text = DefinitionText()
    text.add("tally state \(EntityState.schemaVersion)")
    text.add(Int(declaration.idleTTL ?? -1))
    text.add(DistinctSketch.exactMax)
    text.add(DistinctSketch.registers)
    text.add(builder.series.count)
    for draft in builder.series {
      text.add(draft.description)
      text.add(Int(draft.key.hop.micros))
      text.add(Int(draft.reach))
      for component in draft.components.sorted() {
        text.add(Int(component.kind.rawValue))
        text.add(Int(component.halfLife))
      }
    }
    for (series, layout) in builder.layouts.enumerated() where layout.foldsAt > 0 {
      text.add("fold")
      text.add(series)
      text.add(layout.foldsAt)
    }
    let groups = builder.compiler.catalog.groups
    for group in groups.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    where !group.used.isEmpty {
      text.add(group.name)
      text.add(group.used.count)
      let order = group.used.sorted {
        group.text(of: $0).utf8.lexicographicallyPrecedes(group.text(of: $1).utf8)
      }
      for number in order {
        if number < group.attributes.count {
          text.add(group.attributes[number])
        } else {
          let extract = group.extracts[number - group.attributes.count]
          text.add(extract.text)
          text.add(group.attributes[extract.attribute])
        }
        if group.name == "profile" { text.add(group.stored(number)) }
      }
    }
    text.add(declaration.control)
    text.add(input: declaration.input)
    return text
  }
}
