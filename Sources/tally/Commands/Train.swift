import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import Features
import Foundation
import Registry
import Training
import XGBoost

/// `tally train`: models from a log and a labels file.
struct Train: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Trains the pipeline's models from a log and a labels file.",
    discussion: """
      Replays the log through the pipeline's own features. A label's row is what Tally scores at the entity's last event
      before the label's time, so nothing from later is known. Entities are split 80/20; the held-back part stops training early
      and gives the figures. With a registry what is trained is registered there as candidate, with its figures and the digests of
      its rows, and the models folder is left alone. Labels: CSV with a header, entity_id,label_time_us,LABEL,…; the pipeline says which label
      each model learns. Labels are numbers; columns that no model learns may hold anything.

      Examples:
        tally train --events events.jsonl --labels labels.csv
        tally train --events events.jsonl --labels labels.csv --registry registry   # as candidates; see tally models
        tally train --labels labels.csv --topic events --brokers localhost:9092 --only churn
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(
    help: "Labels file (CSV); not needed for models that learn labels of the pipeline's own.",
    completion: .file())
  var labels: String?
  @Option(
    help: "Events file (lines KEY, tab, JSON; or JSON alone) instead of the topic.", completion: .file())
  var events: String?
  @OptionGroup var compacted: CompactedOption
  @OptionGroup var bound: LatestOption
  @Option(help: "Only this model; may be given again.") var only: [String] = []
  @Option(help: "Most trees; else what the pipeline says of the model, else 500.") var trees: Int?
  @Option(help: "Depth of the trees; else what the pipeline says, else 8.") var depth: Int?
  @Option(help: "Learning rate; else what the pipeline says, else 0.05.") var eta: Double?
  @Option(
    help:
      "Stop when the held-back part has not improved for so many trees; else what the pipeline says, else 20."
  )
  var earlyStopping: Int?
  @Option(help: "Seed of the split and the training.") var seed: UInt64 = 42
  @Option(help: "Threads.") var threads = 1

  func validate() throws {
    try bound.check(readsFiles: events != nil)
    try Self.check(trees, "--trees", TrainingBounds.trees)
    try Self.check(depth, "--depth", TrainingBounds.depth)
    try Self.check(eta, "--eta", TrainingBounds.eta)
    try Self.check(earlyStopping, "--early-stopping", TrainingBounds.earlyStopping)
  }

  private static func check<Bound>(_ value: Bound?, _ option: String, _ range: ClosedRange<Bound>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) \(value): from \(range.lowerBound) to \(range.upperBound)")
  }

  func run() throws {
    try reporting {
      let settings = try bound.applied(to: connection.settings(), readsFiles: events != nil)
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      var options = TrainingOptions()
      options.recipe.trees = trees
      options.recipe.depth = depth
      options.recipe.eta = eta
      options.recipe.earlyStopping = earlyStopping
      options.seed = seed
      options.threads = threads
      if events == nil { try TopicCheck(settings, pipeline, compacted).enforce() }
      try ModelTraining(settings: settings, pipeline: pipeline, options: options)
        .run(labels: labels, events: events, only: only)
    }
  }
}

/// Trains all or some models of a pipeline and prints how good they are.
struct ModelTraining {
  let settings: Settings
  let pipeline: LoadedPipeline
  let options: TrainingOptions

  func run(labels path: String?, events: String?, only: [String]) throws {
    let models = try wanted(only)
    let own = pipeline.declaration.features.judgement.labels.map(\.name)
    let (ofEvents, ofFile) = (
      models.filter { own.contains($0.label ?? "") }, models.filter { !own.contains($0.label ?? "") }
    )
    let learnt = Set(ofFile.compactMap(\.label))
    let table = try path.map { try LabelReader.read(path: $0, wanted: learnt) }
    guard ofFile.isEmpty || table != nil else {
      throw Failure(
        "model \(ofFile[0].name) learns \(ofFile[0].label ?? "") of a labels file: --labels FILE",
        reason: .usage)
    }
    let collector = table.map { TrainingSetCollector(program: pipeline.program, labels: $0) }
    let events = try EventLog(Deployment(settings, pipeline), file: events)
    let ofEventsThemselves =
      ofEvents.isEmpty ? nil : EventLabelCollector(program: pipeline.program, labelNames: own)
    let counts = try events.forEachEvent(what: "train: replaying") { event, pass, _ in
      if !ofFile.isEmpty { collector?.apply(event, of: pass) }
      ofEventsThemselves?.apply(event, of: pass)
      return true
    }
    let columns = "\(pipeline.program.columnNames.count) features"
    let set = ofEventsThemselves?.finish()
    let setOfFile = ofFile.isEmpty ? nil : collector?.finish()
    var parts = ["\(counts.records) records replayed, \(counts.deadLetters) of them dead letters"]
    if let set {
      parts.append("\(set.rows.count) rows of \(columns) from events that say what is to be learnt")
    }
    if let setOfFile, let table {
      parts.append("\(setOfFile.rows.count) rows of \(columns) for \(table.entityCount) entities")
    }
    say(parts.joined(separator: "; "))
    for line in counts.lines { say(line) }
    if let set { try train(ofEvents, on: set) }
    if let setOfFile { try train(ofFile, on: setOfFile) }
  }

  private func train(_ models: [ModelDeclaration], on set: TrainingSet) throws {
    for model in models {
      let trainer = ModelTrainer(options: options)
      if let registry = settings.registry {
        try register(model, on: set, trainer, ModelRegistry(path: registry))
      } else {
        let report = try trainer.train(model, on: set, into: ModelFolder(path: settings.models)) { _ in }
        show(report, place: "\(report.path), version \(report.version)")
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
    let report = try trainer.train(model, on: set, into: folder) { _ in }
    let elapsed = (clock.now - start).components
    let registration = ModelRegistration(registry: registry, pipeline: pipeline)
    var given = GivenModel(file: try folder.read(model.file), source: "train")
    given.parameters = options.byName
    given.data = set.dataSet(for: model, options: options)
    given.metrics = report.quality.byName
    given.trainingSeconds = Double(elapsed.seconds) + (Double(elapsed.attoseconds) * 1e-15).rounded() / 1000
    let (registered, version, isNew) = try registration.register(
      given, as: model, acceptsChangedFeatures: false)
    try registered.promote(version, to: .candidate, reason: ModelRegistration.reason("tally train"))
    show(
      report,
      place: "\(registered.path(of: version)), candidate"
        + (isNew ? "" : "; the same files were there already"))
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

  private func show(_ report: TrainingReport, place: String) {
    func text(_ value: Double) -> String { String(format: "%.4f", value) }
    var line = "\(report.model): RMSE \(text(report.quality.rmse))  MAE \(text(report.quality.mae))"
    if let r2 = report.quality.rSquared { line += "  R² \(text(r2))" }
    if let auc = report.quality.auc { line += "  AUC \(text(auc))" }
    if let loss = report.quality.logLoss { line += "  log loss \(text(loss))" }
    say(line)
    say(
      "  \(report.trees) trees; \(report.trainingRows) rows of \(report.trainingEntities) entities to learn from, "
        + "\(report.heldBackRows) of \(report.heldBackEntities) held back for these figures")
    let top = report.topFeatures.map { "\($0.name) \(String(format: "%.3g", $0.gain))" }
    say("  top features by gain: \(top.joined(separator: ", "))")
    say("  \(place)")
  }
}
