import ArgumentParser
import Dataflow
import FeatureStore
import Foundation
import Ingest
import Metrics
import Pipeline
import Registry
import Scorer

/// `tally rebuild`: states made anew from the log.
struct Rebuild: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes the store's states anew from the log: all of them, or one person's.",
    discussion: """
      For states that are lost, rolled back or of another definition. Reads the log from where the states began up to the
      events that were scored, applies them without scoring anything, and leaves every partition where tally run goes on:
      no score is given twice and none is left out. Stop tally run first; one that runs meanwhile takes the work over.
      Interrupted, it goes on where it stood when it is started again.

      --entity makes one person's state anew, also while tally run works: for a state that cannot be read (dead letters
      with the reason corrupt-state name its key).

      Examples:
        tally rebuild --config tally.yaml
        tally rebuild --workers 2
        tally rebuild --entity alice
      """)

  @OptionGroup var connection: ConnectionOptions
  @Option(help: "Only this person's state.") var entity: String?
  @Option(help: "Threads; each reads some of the partitions.") var workers: Int?
  @Flag(help: "Accept states that know only what the log still has, when it no longer reaches back.")
  var acceptShorterLog = false
  @Flag(help: "Begin again instead of going on with an interrupted rebuild.") var restart = false

  func validate() throws {
    if let workers, !(1...256).contains(workers) { throw ValidationError("--workers takes 1 to 256") }
    if entity != nil && (restart || workers != nil) {
      throw ValidationError("--entity goes with neither --workers nor --restart")
    }
  }

  func run() throws {
    try reporting {
      var settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let partitions = try settings.partitionCount()
      let store = try settings.makeStore(pipeline, partitionCount: partitions)
      defer { store.close() }
      let positions = try PipelinePositions(settings, pipeline, store: store, partitions: partitions)
      if let entity {
        try EntityRebuild(
          id: entity, acceptShorterLog: acceptShorterLog, settings: settings, pipeline: pipeline,
          store: store
        ).run(positions)
        return
      }
      settings.workers = min(workers ?? settings.workers, Int(partitions))
      try rebuild(settings, pipeline, store, positions)
    }
  }

  private func rebuild(
    _ settings: Settings, _ pipeline: LoadedPipeline, _ store: any StateStore,
    _ positions: PipelinePositions
  ) throws {
    let models = try? pipeline.loadModels(settings.models)
    let modelSet = models?.modelSet.hashHex ?? positions.facts.compactMap(\.record).first?.modelSet ?? ""
    let identity = pipeline.identity(generation: settings.generation, modelSet: modelSet)
    let renewals = try positions.facts.map {
      try Delivery.renew($0, identity: identity, acceptShorterLog: acceptShorterLog, goesOn: !restart)
    }
    var part = LogPart(partitions: [])
    var total: Int64 = 0
    for (index, renewal) in renewals.enumerated() {
      guard let renewal else { continue }
      let partition = positions.facts[index].partition
      if let record = renewal.record { try begin(record, partition, positions.recordBytes[index], store) }
      part.partitions?.insert(partition)
      let facts = positions.facts[index]
      part.from[partition] = max(record(of: facts, renewal).firstOffset, facts.bounds.low)
      part.until[partition] = renewal.until
      total += renewal.until - renewal.from
    }
    guard total > 0 || part.partitions?.isEmpty == false else {
      say("rebuild: nothing was scored yet, so there are no states to make")
      return
    }
    try work(settings, pipeline, part, modelSet: modelSet, total: total)
  }

  private func record(of facts: PartitionFacts, _ renewal: Renewal) -> PartitionRecord {
    renewal.record ?? facts.record ?? PartitionRecord()
  }

  /// Puts the record of states that begin anew in the place of what is there.
  private func begin(
    _ record: PartitionRecord, _ partition: Int32, _ expected: [UInt8], _ store: any StateStore
  ) throws {
    var write = StateWrite()
    write.partition = partition
    write.expected = expected
    write.record = record.encoded
    guard try store.write(write) != .conflict else {
      throw Failure(
        "partition \(partition): somebody is writing states; stop tally run, then start this again")
    }
  }

  private func work(
    _ settings: Settings, _ pipeline: LoadedPipeline, _ part: LogPart, modelSet: String, total: Int64
  ) throws {
    let count = Int32(settings.workers)
    let partitions = try settings.partitionCount()
    let plan = WorkerPlan(
      source: { worker in
        var share = part
        share.partitions = part.partitions?.filter { $0 % count == Int32(worker) }
        return try TopicLogSource(settings.sourceConfiguration(group: "tally-rebuild"), share)
      },
      store: { try settings.makeStore(pipeline, partitionCount: partitions) },
      scorer: nil, modelSet: modelSet, table: { _ in nil }, topic: { _, _ in nil },
      guarantee: nil)
    let run = try PipelineRun(settings, pipeline, plan)
    let outcome = try BoundedRun(run, what: "rebuild", total: total).watch()
    guard outcome else {
      complain(
        "tally: stopped; tally rebuild goes on from here, and so does tally run --on-lost-state rebuild")
      throw ExitCode(130)
    }
    say("rebuild: done, \(run.metrics.read) records; tally run goes on from here")
  }
}
