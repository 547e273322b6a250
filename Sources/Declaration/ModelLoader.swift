import Dataflow
import Features

/// Reads the models, and the expressions that their training names.
struct ModelLoader {
  /// Objectives of XGBoost that `tally train` can learn: those that give one output a row.
  private static let trainable = [
    "reg:squarederror", "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror", "reg:absoluteerror",
    "reg:gamma", "reg:tweedie", "binary:logistic", "binary:logitraw", "count:poisson",
  ]
  /// Others that are served.
  private static let served = trainable + ["reg:quantileerror", "multi:softprob", "multi:softmax"]

  private(set) var models: [ModelDeclaration] = []
  /// What rows weigh, for `TrainingDeclaration.weight`.
  private(set) var weights: [ExpressionDeclaration] = []

  init(_ root: YAMLSection, names: inout NameRegister) throws(DeclarationError) {
    let declared = try root.required("models")
    let shared = try ReportLoader.shared(root["report"])
    for entry in try declared.section().entries {
      var model = try model(entry, names: &names)
      let own = try entry.value.section()["report"]
      model.report = try ReportLoader.report(own, of: model, shared: shared)
      models.append(model)
    }
    guard !models.isEmpty else { throw declared.wrong(allowed: "at least one model, as name: {file: …}") }
  }

  private mutating func model(
    _ entry: YAMLEntry, names: inout NameRegister
  ) throws(DeclarationError) -> ModelDeclaration {
    try names.take(entry.key, for: "output", at: entry.position)
    try Names.checkColumn(entry.key, at: entry.position)
    let section = try entry.value.section()
    try section.allow(
      [
        "kind", "file", "label", "objective", "outputs", "trees", "accept_version", "optional", "training",
        "report",
      ] + KindLoader.keys)
    let kind = try KindLoader(section)
    let label = try label(section["label"])
    if let value = section["label"], case .anomaly = kind.kind {
      throw DeclarationError(
        value.position, found: "a label of a model of kind: anomaly",
        allowed: "no label: it learns from the rows alone")
    }
    let outputs = try outputs(section, of: entry.key, kind, hasLabel: label != nil, names: &names)
    let objective = section["objective"]
    let choices = kind.objectives(isTrained: label != nil) ?? (label == nil ? Self.served : Self.trainable)
    let learnt = try objective?.choice(of: choices) ?? choices[0]
    var training = TrainingDeclaration()
    if let value = section["training"] {
      let loader = try TrainingLoader(value, label: label, objective: learnt, kind: kind.kind)
      training = loader.training
      if let weight = loader.weight {
        training.weight = weights.count
        weights.append(weight)
      }
    }
    return ModelDeclaration(
      name: entry.key, outputs: outputs, file: try Self.file(section.required("file")), label: label,
      objective: learnt, kind: kind.kind, objectivePosition: objective?.position,
      trees: try section["trees"].flatMap { (value) throws(DeclarationError) in
        ModelTrees(rawValue: try value.choice(of: ModelTrees.allCases.map(\.rawValue)))
      },
      acceptsVersion: try section["accept_version"]?.bool() ?? false,
      isOptional: try section["optional"]?.bool() ?? false, training: training, position: entry.position)
  }

  /// `labels: {known_age: EXPRESSION}`: what models learn of events themselves.
  static func labels(
    _ root: YAMLSection, of models: [ModelDeclaration]
  ) throws(DeclarationError) -> [EventLabelDeclaration] {
    var labels: [EventLabelDeclaration] = []
    for entry in try root["labels"]?.section().entries ?? [] {
      try Names.checkIdentifier(entry.key, at: entry.position)
      guard models.contains(where: { $0.label.map { sameBytes($0, entry.key) } ?? false }) else {
        throw DeclarationError(
          entry.position, found: "the label \(quoted(entry.key)), which no model learns",
          allowed: "labels that a model names, as label: \(entry.key)")
      }
      labels.append(
        EventLabelDeclaration(name: entry.key, expression: try DecisionLoader.expression(entry.value)))
    }
    return labels
  }

  /// The names of a model's outputs; nil: one, which has the model's name.
  private func outputs(
    _ section: YAMLSection, of model: String, _ kind: KindLoader, hasLabel: Bool, names: inout NameRegister
  ) throws(DeclarationError) -> [String]? {
    guard let value = section["outputs"] else {
      guard case .classes = kind.kind else { return nil }
      var outputs: [String] = []
      for item in try section.required("classes").list() {
        let name = "\(model)_\(try item.string())"
        do {
          try names.take(name, for: "output", at: item.position)
          try Names.checkColumn(name, at: item.position)
        } catch {
          throw DeclarationError(
            error.position, found: error.found,
            allowed: error.allowed + "; or name them: outputs: [a, b, …]")
        }
        outputs.append(name)
      }
      return outputs
    }
    var outputs: [String] = []
    for item in try value.list() {
      let name = try item.string()
      try names.take(name, for: "output", at: item.position)
      try Names.checkColumn(name, at: item.position)
      outputs.append(name)
    }
    guard !outputs.isEmpty else { throw value.wrong(allowed: "at least one name, as outputs: [low, high]") }
    switch kind.kind {
    case .classes(let classes): try Self.check(outputs, value, are: classes.count, for: "classes")
    case .quantiles(let quantiles, _): try Self.check(outputs, value, are: quantiles.count, for: "quantiles")
    case .binary, .anomaly:
      guard outputs.count == 1 else { throw value.wrong(allowed: "one output of a model of this kind") }
    case .regression: break
    }
    if hasLabel, !kind.hasSeveralOutputs {
      throw value.wrong(
        allowed:
          "no outputs together with a label, unless the kind is classes or quantiles: tally train makes "
          + "models of other kinds with one output")
    }
    return outputs
  }

  private static func check(
    _ outputs: [String], _ value: YAMLValue, are count: Int, for key: String
  ) throws(DeclarationError) {
    guard outputs.count != count else { return }
    throw DeclarationError(
      value.position, found: "\(outputs.count) outputs", allowed: "\(count), one for each of the \(key)")
  }

  private static func file(_ value: YAMLValue) throws(DeclarationError) -> String {
    let file = try value.string()
    let parts = file.split(separator: "/", omittingEmptySubsequences: false)
    let leaves = file.utf8.first == UInt8(ascii: "/") || parts.contains("..")
    guard !file.isEmpty, !leaves, file.hasSuffix(".json") || file.hasSuffix(".ubj") else {
      throw value.wrong(allowed: "a .json or .ubj file inside the models folder")
    }
    return file
  }

  private func label(_ value: YAMLValue?) throws(DeclarationError) -> String? {
    guard let value else { return nil }
    let label = try value.string()
    try Names.checkIdentifier(label, at: value.position)
    return label
  }
}
