import Dataflow
import Features

/// Reads the decisions.
enum DecisionLoader {
  /// Most steps of a category.
  private static let thresholdsMax = 64

  static func decisions(
    _ root: YAMLSection, models: [ModelDeclaration], names: inout NameRegister
  ) throws(DeclarationError) -> [DecisionDeclaration] {
    let outputs = models.flatMap(\.outputs)
    var decisions: [DecisionDeclaration] = []
    for item in try root["decisions"]?.list() ?? [] {
      let section = try item.section()
      try section.allow(["clamp", "category", "trigger"])
      guard let entry = section.entries.first, section.entries.count == 1 else {
        throw item.wrong(allowed: "exactly one of clamp, category, trigger")
      }
      let body = try entry.value.section()
      switch entry.key {
      case "clamp": decisions.append(try clamp(body, outputs: outputs))
      case "category": decisions.append(try category(body, outputs: outputs, names: &names))
      default: decisions.append(try trigger(body, outputs: outputs, names: &names))
      }
    }
    return decisions
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

  private static func trigger(
    _ section: YAMLSection, outputs: [String], names: inout NameRegister
  ) throws(DeclarationError) -> DecisionDeclaration {
    try section.allow(["name", "output", "above"])
    return .trigger(
      name: try name(section, names: &names), output: try output(section, outputs),
      above: try float(section.required("above")))
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
      throw value.wrong(allowed: "an output, the name of a model: " + Names.list(outputs))
    }
    return name
  }

  private static func float(_ value: YAMLValue) throws(DeclarationError) -> Float {
    let number = Float(try value.number())
    guard number.isFinite else { throw value.wrong(allowed: "a number that fits 32 bits") }
    return number
  }
}
