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
  private let settings: Settings
  private let pipeline: LoadedPipeline
  private let startedAt = Date()
  private static let partitions = 8

  init(folder wanted: String?, pipelineFile: String) throws {
    pipeline = try LoadedPipeline(file: pipelineFile)
    folder = try wanted.map(PrivateFolder.named) ?? PrivateFolder.fresh("tally-demo")
    say("Everything of this demo is in \(folder)")
    broker = try MockCluster()
    try broker.createTopic("events", partitions: Self.partitions)
    try broker.createTopic("scores", partitions: Self.partitions)
    try broker.createTopic("dead-letters", partitions: 1)
    redis = try pipeline.program.keepsState ? PrivateRedis(folder: folder) : nil
    var settings = Settings()
    settings.batchReader = ReadBatch.command
    settings.pipeline = pipelineFile
    settings.models = folder + "/models"
    settings.brokers = broker.bootstrapServers
    if let redis { settings.redis = redis.url }
    settings.table = .sqlite(folder + "/scores.db")
    self.settings = settings
    say(
      "broker \(settings.brokers), \(redis.map { "redis \($0.url)" } ?? "no redis"), table \(folder)/scores.db"
    )
  }

  func close() {
    redis?.stop()
    broker.destroy()
  }

  /// Writes the history and its labels. Returns the number of events.
  func makeHistory(_ people: SyntheticConfiguration) throws -> Int {
    say("\n1. Making a history: \(people.customers) people, \(people.days) days, seed \(people.seed)")
    let events = try LineWriter(path: folder + "/events.jsonl")
    var encoder = SyntheticEncoder(format: .json)
    var count = 0
    for event in SyntheticLog(people) {
      try encoder.encode(event) { record in
        try events.write(
          (record.key ?? []) + [UInt8(ascii: "\t")] + (record.value ?? []) + [UInt8(ascii: "\n")])
      }
      count += 1
    }
    try events.close()
    let labels = try LineWriter(path: folder + "/labels.csv")
    try labels.write(Array((SyntheticLabel.csvHeader + "\n").utf8))
    var line: [UInt8] = []
    for label in SyntheticLabels(people) {
      line.removeAll(keepingCapacity: true)
      label.appendCSV(to: &line)
      if line.last != UInt8(ascii: "\n") { line.append(UInt8(ascii: "\n")) }
      try labels.write(line)
    }
    try labels.close()
    return count
  }

  func train() throws {
    say("\n2. Training the models on it")
    var options = TrainingOptions()
    options.topFeatures = 4
    try ModelTraining(settings: settings, pipeline: pipeline, options: options)
      .run(labels: folder + "/labels.csv", events: folder + "/events.jsonl", only: [])
  }

  /// Streams the history as fast as it is scored, then what the people do live, with a view of it all.
  func score(_ people: SyntheticConfiguration, live: LiveSettings, stopped: StopFlag) throws {
    let run = try PipelineRun(settings, pipeline)
    let feeder = DemoFeeder(
      settings.kafkaConfiguration(), people, live: live, metrics: run.metrics, stopped: stopped)
    feeder.start { run.stop.stop() }
    RunWatch(run, title: "tally demo: \(feeder.phase)", isLive: true, ends: nil).watch()
    stopped.set()
    try run.join()
    if let failure = feeder.failure { throw failure }
  }

  func printAddresses() {
    say("   kcat -C -b \(settings.brokers) -t scores -o -5 -e")
    if let redis { say("   redis-cli -u \(redis.url) --scan --count 100 | head") }
    let store = redis.map { " --redis \($0.url)" } ?? ""
    say("   \(Self.program) status --brokers \(settings.brokers)\(store) --sqlite \(folder)/scores.db")
  }

  func printEnd() {
    let seconds = Int(Date().timeIntervalSince(startedAt))
    say(
      """

      Done in \(seconds) s. The results are in \(folder):
        scores.db     sqlite3 \(folder)/scores.db 'SELECT * FROM at_risk_customers LIMIT 5'
        models/       the trained models, in XGBoost's own format
        events.jsonl  the history; labels.csv its labels
      Try next:
        \(Self.program) check \(pipeline.file)
        \(Self.program) features \(sampleID) --events \(folder)/events.jsonl
        \(Self.program) demo --keep           stays, so that kcat and redis-cli can look inside
        README.md, "For real"       a real Kafka, Redis and PostgreSQL
      """)
  }

  /// How this program was called.
  private static let program = CommandLine.arguments.first ?? "tally"

  private var sampleID: String {
    var log = SyntheticLog(SyntheticConfiguration(customers: 1, days: 1))
    return log.next()?.entityID ?? "ID"
  }
}
