import Dataflow
import Features

/// Reads the models.
enum ModelLoader {
  /// Objectives of XGBoost that `tally train` can learn: those that give one output a row.
  private static let trainable = [
    "reg:squarederror", "reg:squaredlogerror", "reg:logistic", "reg:pseudohubererror", "reg:absoluteerror",
    "reg:gamma", "reg:tweedie", "binary:logistic", "binary:logitraw", "count:poisson",
  ]
  /// Others that are served.
  private static let served = trainable + ["reg:quantileerror", "multi:softprob", "multi:softmax"]

  static func models(
    _ root: YAMLSection, names: inout NameRegister
  ) throws(DeclarationError) -> [ModelDeclaration] {
    let declared = try root.required("models")
    let shared = try ReportLoader.shared(root["report"])
    var models: [ModelDeclaration] = []
    for entry in try declared.section().entries {
      try names.take(entry.key, for: "output", at: entry.position)
      try Names.checkColumn(entry.key, at: entry.position)
      let section = try entry.value.section()
      try section.allow([
        "file", "label", "objective", "outputs", "trees", "accept_version", "optional", "training", "report",
      ])
      let outputs = try outputs(section["outputs"], names: &names)
      let label = try label(section["label"])
      if let value = section["outputs"], label != nil {
        throw value.wrong(
          allowed: "no outputs together with a label: tally train makes models with one output")
      }
      let objective = section["objective"]
      let learnt = try objective?.choice(of: label == nil ? served : trainable) ?? trainable[0]
      var model = ModelDeclaration(
        name: entry.key, outputs: outputs, file: try file(section.required("file")), label: label,
        objective: learnt,
        objectivePosition: objective?.position,
        trees: try section["trees"].flatMap { (value) throws(DeclarationError) in
          ModelTrees(rawValue: try value.choice(of: ModelTrees.allCases.map(\.rawValue)))
        },
        acceptsVersion: try section["accept_version"]?.bool() ?? false,
        isOptional: try section["optional"]?.bool() ?? false,
        training: try TrainingLoader.training(section["training"], label: label, objective: learnt),
        position: entry.position)
      model.report = try ReportLoader.report(section["report"], of: model, shared: shared)
      models.append(model)
    }
    guard !models.isEmpty else { throw declared.wrong(allowed: "at least one model, as name: {file: …}") }
    return models
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

  /// The names of a model's several outputs; nil: one.
  private static func outputs(
    _ value: YAMLValue?, names: inout NameRegister
  ) throws(DeclarationError) -> [String]? {
    guard let value else { return nil }
    var outputs: [String] = []
    for item in try value.list() {
      let name = try item.string()
      try names.take(name, for: "output", at: item.position)
      try Names.checkColumn(name, at: item.position)
      outputs.append(name)
    }
    guard !outputs.isEmpty else { throw value.wrong(allowed: "at least one name, as outputs: [low, high]") }
    return outputs
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

  private static func label(_ value: YAMLValue?) throws(DeclarationError) -> String? {
    guard let value else { return nil }
    let label = try value.string()
    try Names.checkIdentifier(label, at: value.position)
    return label
  }
}
