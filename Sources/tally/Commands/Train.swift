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
    abstract: "Trains the pipeline's models from a log and a labels file, or from a table of rows.",
    discussion: """
      Replays the log through the pipeline's own features. A label's row is what Tally scores at the entity's last event
      before the label's time, so nothing from later is known. Entities are split 80/20; the held-back part gives the figures. It
      also stops training early, or calibrates: probabilities, a threshold, intervals; figures are then of rows that these were not
      fitted on. A linear model's figures (ridge) stand beside. The manual's page on training says how each kind is made.
      With a registry what is trained is registered there as candidate, with its figures and the digests of
      its rows, and the models folder is left alone. Labels: CSV with a header, entity_id,label_time_us,LABEL,…; the pipeline says which label
      each model learns. Labels are numbers, or words of the classes that a model declares; columns that no model learns may hold anything. Models of kind
      anomaly need no label: without any, they take rows drawn from the log.

      Each model gets a card (card.md, card.html: figures with intervals, groups, plots, data) and reference.json, in which drift can be
      counted: with a registry as files of the version, else as MODEL.card.html … beside the model's file or in --report DIR.

      --export writes the rows to a table (CSV) while they are made, in memory that does not grow with them, and ends; with --only these
      models are trained, too. --rows trains from such a table, also one that another program has made: the same rows give the same
      model, byte for byte. The manual's page on training rows says what the columns hold.

      Examples:
        tally train --events events.jsonl --labels labels.csv
        tally train --events events.jsonl --labels labels.csv --registry registry   # as candidates; see tally models
        tally train --labels labels.csv --topic events --brokers localhost:9092 --only churn
        tally train --events events.jsonl --labels labels.csv --export rows.csv
        tally train --rows rows.csv --only churn
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(
    help: "Labels file (CSV); not needed for models that learn labels of the pipeline's own.",
    completion: .file())
  var labels: String?
  @Option(
    help: "Events file (lines KEY, tab, JSON; or JSON alone) instead of the topic.", completion: .file())
  var events: String?
  @Option(
    help: ArgumentHelp(
      "Write the training rows to this file (CSV), and train only what --only names.", valueName: "file.csv"),
    completion: .file())
  var export: String?
  @Flag(help: "With --export: replace the file if it exists.") var force = false
  @Option(
    help: ArgumentHelp(
      "Train from this table of rows (CSV) instead of a log and labels.", valueName: "file.csv"),
    completion: .file())
  var rows: String?
  @Option(
    help: ArgumentHelp(
      "Write cards and reference histograms to this folder; without it, and without a registry, they lie beside the models.",
      valueName: "dir"), completion: .directory)
  var report: String?
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
  @Option(
    help: ArgumentHelp(
      "Split by time, too: learn from labels before this time less --gap, judge by those from it on; RFC 3339 or microseconds.",
      valueName: "time"))
  var cut: String?
  @Option(
    help: "With --cut: days between what is learnt and what judges, at least as many as labels look ahead.")
  var gapDays = 0
  @Option(help: "Threads.") var threads = 1

  func validate() throws {
    try bound.check(readsFiles: events != nil)
    try Self.check(trees, "--trees", TrainingBounds.trees)
    try Self.check(depth, "--depth", TrainingBounds.depth)
    try Self.check(eta, "--eta", TrainingBounds.eta)
    try Self.check(earlyStopping, "--early-stopping", TrainingBounds.earlyStopping)
    if let export { try Self.checkIsCSV(export, of: "--export", verb: "writes") }
    guard !force || export != nil else { throw ValidationError("--force goes with --export only") }
    guard (0...100_000).contains(gapDays) else {
      throw ValidationError("--gap-days: 0 to 100000 are allowed")
    }
    guard gapDays == 0 || cut != nil else { throw ValidationError("--gap-days goes with --cut only") }
    guard rows == nil || cut == nil else {
      throw ValidationError(
        "give --rows or --cut, not both: a table of rows has its split, and --export takes --cut")
    }
    guard let rows else { return }
    try Self.checkIsCSV(rows, of: "--rows", verb: "reads")
    for (name, isGiven) in [
      ("--events", events != nil), ("--labels", labels != nil), ("--export", export != nil),
    ]
    where isGiven {
      throw ValidationError(
        "give --rows or \(name), not both: a table of rows holds its labels and needs no log")
    }
  }

  private static func check<Bound>(_ value: Bound?, _ option: String, _ range: ClosedRange<Bound>) throws {
    guard let value, !range.contains(value) else { return }
    throw ValidationError("\(option) \(value): from \(range.lowerBound) to \(range.upperBound)")
  }

  /// Other kinds of file are refused by their name, before anything is read.
  private static func checkIsCSV(_ path: String, of flag: String, verb: String) throws {
    let kinds = [
      (".parquet", "Parquet is not supported yet: take .csv, which pandas, polars and DuckDB convert"),
      (".gz", "it \(verb) plain CSV: take .csv, and gzip for the rest"),
      (".zst", "it \(verb) plain CSV: take .csv, and zstd for the rest"),
    ]
    for (ending, advice) in kinds where path.lowercased().hasSuffix(ending) {
      throw ValidationError("\(flag) \(path): \(advice)")
    }
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
      options.timeSplit = try cut.map {
        TimeSplit(cut: try Moment.parse($0, flag: "--cut"), gap: EventTime(gapDays) * Span.day)
      }
      guard report == nil || settings.registry == nil else {
        throw Failure(
          "--report goes without a registry only, where a version holds its card: tally models show MODEL --card",
          reason: .usage)
      }
      let training = ModelTraining(settings: settings, pipeline: pipeline, options: options, reports: report)
      if let rows { return try training.run(rows: rows, only: only) }
      if events == nil { try TopicCheck(settings, pipeline, compacted).enforce() }
      try training.run(
        labels: labels, events: events, only: only, export: export.map { (path: $0, replaces: force) })
    }
  }
}
