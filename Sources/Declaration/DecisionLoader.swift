import Dataflow
import Features

/// Reads the decisions, and the expressions that they are made by.
struct DecisionLoader {
  /// Most steps of a category.
  private static let thresholdsMax = 64
  /// Names of the models' outputs and of the numbers so far.
  private var outputs: [String]
  private let models: [ModelDeclaration]
  private(set) var decisions: [DecisionDeclaration] = []
  /// Expressions of numbers and conditions, in the order of the decisions.
  private(set) var results: [ResultDeclaration] = []

  init(_ root: YAMLSection, models: [ModelDeclaration], names: inout NameRegister) throws(DeclarationError) {
    self.models = models
    outputs = models.flatMap(\.outputs)
    for item in try root["decisions"]?.list() ?? [] {
      let section = try item.section()
      try section.allow(["clamp", "category", "trigger", "number", "likeliest"])
      guard let entry = section.entries.first, section.entries.count == 1 else {
        throw item.wrong(allowed: "exactly one of clamp, category, trigger, number, likeliest")
      }
      let body = try entry.value.section()
      switch entry.key {
      case "clamp": decisions.append(try Self.clamp(body, outputs: outputs))
      case "category": decisions.append(try Self.category(body, outputs: outputs, names: &names))
      case "number": decisions.append(try number(body, names: &names))
      case "likeliest": decisions.append(try likeliest(body, names: &names))
      default: decisions.append(try trigger(body, names: &names))
      }
    }
  }

  /// `number: {name: age, value: EXPRESSION, source: {name: age_source, labels: [known, predicted]}}`.
  private mutating func number(
    _ section: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> DecisionDeclaration {
    try section.allow(["name", "value", "source"])
    let name = try Self.name(section, names: &names)
    var source: SourceDecision?
    if let declared = try section["source"]?.section() {
      try declared.allow(["name", "labels"])
      let list = try declared.required("labels")
      let labels = try list.strings()
      guard (1...Self.thresholdsMax).contains(labels.count), labels.allSatisfy({ !$0.isEmpty }) else {
        throw list.wrong(allowed: "one label for each argument of first_known, none of them empty")
      }
      source = SourceDecision(name: try Self.name(declared, names: &names), labels: labels)
    }
    results.append(
      ResultDeclaration(
        name: name, expression: try Self.expression(section.required("value")), isCondition: false,
        sources: source?.labels.count ?? 0))
    outputs.append(name)
    return .number(name: name, result: results.count - 1, source: source)
  }

  /// `likeliest: {name: predicted_action, model: next_action}`.
  private func likeliest(
    _ section: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> DecisionDeclaration {
    try section.allow(["name", "model"])
    let name = try Self.name(section, names: &names)
    let value = try section.required("model")
    let word = try value.string()
    guard let model = models.first(where: { sameBytes($0.name, word) }),
      case .classes(let classes) = model.kind
    else {
      let of = models.filter { if case .classes = $0.kind { true } else { false } }.map(\.name)
      throw value.wrong(allowed: "a model of kind: classes: " + Names.list(of))
    }
    return .likeliest(name: name, outputs: model.outputs, labels: classes)
  }

  /// `trigger: {name: intervene, output: churn, above: 0.7}`, the same with `above: model`, or `trigger: {name: review, when: CONDITION}`.
  private mutating func trigger(
    _ section: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> DecisionDeclaration {
    guard let condition = section["when"] else {
      try section.allow(["name", "output", "above"])
      let (name, output) = (try Self.name(section, names: &names), try Self.output(section, outputs))
      let above = try section.required("above")
      guard let word = try? above.string(), sameBytes(word, "model") else {
        return .trigger(name: name, output: output, above: try Self.float(above))
      }
      guard models.contains(where: { $0.outputs.count == 1 && sameBytes($0.outputs[0], output) }) else {
        throw DeclarationError(
          above.position, found: "above: model of \(output), which is not the one output of a model",
          allowed: "a number, or the output of a model that chooses a threshold")
      }
      return .modelTrigger(name: name, output: output)
    }
    try section.allow(["name", "when"])
    let name = try Self.name(section, names: &names)
    results.append(
      ResultDeclaration(name: name, expression: try Self.expression(condition), isCondition: true))
    return .condition(name: name, result: results.count - 1)
  }

  static func expression(_ value: YAMLValue) throws(DeclarationError) -> ExpressionDeclaration {
    let (text, position) = try value.expression()
    return ExpressionDeclaration(text: text, position: position)
  }

  private static func clamp(
    _ section: YAMLSection, outputs: [String]
  ) throws(DeclarationError) -> DecisionDeclaration {
    try section.allow(["output", "min", "max"])
    let output = try output(section, outputs)
    if section["max"] == nil { _ = try section.required("min") }
    let minimum = try section["min"].map(float) ?? -.infinity
    let maximum = try section["max"].map(float) ?? .infinity
    if let upper = section["max"], minimum >= maximum { throw upper.wrong(allowed: "a number above min") }
    return .clamp(output: output, minimum: minimum, maximum: maximum)
  }

  private static func category(
    _ section: YAMLSection, outputs: [String], names: inout NameRegister
  ) throws(DeclarationError) -> DecisionDeclaration {
    try section.allow(["name", "output", "thresholds", "otherwise"])
    let name = try name(section, names: &names)
    let output = try output(section, outputs)
    let declared = try section.required("thresholds")
    var thresholds: [CategoryThreshold] = []
    for entry in try declared.section().entries {
      let least = try float(entry.value)
      if let last = thresholds.last, least >= last.atLeast {
        throw entry.value.wrong(allowed: "thresholds that descend: less than \(last.atLeast)")
      }
      thresholds.append(CategoryThreshold(label: entry.key, atLeast: least))
    }
    guard (1...thresholdsMax).contains(thresholds.count) else {
      throw declared.wrong(allowed: "1 to \(thresholdsMax) steps, as label: least value")
    }
    let rest = try section.required("otherwise")
    let otherwise = try rest.string()
    guard !thresholds.contains(where: { sameBytes($0.label, otherwise) }) else {
      throw rest.wrong(allowed: "a label that is not among the thresholds")
    }
    return .category(name: name, output: output, thresholds: thresholds, otherwise: otherwise)
  }

  private static func name(
    _ section: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> String {
    let value = try section.required("name")
    let name = try value.string()
    try names.take(name, for: "decision", at: value.position)
    try Names.checkColumn(name, at: value.position)
    return name
  }

  private static func output(_ section: YAMLSection, _ outputs: [String]) throws(DeclarationError) -> String {
    let value = try section.required("output")
    guard let name = try? value.string(), outputs.contains(where: { sameBytes($0, name) }) else {
      throw value.wrong(
        allowed: "an output, the name of a model or of a number before: " + Names.list(outputs))
    }
    return name
  }

  private static func float(_ value: YAMLValue) throws(DeclarationError) -> Float {
    let number = Float(try value.number())
    guard number.isFinite else { throw value.wrong(allowed: "a number that fits 32 bits") }
    return number
  }
}
