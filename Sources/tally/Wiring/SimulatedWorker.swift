import Dataflow
import Events
import FeatureStore
import Features
@_spi(Simulation) import Pipeline
import Simulation

extension WorkerWiring {
  /// The worker that `tally run` runs, among simulated neighbours.
  static let pipeline = WorkerWiring(
    worker: { life, pipeline, neighbours in
      let stop = StopSignal()
      let worker = Worker(
        identity: PipelineIdentity(
          name: pipeline.context.pipeline, generation: pipeline.generation,
          stateHash: pipeline.program.stateHash.hex, modelSet: pipeline.modelSet),
        program: pipeline.program, context: pipeline.context, ports: WorkerPorts(neighbours),
        cache: StateCache(program: pipeline.program, entriesMax: life.cacheEntries, bytesMax: 1 << 20),
        configuration: WorkerConfiguration(life), stop: stop)
      return SimulatedWorker(run: { try worker.run() }, stop: { stop.stop() })
    },
    standing: { bytes in PartitionRecord.decode(bytes).map { SimulatedStanding($0.record) } },
    succession: { bytes, earlier, generation, until in
      guard var ended = PartitionRecord.decode(bytes)?.record,
        var begun = PartitionRecord.decode(earlier)?.record
      else { return nil }
      ended.successor = generation
      begun.generation = generation
      begun.guarantee = ended.guarantee
      if begun.nextOffset < until { begun.rebuildingUntil = until }
      return (ended.encoded, begun.encoded)
    },
    skip: { simulated, order in
      guard let record = PartitionRecord.decode(simulated.record)?.record else { return nil }
      let facts = PartitionFacts(
        partition: simulated.partition, record: record, committed: simulated.committed,
        table: simulated.table, tableLeftOut: simulated.tableLeftOut, bounds: simulated.bounds,
        log: LogIdentity(clusterID: record.clusterID, partitionCount: simulated.partitionCount))
      return (try? TakeoverRules.skip(order, facts))?.encoded
    })
}

extension WorkerPorts {
  fileprivate init(_ neighbours: SimulatedNeighbours) {
    self.init(
      source: neighbours.source, decoder: neighbours.decoder, store: neighbours.store,
      scorer: neighbours.scorer, decider: neighbours.decider, topic: neighbours.topic,
      table: neighbours.table,
      clock: neighbours.clock, recorder: neighbours.recorder)
  }
}

extension WorkerConfiguration {
  /// Pauses between tries are short, so that more happens within a run.
  fileprivate init(_ life: LifePlan) {
    self.init()
    guarantee = life.guarantee == .exactlyOnce ? .exactlyOnce : .effectivelyOnce
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
    bug = life.bug.flatMap { WorkerBug(rawValue: $0.rawValue) }
  }
}

extension SimulatedStanding {
  fileprivate init(_ record: PartitionRecord) {
    let counters = record.counters
    self.init(
      nextOffset: record.nextOffset, firstOffset: record.firstOffset, successor: record.successor,
      isWhole: !record.isClearing && record.nextOffset >= record.rebuildingUntil,
      isExactlyOnce: record.guarantee == .exactlyOnce,
      counts: [counters.read, counters.scored, counters.duplicate, counters.erased],
      deadLettered: counters.deadLettered, leftOut: record.leftOut)
  }
}
