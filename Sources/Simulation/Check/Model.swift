import Dataflow
import Events
import Features

/// What must come of a log: one event after the other, with nothing of the worker's.
struct Model {
  /// What the topic must say of each record.
  private(set) var outcomes: [LogPlace: Outcome] = [:]
  /// What the table must hold: what erasures have left.
  private(set) var rows: [LogPlace: Outcome] = [:]
  /// Stored states by partition and entity id.
  private(set) var states: [[[UInt8]: [UInt8]]] = []
  /// The promotion in force behind the last record, by partition.
  private(set) var inForce: [ModelSetInForce] = []
  /// Records read, events scored, duplicates, erasures, promotions, by partition.
  private(set) var counts: [[UInt64]] = []
  private(set) var deadLettered: [[UInt64]] = []
  private var scorer = SumScorer(0)
  private var entities: [LogPlace: [[UInt8]]] = [:]
  /// Rows that may be missing: erasures are left out that a table may have done before the log lost them.
  private(set) var perhapsErased: Set<LogPlace> = []

  /// What comes of a log without what is left out of its partitions.
  init(_ log: InputLog, _ leftOut: [LeftOutRanges], _ pipeline: SimulatedPipeline) {
    let decoder = EventReader(KeyHomes(.murmur2, partitionCount: Int32(log.partitions.count)))
    let events = EventBatch(symbols: pipeline.program.symbols)
    let batch = ScoredBatch(context: pipeline.context, events: events, capacityRows: 1)
    let scratch = FeatureScratch(pipeline.program)
    for (partition, records) in log.partitions.enumerated() {
      var living: [[UInt8]: EntityState] = [:]
      counts.append([0, 0, 0, 0, 0])
      inForce.append(ModelSetInForce(number: 0, hash: pipeline.modelSet))
      deadLettered.append([UInt64](repeating: 0, count: DeadLetterReason.count))
      for record in records {
        let place = LogPlace(partition: Int32(partition), offset: record.offset)
        events.removeAll()
        batch.removeAll()
        guard record.unreadable == nil else { continue }
        // It counts also where it is left out.
        if let promotion = EventReader.promotion(of: record), promotion.number > inForce[partition].number {
          inForce[partition] = ModelSetInForce(number: promotion.number, hash: promotion.set.hex)
        }
        scorer = SumScorer(ofHash: inForce[partition].hash)
        let raw = RawRecord(
          partition: Int32(partition), offset: record.offset, ingestTimeMs: record.timestampMs,
          key: record.key, value: record.value, contentType: .unspecified)
        guard !leftOut[partition].contains(record.offset) else {
          if decoder.decode(raw, into: events) == nil, events.events[0].kind == .erasure {
            spare(events.withBytes(of: events.events[0].entityID) { Array($0) })
          }
          continue
        }
        counts[partition][0] += 1
        if let reason = decoder.decode(raw, into: events) {
          refuse(place, Array(record.key), reason)
          continue
        }
        let event = events.events[0]
        guard event.kind != .promotion else {
          counts[partition][4] += 1
          continue
        }
        let id = events.withBytes(of: event.entityID) { Array($0) }
        guard pipeline.program.keepsState else {
          scoreAlone(event, id, place, batch, pipeline, scratch)
          continue
        }
        let state = living[id] ?? EntityState(pipeline.program)
        state.partition = Int32(partition)
        living[id] = state
        switch pipeline.program.process(event, in: events, to: state) {
        case .duplicate: counts[partition][2] += 1
        case .unknownEntity: refuse(place, id, .unknownEntity)
        case .erased:
          counts[partition][3] += 1
          living[id] = nil
          forget(id)
        case .applied:
          counts[partition][1] += 1
          let outcome = score(event, state, batch, pipeline, scratch)
          outcomes[place] = outcome
          rows[place] = outcome
          entities[place] = [id]
        }
      }
      states.append(
        living.compactMapValues { state in
          guard state.events > 0 else { return nil }
          var writer = WireWriter()
          state.encode(into: &writer)
          return writer.bytes
        })
    }
  }

  /// Where no state is kept: a profile is a row, and nothing else can be.
  private mutating func scoreAlone(
    _ event: Event, _ id: [UInt8], _ place: LogPlace, _ batch: ScoredBatch, _ pipeline: SimulatedPipeline,
    _ scratch: FeatureScratch
  ) {
    switch event.kind {
    case .tick, .promotion: refuse(place, id, .unknownEntity)
    case .engagement, .profileChange: refuse(place, id, .unknownKind)
    case .erasure:
      counts[Int(place.partition)][3] += 1
      forget(id)
    case .profileSnapshot:
      counts[Int(place.partition)][1] += 1
      pipeline.program.read(event, in: batch.events, into: batch.features.appendRow(), scratch: scratch)
      let outcome = outcome(batch, asOf: event.time)
      outcomes[place] = outcome
      rows[place] = outcome
      entities[place] = [id]
    }
  }

  private func score(
    _ event: Event, _ state: EntityState, _ batch: ScoredBatch, _ pipeline: SimulatedPipeline,
    _ scratch: FeatureScratch
  ) -> Outcome {
    pipeline.program.read(state, asOf: state.watermark, into: batch.features.appendRow(), scratch: scratch)
    return outcome(batch, asOf: state.watermark)
  }

  private func outcome(_ batch: ScoredBatch, asOf: EventTime) -> Outcome {
    batch.use(modelVersions: scorer.modelVersions)
    try? scorer.score(batch.features, into: batch.outputs)
    LargeTrigger().decide(
      batch.outputs, carried: batch.carried, thresholds: scorer.thresholds, into: &batch.decisions)
    batch.rows.append(ScoredRow(event: 0, record: 0, asOf: asOf, toTopic: true, toTable: true))
    return Outcome(batch, row: 0)
  }

  private mutating func refuse(_ place: LogPlace, _ entity: [UInt8], _ reason: DeadLetterReason) {
    deadLettered[Int(place.partition)][reason.index] += 1
    outcomes[place] = .letter(reason)
    rows[place] = .letter(reason)
    entities[place] = [entity]
  }

  private mutating func spare(_ entity: [UInt8]) {
    for (place, ids) in entities where ids.contains(entity) { perhapsErased.insert(place) }
  }

  /// Rows and letters of an erased entity go.
  private mutating func forget(_ entity: [UInt8]) {
    for (place, ids) in entities where ids.contains(entity) {
      rows[place] = nil
      entities[place] = nil
    }
  }
}
