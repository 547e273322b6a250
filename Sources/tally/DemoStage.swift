import Dataflow
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
  private let redis: PrivateRedis
  private let settings: Settings
  private let pipeline: LoadedPipeline
  private let startedAt = Date()
  private static let partitions = 8
  /// Events between producer and scorer while catching up: the embedded broker keeps 5 MB a partition.
  private static let underwayMax: UInt64 = 20_000

  init(folder wanted: String?, pipelineFile: String) throws {
    pipeline = try LoadedPipeline(file: pipelineFile)
    folder = wanted ?? NSTemporaryDirectory() + "tally-demo-\(getpid())"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(folder) cannot be made: \(error.localizedDescription)") }
    say("Everything of this demo is in \(folder)")
    broker = try MockCluster()
    try broker.createTopic("events", partitions: Self.partitions)
    try broker.createTopic("scores", partitions: Self.partitions)
    try broker.createTopic("dead-letters", partitions: 1)
    redis = try PrivateRedis(folder: folder)
    var settings = Settings()
    settings.pipeline = pipelineFile
    settings.models = folder + "/models"
    settings.brokers = broker.bootstrapServers
    settings.redis = redis.url
    settings.table = .sqlite(folder + "/scores.db")
    self.settings = settings
    say("broker \(settings.brokers), redis \(redis.url), table \(folder)/scores.db")
  }

  func close() {
    redis.stop()
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

  /// Streams the history, or what the people do afterwards, through broker and pipeline, with a view of it.
  func score(
    _ log: SyntheticLog, rate: Double, limit: Int?, badShare: Double, isLive: Bool, stopped: StopFlag
  ) throws {
    let run = try PipelineRun(settings, pipeline)
    let feeder = Feeder(
      kafka: settings.kafkaConfiguration(), rate: rate, limit: limit, stopped: stopped,
      read: { run.metrics.snapshot().read }, underwayMax: Self.underwayMax)
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) let encoder = SyntheticEncoder(
      format: .protobuf, badShare: badShare, tooLargeBytes: 300_000)
    let thread = Thread {
      isLive ? feeder.feedLive(after: log, encoder) : feeder.feed(log, encoder)
      done.signal()
    }
    thread.stackSize = 8 << 20
    thread.start()
    let watcher = Thread {
      done.wait()
      // Everything is produced: end when it is scored, or at once when the feeder failed or someone stops us.
      while !run.isFinished && !stopped.isSet && feeder.failure == nil
        && run.metrics.snapshot().read < feeder.sent
      {
        usleep(20_000)
      }
      run.stop.stop()
    }
    watcher.start()
    RunWatch(run, title: isLive ? "tally demo: live" : "tally demo: catching up", isLive: true, ends: nil)
      .watch()
    try run.join()
    if let failure = feeder.failure { throw failure }
  }

  func printAddresses() {
    say(
      """
         kcat -C -b \(settings.brokers) -t scores -o -5 -e
         redis-cli -u \(redis.url) --scan --count 100 | head
         tally status --brokers \(settings.brokers) --redis \(redis.url) --sqlite \(folder)/scores.db
      """)
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
        tally check \(pipeline.file)
        tally features \(sampleID) --events \(folder)/events.jsonl
        tally demo --keep           stays, so that kcat and redis-cli can look inside
        README.md, "For real"       a real Kafka, Redis and PostgreSQL
      """)
  }

  private var sampleID: String {
    var log = SyntheticLog(SyntheticConfiguration(customers: 1, days: 1))
    return log.next()?.entityID ?? "ID"
  }
}

/// Produces synthetic events on a thread of its own.
private final class Feeder: @unchecked Sendable {
  private let kafka: KafkaConfiguration
  private let rate: Double
  private let limit: Int?
  private let stopped: StopFlag
  private let read: () -> UInt64
  private let underwayMax: UInt64
  private let lock = NSLock()
  private var sentCount: UInt64 = 0
  private var failed: (any Error)?

  init(
    kafka: KafkaConfiguration, rate: Double, limit: Int?, stopped: StopFlag, read: @escaping () -> UInt64,
    underwayMax: UInt64
  ) {
    self.kafka = kafka
    self.rate = rate
    self.limit = limit
    self.stopped = stopped
    self.read = read
    self.underwayMax = underwayMax
  }

  /// Records produced so far.
  var sent: UInt64 { lock.withLock { sentCount } }
  /// What went wrong, if anything.
  var failure: (any Error)? { lock.withLock { failed } }

  func feed(_ log: SyntheticLog, _ encoder: SyntheticEncoder) {
    var log = log
    feed(encoder) { log.next() }
  }

  func feedLive(after log: SyntheticLog, _ encoder: SyntheticEncoder) {
    var people = SyntheticLive(after: log, liveNumber: Int64(Date().timeIntervalSince1970 * 1000))
    let clock = SystemClock()
    feed(encoder) { people.next(at: clock.wallMicros()) }
  }

  private func feed(_ start: SyntheticEncoder, _ next: () -> SyntheticEvent?) {
    var encoder = start
    do {
      let sender = try SyntheticSender(kafka, topic: "events")
      defer { sender.close() }
      var pace = Pace(eventsPerSecond: rate)
      var events = 0
      while !stopped.isSet, events < limit ?? Int.max, let event = next() {
        pace.wait { sender.poll(milliseconds: $0) }
        try encoder.encode(event) { record in
          try sender.send(record)
          lock.withLock { sentCount += 1 }
        }
        events += 1
        if events & 0xff == 0 { holdBack(sender) }
      }
      try sender.flush()
    } catch {
      lock.withLock { failed = error }
    }
  }

  /// Waits while the scorer is too far behind.
  private func holdBack(_ sender: SyntheticSender) {
    while !stopped.isSet && sent > read() + underwayMax { sender.poll(milliseconds: 10) }
  }
}
