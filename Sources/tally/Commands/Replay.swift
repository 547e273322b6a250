import Operations
import ArgumentParser
import Configuration
import Dataflow
import FeatureStore
import Features
import Foundation
import Ingest
import Metrics
import Monitor
import Pipeline
import Registry
import Scorer

/// Where a replay keeps its states.
enum ReplayStore: String, CaseIterable, ExpressibleByArgument {
  case redis
  case memory
}

/// `tally replay`: the pipeline over history, into a store generation and tables of its own.
struct Replay: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Scores history once more, into states and tables of its own.",
    discussion: """
      The same loop, features and models as tally run, over the topic as it stands now or over files of events; its scores
      equal the live ones byte for byte. Nothing of the live pipeline is touched: a run has a name, and under it a store
      generation and tables of its own (PostgreSQL: the schema replay_NAME; SQLite: the file …-replay-NAME.db beside the
      configured one). It ends at the end that it saw at its start. Interrupted or killed, the same name goes on where it
      stood.

      A pipeline that keeps no state (state: none) needs no Redis: the run keeps where it stands in a file, which lies beside its SQLite
      file (…-replay-NAME.db.checkpoint), else in the folder of the setting checkpoints (tally-replay-NAME.checkpoint).

      Files have one JSON event a line (or KEY, tab, JSON), plain or packed by gzip or zstd; several are one log in the
      order given.

      Examples:
        tally replay --run january
        tally replay --run recent --from 0:120000,1:118500
        tally replay events-2026-01.jsonl.zst events-2026-02.jsonl.zst --run backfill
        tally replay events.jsonl.gz --latest 2026-02-01T00:00:00Z --store memory --sqlite out.db
        tally replay --run january --discard
      """)

  @Argument(help: "Files of events, in this order; none: the topic.", completion: .file()) var files:
    [String] = []
  @OptionGroup var connection: ConnectionOptions
  @Option(name: .customLong("run"), help: "Name of the run; by default the time. An old name goes on.")
  var runName: String?
  @Option(help: "First offset: OFFSET for all partitions, or PARTITION:OFFSET,… (default: the log's first).")
  var from: String?
  @Option(help: "End, not read itself: OFFSET or PARTITION:OFFSET,… (default: the log's end now).")
  var until: String?
  @OptionGroup var threads: WorkersOption
  @Option(
    help:
      "Where states are kept: redis, or memory (needs no Redis; cannot be resumed). Of a pipeline without states: redis is its file."
  )
  var store = ReplayStore.redis
  @Option(help: "Also write the scores to this topic; not the live one.") var toTopic: String?
  @Flag(help: "Score everything with the models that are there now, whatever promotions the log has.")
  var oneModelSet = false
  @OptionGroup var compacted: CompactedOption
  @OptionGroup var bound: LatestOption
  @Flag(help: "Remove the run's states and tables instead.") var discard = false

  func validate() throws {
    if discard && runName == nil { throw ValidationError("--discard needs --run NAME") }
    if !files.isEmpty && until != nil { throw ValidationError("--until goes with the topic only") }
    try bound.check(readsFiles: !files.isEmpty)
  }

  func run() throws {
    try reporting {
      let live = try bound.applied(
        to: connection.settings(threads.given), readsFiles: !files.isEmpty && !discard)
      let pipeline = try LoadedPipeline(file: live.pipeline)
      let replay = try ReplayRun(name: runName ?? ReplayRun.defaultName())
      var own = replay.settings(from: live)
      if discard {
        try replay.discard(Deployment(own, pipeline), hasStore: store == .redis)
        return say("replay: run \(replay.name) is gone")
      }
      if let toTopic {
        guard ![live.topic, live.scoresTopic, live.deadLettersTopic].contains(toTopic) else {
          throw Failure(
            "--to-topic \(toTopic): that is a topic of the live pipeline; name another", reason: .usage)
        }
        own.scoresTopic = toTopic
      }
      if files.isEmpty { try TopicCheck(live, pipeline, compacted).enforce() }
      own.workers = files.isEmpty ? live.workers : 1
      own.worker.startAt = .earliest
      let log = try ReplayLog(Deployment(own, pipeline), files: files, from: from, until: until)
      own.workers = min(own.workers, log.partitions)
      try work(replay, own, pipeline, log)
    }
  }

  private func work(
    _ replay: ReplayRun, _ own: Settings, _ pipeline: LoadedPipeline, _ log: ReplayLog
  ) throws {
    let memory = MemoryStateStorage()
    let checkpoint = try store == .redis ? self.checkpoint(own, pipeline) : nil
    let makeStore: () throws -> any StateStore = {
      if store == .memory { return MemoryStateStore(memory, partitionCount: Int32(log.partitions)) }
      if let checkpoint { return CheckpointStore(checkpoint) }
      let redis = try own.makeStore(pipeline, partitionCount: Int32(log.partitions))
      try redis.connect()
      return redis
    }
    let done = try progress(makeStore, log, own, pipeline, replay)
    let sqlite = try own.openSQLite()
    let models = try PipelineModels(
      own, pipeline, oneModelSet ? .oneSet : .bounded(isTopic: files.isEmpty))
    let plan = WorkerPlan(
      source: { try log.source(worker: $0, of: own.workers) }, homes: log.homes, store: makeStore,
      scorer: { ForestScorer(models.first) }, modelSet: models.first.modelSet.hashHex, models: models.sets,
      table: { try own.makeTable($0, sqlite: sqlite) },
      topic: {
        own.scoresTopic.isEmpty
          ? nil : try own.makeTopicSink($0, partitions: Int32(log.partitions), worker: $1)
      })
    note(
      "replay \(replay.name) of \(log.name), \(max(0, log.total - done)) records to score"
        + (checkpoint.map { ", checkpoint \($0.path)" }
          ?? (store == .redis ? ", states in generation \(own.generation)" : ", states in memory")))
    let start = Date()
    let run = try PipelineRun(own, pipeline, plan)
    guard try BoundedRun(run, what: "replay", total: log.total - done).watch() else {
      complain(
        store == .redis
          ? "tally: stopped; go on with --run \(replay.name)"
          : "tally: stopped; states in memory are gone: begin again with another name, or after --discard")
      throw ExitCode(130)
    }
    let summary = FinalSummary(
      title: "replay \(replay.name)", metrics: run.metrics.snapshot(),
      elapsedSeconds: Date().timeIntervalSince(start))
    say(summary.identity)
    say("rows: " + ReplayRun.place(of: own))
  }

  /// The file of a run that keeps no state, now this process' alone; nil: it has states.
  private func checkpoint(_ own: Settings, _ pipeline: LoadedPipeline) throws -> CheckpointFile? {
    guard !pipeline.program.keepsState, let path = own.checkpoint else { return nil }
    let file = CheckpointFile(path)
    try file.lockForWriting()
    return file
  }

  /// Records that an earlier start of the run has done. Throws when the run cannot go on.
  private func progress(
    _ makeStore: () throws -> any StateStore, _ log: ReplayLog, _ own: Settings, _ pipeline: LoadedPipeline,
    _ replay: ReplayRun
  ) throws -> Int64 {
    let store = try makeStore()
    defer { store.close() }
    let numbers = (0..<Int32(log.partitions)).map { $0 }
    var done: Int64 = 0
    let records = try store.records(numbers)
    for (partition, bytes) in zip(numbers, records) {
      guard let record = try bytes.map({ try PartitionRecord.read($0, partition: partition) }) else {
        continue
      }
      let bounds = log.bounds[Int(partition)]
      guard from == nil || record.firstOffset == bounds.low else {
        throw Failure(
          "run \(replay.name) began partition \(partition) at offset \(record.firstOffset): leave --from out to go on, or "
            + "give another --run", reason: .usage)
      }
      done += max(0, record.nextOffset - bounds.low)
    }
    let hasCheckpoint = !pipeline.program.keepsState && self.store != .memory
    // Rows without what tells how they came about: a run from the beginning would leave them as they are, whatever has changed.
    let isWithoutRecords = self.store == .memory || (hasCheckpoint && records.allSatisfy { $0 == nil })
    let table = isWithoutRecords ? try own.tablePositions(pipeline, numbers) : []
    guard table.allSatisfy({ $0 == nil }) else {
      throw Failure(
        "run \(replay.name) has rows already, "
          + (hasCheckpoint ? "and its checkpoint is gone" : "and states in memory begin anew")
          + ": give another --run, or remove it with --run \(replay.name) --discard", reason: .usage)
    }
    return done
  }
}
