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
    let learnt = try learnt()
    let table = try path.map { try LabelReader.read(path: $0, wanted: learnt) }
    let sources = RowSources(models, own: own, hasTable: table != nil)
    if let model = sources.withoutTable {
      throw Failure(
        "model \(model.name) learns \(model.label ?? "") of a labels file: --labels FILE",
        reason: .usage)
    }
    let writer = try export.map {
      try self.writer($0.path, replaces: $0.replaces, table: table, learnt, samples: sources.samples)
    }
    let collectors = try collectors(sources, table, learnt, writer)
    let events = try EventLog(Deployment(settings, pipeline), file: events)
    let counts = try events.forEachEvent(what: "train: replaying") { event, pass, _ in
      collectors.ofFile?.apply(event, of: pass)
      collectors.ofEvents?.apply(event, of: pass)
      collectors.sample?.apply(event, of: pass)
      try writer?.check()
      return true
    }
    let columns = "\(pipeline.program.columnNames.count) features"
    let set = collectors.ofEvents?.finish()
    let setOfFile = collectors.ofFile?.finish()
    let sample = collectors.sample?.finish(writer: writer)
    var parts = ["\(counts.records) records replayed, \(counts.deadLetters) of them dead letters"]
    if let set, !sources.ofEvents.isEmpty {
      parts.append("\(set.rows.count) rows of \(columns) from events that say what is to be learnt")
    }
    if let setOfFile, let table, !sources.ofFile.isEmpty {
      parts.append("\(setOfFile.rows.count) rows of \(columns) for \(table.entityCount) entities")
    }
    if let sample { parts.append("\(sample.rows.count) rows of \(columns) drawn from all that are scored") }
    say(parts.joined(separator: "; "))
    for line in counts.lines { say(line) }
    if let counts = collectors.ofFile?.counts, let path { warn(counts, path) }
    if let writer { say("\(try writer.finish()) rows of \(columns) written to \(writer.path)") }
    var trained: [TrainingReport] = []
    for (models, rows) in [(sources.ofEvents, set), (sources.ofFile, setOfFile), (sources.ofSample, sample)] {
      if let rows { trained += try train(models, on: rows) }
    }
    summarise(trained)
  }

  private func collectors(
    _ sources: RowSources, _ table: LabelTable?, _ learnt: LearntLabels, _ writer: RowTableWriter?
  ) throws -> (ofFile: TrainingSetCollector?, ofEvents: EventLabelCollector?, sample: EventSampleCollector?) {
    let program = pipeline.program
    let weights = RowWeights(program, pipeline.declaration.models)
    let hasFile = table != nil && !(sources.ofFile.isEmpty && writer == nil)
    let hasEvents = !own.isEmpty && !(sources.ofEvents.isEmpty && writer == nil)
    return (
      hasFile
        ? table.map {
          TrainingSetCollector(
            program: program, labels: $0, weights: weights, keepsRows: !sources.ofFile.isEmpty, writer: writer
          )
        } : nil,
      hasEvents
        ? try EventLabelCollector(
          program: program, labelNames: own, learnt: learnt, weights: weights,
          keepsRows: !sources.ofEvents.isEmpty,
          writer: writer) : nil,
      sources.samples && !(sources.ofSample.isEmpty && writer == nil)
        ? EventSampleCollector(program: program, weights: weights, seed: options.seed) : nil
    )
  }

  /// Labels that the pipeline's expressions make of events.
  private var own: [String] { pipeline.declaration.features.judgement.labels.map(\.name) }

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
    let reader = try RowTableReader(path: path, program: pipeline.program, labels: try learnt())
    let progress = TerminalReport().begin("train: reading rows", total: nil)
    let set = try reader.read { progress.advance(1) }
    progress.finish("rows read")
    let test = set.rows.reduce(0) { $0 + ($1.part == .test ? 1 : 0) }
    say(
      "\(set.rows.count) rows of \(pipeline.program.columnNames.count) features"
        + (test > 0 ? ", \(test) of them for tests and left alone" : ""))
    // As from a log: models without a label take rows of the pipeline's own labels, where there are such.
    let free = own.contains { set.labelNames.contains($0) } ? set.known(own) : set
    summarise(try models.flatMap { try train([$0], on: $0.label == nil ? free : set) })
  }

  /// Labels that the pipeline has or its models learn, and columns of weights.
  private func learnt() throws -> LearntLabels {
    try LearntLabels(
      pipeline.declaration.models, own: own,
      weights: RowWeights(pipeline.program, pipeline.declaration.models).names)
  }

  private func writer(
    _ path: String, replaces: Bool, table: LabelTable?, _ learnt: LearntLabels, samples: Bool
  ) throws -> RowTableWriter {
    let ofFile = table?.names ?? []
    guard !own.isEmpty || table != nil || samples else {
      throw Failure("--export: the pipeline has no labels of its own: --labels FILE", reason: .usage)
    }
    if let both = own.first(where: { ofFile.contains($0) }) {
      throw Failure(
        "--export: \(both) is a label of the pipeline and a column of the labels file; leave one out",
        reason: .usage)
    }
    let isWeight = Set(RowWeights(pipeline.program, pipeline.declaration.models).names)
    let labels = learnt.names.filter { own.contains($0) || ofFile.contains($0) || isWeight.contains($0) }
    guard labels.contains(where: { !isWeight.contains($0) }) || samples else {
      throw Failure("--export: no model learns a label of the labels file", reason: .usage)
    }
    let idle = ofFile.filter { !labels.contains($0) }
    if !idle.isEmpty {
      say("labels that no model learns are left out of the rows: \(idle.joined(separator: ", "))")
    }
    let (share, seed, time) = (options.heldBackShare, options.seed, options.timeSplit)
    return try RowTableWriter(
      path: path, replaces: replaces, program: pipeline.program, labels: labels, of: learnt
    ) {
      TrainingSet.part(of: $0, heldBackShare: share, seed: seed, time: time)
    }
  }

  private func train(_ models: [ModelDeclaration], on set: TrainingSet) throws -> [TrainingReport] {
    try models.map { model in
      let trainer = ModelTrainer(options: options)
      let progress = TrainingProgress(model, options)
      if let registry = settings.registry {
        return try register(model, on: set, trainer, ModelRegistry(path: registry), progress)
      }
      let (report, card) = try train(model, on: set, trainer, ModelFolder(path: settings.models), progress)
      let folder = ModelFolder(path: reports ?? settings.models)
      let paths = try card.versionFiles.map { try folder.write($0, of: model.file) }
      show(report, card, place: "\(report.path), version \(report.version)", at: paths)
      return report
    }
  }

  /// Trains in a folder of its own, so that nothing is registered until all of it is there and has passed the checks of serving.
  private func register(
    _ model: ModelDeclaration, on set: TrainingSet, _ trainer: ModelTrainer, _ registry: ModelRegistry,
    _ progress: TrainingProgress
  ) throws -> TrainingReport {
    let folder = ModelFolder(path: NSTemporaryDirectory() + "tally-train-" + UUID().uuidString)
    defer { try? FileManager.default.removeItem(atPath: folder.path) }
    let clock = ContinuousClock()
    let start = clock.now
    let (report, card) = try train(model, on: set, trainer, folder, progress)
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
    return report
  }

  /// Trains a model, and makes its report before its file is written.
  private func train(
    _ model: ModelDeclaration, on set: TrainingSet, _ trainer: ModelTrainer, _ folder: ModelFolder,
    _ progress: TrainingProgress
  ) throws -> (TrainingReport, ModelReport) {
    var card: ModelReport?
    let report = try trainer.train(
      model, on: set, into: folder, progress: { progress.show($0) },
      evaluated: { evaluation in
        var evaluation = evaluation
        evaluation.pipeline = pipeline.declaration.name
        evaluation.dataDigest = set.dataSet(for: model, options: options)?.digest
        card = ModelReport(evaluation)
      })
    progress.end()
    guard let card else { preconditionFailure("a model was trained and not evaluated") }
    return (report, card)
  }

  private func wanted(_ only: [String]) throws -> [ModelDeclaration] {
    let trainable = pipeline.declaration.models.filter { $0.isTrainable }
    for name in only where !trainable.contains(where: { $0.name == name }) {
      throw Failure(
        "--only \(name): \(pipeline.file) can train \(trainable.map(\.name).joined(separator: ", "))",
        reason: .badPipeline)
    }
    guard !trainable.isEmpty else {
      throw Failure(
        "\(pipeline.file) declares no model with a label, and none of the kind anomaly", reason: .badPipeline)
    }
    return only.isEmpty ? trainable : trainable.filter { only.contains($0.name) }
  }
}
