import Configuration
import Dataflow
import Features
import Foundation
import Ingest
import Kafka
import Metrics
import Monitor
import Pipeline
import Synthetic
import Training

/// The demo's servers, files and settings, in one folder.
final class DemoStage {
  private let folder: String
  private let broker: MockCluster
  /// nil: the pipeline keeps no state.
  private let redis: PrivateRedis?
  private let data: any DemoData
  private let settings: Settings
  private let pipeline: LoadedPipeline
  private let startedAt = Date()
  private static let partitions = 8

  init(folder wanted: String?, pipelineFile: String, _ data: (LoadedPipeline) throws -> any DemoData) throws {
    pipeline = try LoadedPipeline(file: pipelineFile)
    self.data = try data(pipeline)
    folder = try wanted.map(PrivateFolder.named) ?? PrivateFolder.fresh("tally-demo")
    say("Everything of this demo is in \(folder)")
    broker = try MockCluster()
    try broker.createTopic("events", partitions: Self.partitions)
    try broker.createTopic("scores", partitions: Self.partitions)
    try broker.createTopic("dead-letters", partitions: 1)
    redis = pipeline.program.keepsState ? try PrivateRedis(folder: folder) : nil
    var settings = Settings()
    settings.batchReader = ReadBatch.command
    settings.pipeline = pipelineFile
    settings.models = folder + "/models"
    settings.brokers = broker.bootstrapServers
    if let redis { settings.redis = redis.url }
    settings.fileTime = Int64(startedAt.timeIntervalSince1970) * 1_000_000
    settings.table = .sqlite(folder + "/scores.db")
    self.settings = settings
    let store = redis.map { "redis \($0.url)" } ?? "no redis, since no state is kept"
    say("broker \(settings.brokers), \(store), table \(folder)/scores.db")
  }

  func close() {
    redis?.stop()
    broker.destroy()
  }

  /// Writes the history and its labels. Returns the number of its records.
  func makeHistory() throws -> Int {
    say("\n1. Making a history: \(data.words)")
    let events = try LineWriter(path: folder + "/" + data.file)
    var count = 0
    try data.forEachRecord(isOfFile: true) { record in
      if let key = record.key, data.labels != nil { try events.write(key + [UInt8(ascii: "\t")]) }
      try events.write((record.value ?? []) + [UInt8(ascii: "\n")])
      count += 1
      return true
    }
    try events.close()
    if let labels = data.labels { try data.writeLabels(to: folder + "/" + labels) }
    return count
  }

  func train() throws {
    say("\n2. Training the models on it")
    var options = TrainingOptions()
    options.topFeatures = 4
    try ModelTraining(settings: settings, pipeline: pipeline, options: options)
      .run(labels: data.labels.map { folder + "/" + $0 }, events: folder + "/" + data.file, only: [])
  }

  /// Streams the history as fast as it is scored, then what comes after it, with a view of it all.
  func score(live: LiveSettings, stopped: StopFlag) throws {
    let run = try PipelineRun(settings, pipeline)
    let feeder = DemoFeeder(
      settings.kafkaConfiguration(), data, live: live, metrics: run.metrics, stopped: stopped)
    feeder.start { run.stop.stop() }
    RunWatch(run, title: "tally demo: \(feeder.phase)", isLive: true, ends: nil).watch()
    stopped.set()
    try run.join()
    if let failure = feeder.failure { throw failure }
  }

  func printAddresses() {
    let store = redis.map { " --redis \($0.url)" } ?? ""
    say("   kcat -C -b \(settings.brokers) -t scores -o -5 -e")
    if let redis { say("   redis-cli -u \(redis.url) --scan --count 100 | head") }
    say(
      "   \(Self.program) status --brokers \(settings.brokers)\(store) --sqlite \(folder)/scores.db"
        + (redis == nil ? " --set pipeline=\(pipeline.file)" : ""))
  }

  func printEnd() {
    let seconds = Int(Date().timeIntervalSince(startedAt))
    let keep = pipeline.program.keepsState ? "" : " --pipeline \(pipeline.declaration.name)"
    say(
      """

      Done in \(seconds) s. The results are in \(folder):
        scores.db     sqlite3 \(folder)/scores.db '\(data.query)'
        models/       the trained models, in XGBoost's own format
        \(data.file)\(data.labels.map { "  the history; \($0) its labels" } ?? "  the history")
      Try next:
        \(Self.program) check \(pipeline.file)
        \(Self.program) features \(data.sampleID) --events \(folder)/\(data.file)\(sampleOptions)
        \(Self.program) demo\(keep) --keep           stays, so that kcat and others can look inside
        README.md, "For real"       a real Kafka, Redis and PostgreSQL
      """)
  }

  /// What `tally features` needs beside the history's file.
  private var sampleOptions: String {
    guard !pipeline.program.keepsState, let time = settings.fileTime else { return "" }
    return " --ingest-time \(time) --set pipeline=\(pipeline.file)"
  }

  /// How this program was called.
  private static let program = CommandLine.arguments.first ?? "tally"
}
