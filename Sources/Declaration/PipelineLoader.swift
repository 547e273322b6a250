public import Dataflow
public import Features
import Events

/// Reads a pipeline from the text of its YAML file.
///
/// Everything but the feature language is checked: keys, types, bounds, names, what decisions and table refer
/// to; `FeatureProgram` checks expressions, reserved names and prohibited attributes. Every expression
/// carries the position of its first character, so that the compiler's errors point into the file as well.
/// `pipelines/engagement.yaml` shows the whole form. Throws the first error with line and column, what was
/// found and what is allowed.
public func loadPipeline(yaml: String) throws(DeclarationError) -> PipelineDeclaration {
  let root = try readYAML(yaml)
  try root.allow([
    "pipeline", "input", "state", "idle_ttl", "state_max", "future_bound", "control", "profile", "events",
    "let",
    "features",
    "models", "labels", "report", "score_when", "decisions", "table", "views", "board",
  ])
  var names = NameRegister()
  var features = try FeatureSetLoader.load(root, names: &names)
  let modelLoader = try ModelLoader(root, names: &names)
  let models = modelLoader.models
  let loader = try DecisionLoader(root, models: models, names: &names)
  let decisions = loader.decisions
  features.judgement = JudgementDeclaration(
    outputs: models.flatMap(\.outputs), results: loader.results,
    scoreWhen: try root["score_when"].map { (value) throws(DeclarationError) in
      try DecisionLoader.expression(value)
    }, labels: try ModelLoader.labels(root, of: models), weights: modelLoader.weights)
  let input = try InputLoader.input(root, features: features)
  features.input = input?.canonical ?? ""
  // CSV has nothing but texts.
  if input?.format == .csv { features.readTexts() }
  return PipelineDeclaration(
    name: try pipelineName(root), input: input, features: features, models: models, decisions: decisions,
    tableFeatures: try tableFeatures(root, features: features), views: try ViewLoader.views(root),
    board: try ViewLoader.board(root, models: models, decisions: decisions),
    futureBound: try root["future_bound"]?.duration(in: 0...(366 * Span.day)) ?? 5 * Span.minute)
}

private func pipelineName(_ root: YAMLSection) throws(DeclarationError) -> String {
  let value = try root.required("pipeline")
  let name = try value.string()
  let small = UInt8(ascii: "a")...UInt8(ascii: "z")
  let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
  let fits = name.utf8.allSatisfy {
    small.contains($0) || digits.contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
  }
  guard let first = name.utf8.first, small.contains(first), fits, name.utf8.count <= Names.bytesMax else {
    throw value.wrong(
      allowed:
        "a name of small letters, digits, _ and -, beginning with a letter, at most \(Names.bytesMax) bytes")
  }
  return name
}

private func tableFeatures(
  _ root: YAMLSection, features: FeatureSetDeclaration
) throws(DeclarationError) -> [String] {
  guard let table = try root["table"]?.section() else { return [] }
  try table.allow(["features"])
  let columns = features.features.filter(\.isColumn).map(\.name)
  var chosen: [String] = []
  for item in try table["features"]?.list() ?? [] {
    let name = try item.string()
    guard columns.contains(where: { sameBytes($0, name) }) else {
      let isIntermediate = features.features.contains { sameBytes($0.name, name) }
      let found = isIntermediate ? "\(quoted(name)), which is under let and no column" : quoted(name)
      throw DeclarationError(
        item.position, found: found, allowed: "a name declared under features: " + Names.list(columns))
    }
    try Names.checkColumn(name, at: item.position)
    guard !chosen.contains(where: { sameBytes($0, name) }) else {
      throw DeclarationError(item.position, found: "\(quoted(name)) twice", allowed: "each feature once")
    }
    chosen.append(name)
  }
  return chosen
}
