import Dataflow
import Events
import Features
import Pipeline

/// The worker that `tally run` runs, among simulated neighbours.
struct SimulatedWorker {
  private let worker: Worker
  private let signal = StopSignal()

  /// A worker of a life of a process.
  init(_ life: LifePlan, _ pipeline: SimulatedPipeline, _ ports: SimulatedPorts) {
    worker = Worker(
      identity: PipelineIdentity(
        name: pipeline.context.pipeline, generation: pipeline.generation,
        stateHash: pipeline.program.stateHash.hex, modelSet: pipeline.modelSet),
      program: pipeline.program, context: pipeline.context, ports: WorkerPorts(ports),
      cache: ports.store.map { _ in
        StateCache(program: pipeline.program, entriesMax: life.cacheEntries, bytesMax: life.cacheBytes)
      },
      configuration: WorkerConfiguration(life), stop: signal)
  }

  /// Works until it is stopped; throws what the worker throws.
  func run() throws { try worker.run() }

  /// Asks it to stop.
  func stop() { signal.stop() }
}

extension WorkerPorts {
  fileprivate init(_ ports: SimulatedPorts) {
    self.init(
      source: ports.source, decoder: ports.decoder, store: ports.store, scorer: ports.scorer,
      decider: ports.decider, topic: ports.topic, table: ports.table, clock: ports.clock,
      recorder: ports.recorder, models: ports.models)
  }
}

extension WorkerConfiguration {
  /// Pauses between tries are short, so that more happens within a run.
  fileprivate init(_ life: LifePlan) {
    self.init()
    guarantee = life.guarantee
    batchRowsMax = life.rowsMax
    transactionRowsMax = life.rowsMax
    transactionIntervalMs = life.transactionIntervalMs
    pollTimeoutMs = life.pollTimeoutMs
    retryBackoffMinMs = 5
    retryBackoffMaxMs = 100
    commitIntervalMs = life.commitIntervalMs
    flushWaitMs = 10
    onLostState = life.startsLostStateAnew ? .rebuild : .refuse
    acceptedGaps = life.acceptedGaps
    #if PLANTED_BUGS
      bug = life.bug?.ofWorker
    #endif
  }
}

/// What an operator orders by `tally skip`.
enum SimulatedSkip {
  /// The partition's record with an order to leave a range out; nil: it is refused.
  static func record(
    _ record: PartitionRecord, leavingOut order: LeftOut, of partition: Int32, committed: CommittedOffset?,
    table: Int64?, tableLeftOut: LeftOutRanges, bounds: LogBounds,
    isRecordBesideOffset: Bool
  ) -> PartitionRecord? {
    let facts = PartitionFacts(
      partition: partition, record: record, committed: committed, table: table, tableLeftOut: tableLeftOut,
      bounds: bounds,
      log: LogIdentity(clusterID: record.clusterID, partitionCount: record.partitionCount),
      isRecordBesideOffset: isRecordBesideOffset)
    return try? TakeoverRules.skip(order, facts)
  }
}
