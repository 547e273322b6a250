import Configuration
import Dataflow
import Features

/// What `tally check` prints of a valid pipeline.
extension Check {
  func printFeatures(_ pipeline: LoadedPipeline) {
    let columns = pipeline.program.columns
    say("pipeline \(pipeline.declaration.name): \(columns.count) features")
    let width = columns.map(\.name.count).max() ?? 0
    for column in columns {
      let name = column.name + String(repeating: " ", count: width - column.name.count)
      let words = column.labels.count > 6 ? column.labels.prefix(6) + ["…"] : column.labels[...]
      let type = words.isEmpty ? column.type : "\(column.type) \(words.joined(separator: "/"))"
      say("  \(name)  \(type)  = \(column.expressionText)")
    }
  }

  /// What becomes of the numbers that producers send.
  func printNumbers(_ declaration: FeatureSetDeclaration) {
    var lines: [(name: String, text: String)] = []
    func add(_ owner: String, _ attribute: AttributeDeclaration, isEvent: Bool) {
      guard case .number(let decimals, let minimum, let maximum) = attribute.type else { return }
      let unit = decimals == 0 ? "1" : "0." + String(repeating: "0", count: decimals - 1) + "1"
      let held =
        !isEvent
        ? "as it is"
        : attribute.isExact
          ? "whole multiples of \(unit); one with more decimals is a dead letter"
          : "rounded to multiples of \(unit), halves away from zero"
      lines.append(
        ("\(owner).\(attribute.name)", "\(Self.plain(minimum)) to \(Self.plain(maximum)), \(held)"))
    }
    for attribute in declaration.profile { add("profile", attribute, isEvent: false) }
    for event in declaration.events {
      for attribute in event.attributes { add(event.name, attribute, isEvent: true) }
    }
    guard !lines.isEmpty else { return }
    say("numbers:")
    let width = lines.map(\.name.count).max() ?? 0
    for line in lines { say("  \(line.name.padded(width))  \(line.text)") }
  }

  private static func plain(_ value: Double) -> String {
    Int64(exactly: value).map { "\($0)" } ?? "\(value)"
  }

  /// The codes of categories: what a model must have been trained with that does not name its categories.
  func printCodes(_ program: FeatureProgram) {
    for column in program.columns {
      guard case .category = column.kind else { continue }
      if !state && column.labels.count > Self.codesMax {
        say(
          "codes of \(column.name): the \(column.labels.count - 1) words of its vocabulary in order from 0, "
            + "other \(column.labels.count - 1); --state lists them")
      } else {
        let codes = column.labels.enumerated().map { "\($1) \($0)" }
        say("codes of \(column.name): \(codes.joined(separator: ", "))")
      }
    }
  }

  /// Codes that are listed unasked.
  private static let codesMax = 64

  func printState(_ program: FeatureProgram) {
    guard program.keepsState else {
      say("state: none; no store is needed: where a partition stands lies beside the group's offset")
      say(
        "every profile is scored by itself, and the latest is the entity's row: no event ids are remembered, so that a profile that "
          + "is sent again is scored again")
      return say(
        "ticks, changes of profiles and engagement events are dead letters; erasures take an entity's rows")
    }
    say("windows: \(program.windows.map(\.text).joined(separator: "; "))")
    say(
      "aggregates: \(program.aggregateDescriptions.count), from \(program.series.count) series; "
        + "hops are cut at UTC hours, days and weeks of the epoch")
    let estimate = program.stateBytesEstimate
    say("state: about \(estimate.bytes) bytes in Redis for \(estimate.assumption)")
    say(worst(program))
    guard state else { return }
    for series in program.series {
      let sub = series.subKey.isEmpty ? "" : "; sub-key: \(series.subKey)"
      say("  series \(series.number): \(series.text): \(series.components.joined(separator: ", "))\(sub)")
    }
  }

  /// The most that a state can take, and what keeps it there.
  private func worst(_ program: FeatureProgram) -> String {
    let worst = program.stateWorst
    let most =
      "state at worst: \(worst.bytes) bytes, with up to \(worst.countMax) events of an entity in an hour, day or week"
    guard let bound = worst.bound else { return most + "; no state_max" }
    guard !worst.folding.isEmpty else { return most + "; state_max of \(bound) is never reached" }
    let series = worst.folding.map { program.series[$0].text }.joined(separator: "; ")
    return most
      + "; state_max of \(bound): an entity's rarest words count as other where these grow too large: \(series)"
  }

  /// What a pipeline says of a model's training; empty: nothing.
  private static func text(of training: TrainingDeclaration) -> String {
    var parts = [
      training.trees.map { "at most \($0) trees" }, training.depth.map { "depth \($0)" },
      training.eta.map { "learning rate \($0)" },
      training.earlyStopping.map { "an end after \($0) trees that are no better" },
    ].compactMap { $0 }
    parts += training.parameters.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
    parts += training.monotone.map { "\($0.feature.name) \($0.isIncreasing ? "increasing" : "decreasing")" }
    parts += training.tuning.sorted { $0.key < $1.key }.map { name, range in
      func text(_ bound: Double) -> String { range.isWhole ? "\(Int(bound))" : "\(bound)" }
      return "\(name) from \(text(range.bounds.lowerBound)) to \(text(range.bounds.upperBound)) to tune"
    }
    parts += training.interactions.map { "\($0.map(\.name).joined(separator: ", ")) among themselves" }
    if let weights = training.classWeights { parts.append("weights 0: \(weights.zero), 1: \(weights.one)") }
    return parts.joined(separator: "; ")
  }

  /// What a model says; empty: what its objective does.
  private static func text(of kind: ModelKind) -> String {
    switch kind {
    case .regression: ""
    case .binary(nil): "kind binary: a calibrated probability"
    case .binary(let recall?):
      "kind binary: a calibrated probability, with a threshold that finds \(recall) of the ones"
    case .classes(let classes): "kind classes: \(classes.joined(separator: ", "))"
    case .quantiles(let quantiles, let group):
      "kind quantiles: \(quantiles.map { "\($0)" }.joined(separator: ", "))"
        + (group.map { ", corrected by \($0.name)" } ?? "")
    case .anomaly: "kind anomaly: how unlike all others a row is, 0 to 1"
    }
  }

  func printModels(_ declaration: PipelineDeclaration) {
    say("models:")
    for model in declaration.models {
      let label = model.label.map { ", learns \($0)" } ?? ""
      let trees = model.trees.map { ", trees: \($0.rawValue)" } ?? ""
      let version = model.acceptsVersion ? ", of any release of XGBoost" : ""
      say("  \(model.name): \(model.file), \(model.objective)\(label)\(trees)\(version)")
      let kind = Self.text(of: model.kind)
      if !kind.isEmpty { say("    \(kind)") }
      var training = Self.text(of: model.training)
      if let weight = model.training.weight {
        let text = "a row's weight \(Self.line(declaration.features.judgement.weights[weight]))"
        training += (training.isEmpty ? "" : "; ") + text
      }
      if !training.isEmpty { say("    trained with \(training)") }
    }
    say("decisions:")
    for decision in declaration.decisions {
      say("  \(Self.text(of: decision, declaration.features.judgement.results))")
    }
    if let condition = declaration.features.judgement.scoreWhen {
      say("models score rows of which holds: \(Self.line(condition))")
    }
    for label in declaration.features.judgement.labels {
      say("label \(label.name): \(Self.line(label.expression))")
    }
    say("table features: \(declaration.tableFeatures.joined(separator: ", "))")
    if !declaration.views.isEmpty {
      say("views: \(declaration.views.map { Self.text(of: $0) }.joined(separator: ", "))")
    }
    if let board = declaration.board {
      say("board: \(board.title): by \(board.orderBy), with \(board.show.joined(separator: ", "))")
    }
  }

  /// An expression in one line.
  private static func line(_ expression: ExpressionDeclaration) -> String {
    expression.text.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  private static func text(of view: TableView) -> String {
    switch (view.postgres, view.sqlite) {
    case (_, nil): "\(view.name) (PostgreSQL)"
    case (nil, _): "\(view.name) (SQLite)"
    default: view.name
    }
  }

  private static func text(
    of decision: DecisionDeclaration, _ results: [ResultDeclaration]
  ) -> String {
    switch decision {
    case .clamp(let output, -.infinity, let maximum): "\(output) is clamped to at most \(maximum)"
    case .clamp(let output, let minimum, .infinity): "\(output) is clamped to at least \(minimum)"
    case .clamp(let output, let minimum, let maximum): "\(output) is clamped to \(minimum)…\(maximum)"
    case .category(let name, let output, let thresholds, let otherwise):
      "\(name): "
        + thresholds.map { "\($0.label) when \(output) ≥ \($0.atLeast)" }.joined(separator: ", ")
        + ", else \(otherwise)"
    case .trigger(let name, let output, let above): "\(name): \(output) > \(above)"
    case .modelTrigger(let name, let output): "\(name): \(output) ≥ the model's threshold"
    case .likeliest(let name, let outputs, let labels):
      "\(name): the likeliest of \(labels.joined(separator: ", ")), by \(outputs.joined(separator: ", "))"
    case .condition(let name, let result): "\(name): \(Self.line(results[result].expression))"
    case .number(let name, let result, nil): "\(name) = \(Self.line(results[result].expression))"
    case .number(let name, let result, let source?):
      "\(name) = \(Self.line(results[result].expression)); \(source.name): \(source.labels.joined(separator: ", "))"
    }
  }
}
