import Configuration
import Dataflow
import Events
import Features
import Foundation
import Operations
import Registry
import Report
import Training
import XGBoost

/// Trains all or some models of a pipeline and prints how good they are.
struct ModelTraining {
  let settings: Settings
  let pipeline: LoadedPipeline
  let options: TrainingOptions
  /// Where reports go, without a registry; nil: beside the models.
  var reports: String?

  /// Trains from a log, or exports its rows; with both, models only where `only` names them.
  func run(
    labels path: String?, events: String?, only: [String], export: (path: String, replaces: Bool)? = nil
  ) throws {
    let models = export != nil && only.isEmpty ? [] : try wanted(only)
    let own = pipeline.declaration.features.judgement.labels.map(\.name)
    let (ofEvents, ofFile) = (
      models.filter { own.contains($0.label ?? "") }, models.filter { !own.contains($0.label ?? "") }
    )
    let learnt = Set(export == nil ? ofFile.compactMap(\.label) : learnable)
    let table = try path.map { try LabelReader.read(path: $0, wanted: learnt) }
    guard ofFile.isEmpty || table != nil else {
      throw Failure(
        "model \(ofFile[0].name) learns \(ofFile[0].label ?? "") of a labels file: --labels FILE",
        reason: .usage)
    }
    let writer = try export.map { try self.writer($0.path, replaces: $0.replaces, own: own, table: table) }
    let program = pipeline.program
    let collector =
      ofFile.isEmpty && writer == nil
      ? nil
      : table.map {
        TrainingSetCollector(program: program, labels: $0, keepsRows: !ofFile.isEmpty, writer: writer)
      }
    let ofEventsThemselves =
      own.isEmpty || (ofEvents.isEmpty && writer == nil)
      ? nil
      : EventLabelCollector(program: program, labelNames: own, keepsRows: !ofEvents.isEmpty, writer: writer)
    let events = try EventLog(Deployment(settings, pipeline), file: events)
    let counts = try events.forEachEvent(what: "train: replaying") { event, pass, _ in
      collector?.apply(event, of: pass)
      ofEventsThemselves?.apply(event, of: pass)
      try writer?.check()
      return true
    }
    let columns = "\(program.columnNames.count) features"
    let set = ofEventsThemselves?.finish()
    let setOfFile = collector?.finish()
    var parts = ["\(counts.records) records replayed, \(counts.deadLetters) of them dead letters"]
    if let set, !ofEvents.isEmpty {
      parts.append("\(set.rows.count) rows of \(columns) from events that say what is to be learnt")
    }
    if let setOfFile, let table, !ofFile.isEmpty {
      parts.append("\(setOfFile.rows.count) rows of \(columns) for \(table.entityCount) entities")
    }
    say(parts.joined(separator: "; "))
    for line in counts.lines { say(line) }
    if let counts = collector?.counts, let path { warn(counts, path) }
    if let writer { say("\(try writer.finish()) rows of \(columns) written to \(writer.path)") }
    if let set { try train(ofEvents, on: set) }
    if let setOfFile { try train(ofFile, on: setOfFile) }
  }

  /// Labels that make no row, by line: ids are nobody's business.
  private func warn(_ counts: CollectorCounts, _ path: String) {
    for (labels, why) in [
      (counts.ofUnknownEntities, "are of entities without any event that is scored"),
      (counts.beforeFirstEvents, "are from before their entity's first event"),
    ] where labels.count > 0 {
      let lines = labels.lines.map(String.init).joined(separator: ", ")
      TerminalReport().warn(
        "\(path): \(labels.count) of \(counts.labels) labels \(why) and make no row: lines \(lines)"
          + (labels.count > labels.lines.count ? " and others" : ""))
    }
  }

  /// Trains from a table of rows.
  func run(rows path: String, only: [String]) throws {
    let models = try wanted(only)
    let reader = try RowTableReader(path: path, program: pipeline.program, labels: learnable)
    let progress = TerminalReport().begin("train: reading rows", total: nil)
    let set = try reader.read { progress.advance(1) }
    progress.finish("rows read")
    let test = set.rows.reduce(0) { $0 + ($1.part == .test ? 1 : 0) }
    say(
      "\(set.rows.count) rows of \(pipeline.program.columnNames.count) features"
        + (test > 0 ? ", \(test) of them for tests and left alone" : ""))
    try train(models, on: set)
  }

  /// Labels that the pipeline has or its models learn, each once.
  private var learnable: [String] {
    let own = pipeline.declaration.features.judgement.labels.map(\.name)
    return pipeline.declaration.models.compactMap(\.label).reduce(into: own) { names, label in
      if !names.contains(label) { names.append(label) }
    }
  }

  private func writer(
    _ path: String, replaces: Bool, own: [String], table: LabelTable?
  ) throws -> RowTableWriter {
    let ofFile = table?.names ?? []
    guard !own.isEmpty || table != nil else {
      throw Failure("--export: the pipeline has no labels of its own: --labels FILE", reason: .usage)
    }
    if let both = own.first(where: { ofFile.contains($0) }) {
      throw Failure(
        "--export: \(both) is a label of the pipeline and a column of the labels file; leave one out",
        reason: .usage)
    }
    let labels = own + ofFile.filter { learnable.contains($0) }
    guard !labels.isEmpty else {
      throw Failure("--export: no model learns a label of the labels file", reason: .usage)
    }
    let idle = ofFile.filter { !learnable.contains($0) }
    if !idle.isEmpty {
      say("labels that no model learns are left out of the rows: \(idle.joined(separator: ", "))")
    }
    let (share, seed, time) = (options.heldBackShare, options.seed, options.timeSplit)
    return try RowTableWriter(path: path, replaces: replaces, program: pipeline.program, labels: labels) {
      TrainingSet.part(of: $0, heldBackShare: share, seed: seed, time: time)
    }
  }

  private func train(_ models: [ModelDeclaration], on set: TrainingSet) throws {
    for model in models {
      let trainer = ModelTrainer(options: options)
      if let registry = settings.registry {
        try register(model, on: set, trainer, ModelRegistry(path: registry))
      } else {
        let (report, card) = try train(model, on: set, trainer, ModelFolder(path: settings.models))
        let folder = ModelFolder(path: reports ?? settings.models)
        let paths = try card.versionFiles.map { try folder.write($0, of: model.file) }
        show(report, card, place: "\(report.path), version \(report.version)", at: paths)
      }
    }
  }

  /// Trains in a folder of its own, so that nothing is registered until all of it is there and has passed the checks of serving.
  private func register(
    _ model: ModelDeclaration, on set: TrainingSet, _ trainer: ModelTrainer, _ registry: ModelRegistry
  ) throws {
    let folder = ModelFolder(path: NSTemporaryDirectory() + "tally-train-" + UUID().uuidString)
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let clock = ContinuousClock()
    let start = clock.now
    let (report, card) = try train(model, on: set, trainer, folder)
    let elapsed = (clock.now - start).components
    let registration = ModelRegistration(registry: registry, pipeline: pipeline)
    var given = GivenModel(file: try folder.read(model.file), source: "train")
    given.parameters = report.parameters
    given.data = set.dataSet(for: model, options: options)
    given.metrics = report.quality.byName
    given.report = card
    given.trainingSeconds = Double(elapsed.seconds) + (Double(elapsed.attoseconds) * 1e-15).rounded() / 1000
    let (registered, version, isNew) = try registration.register(
      given, as: model, acceptsChangedFeatures: false)
    try registered.promote(version, to: .candidate, reason: ModelRegistration.reason("tally train"))
    show(
      report, card,
      place: "\(registered.path(of: version)), candidate"
        + (isNew ? "" : "; the same files were there already"),
      at: card.files.map { "\(registered.path(of: version))/\($0.name)" })
  }

  /// Trains a model, and makes its report before its file is written.
  private func train(
    _ model: ModelDeclaration, on set: TrainingSet, _ trainer: ModelTrainer, _ folder: ModelFolder
  ) throws -> (TrainingReport, ModelReport) {
    var card: ModelReport?
    let report = try trainer.train(
      model, on: set, into: folder,
      evaluated: { evaluation in
        var evaluation = evaluation
        evaluation.pipeline = pipeline.declaration.name
        evaluation.dataDigest = set.dataSet(for: model, options: options)?.digest
        card = ModelReport(evaluation)
      })
    guard let card else { preconditionFailure("a model was trained and not evaluated") }
    return (report, card)
  }

  private func wanted(_ only: [String]) throws -> [ModelDeclaration] {
    let trainable = pipeline.declaration.models.filter { $0.label != nil }
    for name in only where !trainable.contains(where: { $0.name == name }) {
      throw Failure(
        "--only \(name): \(pipeline.file) can train \(trainable.map(\.name).joined(separator: ", "))",
        reason: .badPipeline)
    }
    guard !trainable.isEmpty else {
      throw Failure("\(pipeline.file) declares no model with a label", reason: .badPipeline)
    }
    return only.isEmpty ? trainable : trainable.filter { only.contains($0.name) }
  }

  private func show(_ report: TrainingReport, _ card: ModelReport, place: String, at paths: [String]) {
    func text(_ value: Double) -> String { String(format: "%.4f", value) }
    var line = "\(report.model): RMSE \(text(report.quality.rmse))  MAE \(text(report.quality.mae))"
    if let r2 = report.quality.rSquared { line += "  R² \(text(r2))" }
    if let auc = report.quality.auc { line += "  AUC \(text(auc))" }
    if let loss = report.quality.logLoss { line += "  log loss \(text(loss))" }
    say(line)
    for warning in report.warnings { TerminalReport().warn(warning) }
    for warning in card.warnings where !report.warnings.contains(warning) {
      TerminalReport().warn("model \(report.model): \(warning)")
    }
    for line in card.summary { say("  \(line)") }
    say(
      "  \(report.trees) trees; \(report.trainingRows) rows of \(report.trainingEntities) entities to learn from, "
        + "\(report.heldBackRows) of \(report.heldBackEntities) held back for these figures")
    let top = report.topFeatures.map { "\($0.name) \(String(format: "%.3g", $0.gain))" }
    say("  top features by gain: \(top.joined(separator: ", "))")
    say("  \(place)")
    if let page = paths.first(where: { $0.hasSuffix(".html") }) { say("  card: \(page)") }
  }
}
