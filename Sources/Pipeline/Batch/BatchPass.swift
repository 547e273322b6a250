import Dataflow
import Events
import Features

/// Takes the records of a batch to events, states and rows: decodes them, finds their states, applies, reads and scores.
///
/// In slices, when the states of a batch's entities do not fit into the cache together. What it makes lies in `batch` and in each
/// partition's `BatchShare`; nothing is delivered or written here. One thread.
final class BatchPass {
  let context: WorkerContext
  let assignment: Assignment
  let batch: ScoredBatch
  let pass: EventPass
  /// nil: the pipeline keeps no state.
  let states: BatchStates?
  let judgement: Judgement

  /// Places of the partitions that the slice has records of.
  private(set) var touched: [Int] = []
  /// What became of each record of the slice.
  var verdicts: [Verdict] = []
  var totals = BatchTotals()
  /// Of the slice's refused records: what the decoder says more.
  var refused: [Int32: (entityID: [UInt8], detail: String)] = [:]
  /// Records of the batch that wait for the next slice.
  var rest: [RawRecord] = []
  /// Places of the partitions whose records wait for the next slice from here on.
  var waiting: [Int] = []
  /// The set of models that scores the slice; nil: it has no record yet.
  var modelSet: String?

  /// `cache` nil: the pipeline keeps no state.
  init(context: WorkerContext, pass: EventPass, cache: StateCache?) {
    self.context = context
    assignment = context.assignment
    batch = context.batch
    self.pass = pass
    states = cache.map { BatchStates($0, context: context) }
    judgement = Judgement(
      columns: batch.features.columns, results: pass.program.results, scorer: context.ports.scorer,
      decider: context.ports.decider)
  }

  private var ports: WorkerPorts { context.ports }

  /// Forgets all states; the partitions are given up or taken over again.
  func forgetStates() { states?.forget() }

  /// Takes the next slice to rows and letters: all of it is scored by one set of models. Returns whether there is anything to deliver and to write.
  ///
  /// Throws `Abandoned` when it is given up, `Superseded` when the store has moved on without us.
  func takeSlice() throws -> Bool {
    begin()
    guard try findStates() > 0 else { return false }
    var mark = ports.clock.monotonicNanos()
    applyAll()
    closeRecords()
    mark = told(.features, since: mark)
    if !batch.rows.isEmpty {
      totals.withoutModel = try judgement.judge(
        batch.features, carried: batch.carried, into: batch.outputs, &batch.decisions)
    }
    batch.scoredAtMicros = ports.clock.wallMicros()
    _ = told(.score, since: mark)
    return true
  }

  /// Makes what was held back the batch. Returns whether there is anything.
  func takeRest() -> Bool {
    guard !rest.isEmpty else { return false }
    batch.records.records.removeAll(keepingCapacity: true)
    swap(&batch.records.records, &rest)
    return true
  }

  /// Records a stage's time for all events of the slice; returns the time now.
  func told(_ stage: Stage, since mark: UInt64) -> UInt64 {
    let now = ports.clock.monotonicNanos()
    ports.recorder.record(stage, nanos: now &- mark, events: totals.read)
    return now
  }

  /// The slice is durable.
  func finish() {
    for place in touched { assignment.owned[place].share.lastRecord = nil }
    forgetModels()
  }

  private func begin() {
    for place in touched where place < assignment.owned.count {
      assignment.owned[place].share.lastRecord = nil
    }
    batch.removeAll()
    pass.removeAll()
    verdicts.removeAll(keepingCapacity: true)
    rest.removeAll(keepingCapacity: true)
    modelSet = nil
    waiting.removeAll(keepingCapacity: true)
    touched.removeAll(keepingCapacity: true)
    refused.removeAll(keepingCapacity: true)
    totals.removeAll()
    states?.begin()
  }

  /// Notes in the touched partitions' next records what was read last.
  private func closeRecords() {
    for place in touched {
      guard let position = assignment.owned[place].share.lastRecord else {
        preconditionFailure("the slice has no record of this partition")
      }
      let last = batch.records[position]
      assignment.owned[place].share.next.passed(last, crc: CRC32C.of(key: last.key, value: last.value))
      if context.offsets != nil { assignment.owned[place].share.next.fitBesideOffset() }
    }
  }

  /// Decodes records and finds their states, some at a time, until all are there or the cache is full of their states; what is left
  /// then is held back for the next slice. Returns how many are ours and new.
  private func findStates() throws -> Int {
    let clock = ports.clock
    var nanos: (decode: UInt64, fetch: UInt64) = (0, 0)
    var end = 0
    while end < batch.records.records.count && !(end > 0 && states?.cache.isFilledByBatch ?? false) {
      let first = end
      end = min(batch.records.records.count, first + (states?.stepMax() ?? batch.records.records.count))
      let begun = clock.monotonicNanos()
      try decode(first..<end)
      let decoded = clock.monotonicNanos()
      if totals.read > 0 { try states?.fetch(first..<end, &verdicts, touched: touched) }
      nanos.decode += decoded &- begun
      nanos.fetch += clock.monotonicNanos() &- decoded
    }
    if end < batch.records.records.count {
      rest.append(contentsOf: batch.records.records[end...])
      batch.records.records.removeSubrange(end...)
    }
    guard totals.read > 0 else { return 0 }
    ports.recorder.record(.decode, nanos: nanos.decode, events: totals.read)
    ports.recorder.record(.fetch, nanos: nanos.fetch, events: totals.read)
    return totals.read
  }

  // MARK: Decoding

  /// Decodes those of the records that are ours and new.
  private func decode(_ range: Range<Int>) throws {
    for index in range {
      let record = batch.records.records[index]
      guard let place = try place(of: record) else {
        verdicts.append(.passedOver)
        continue
      }
      guard let decoded = try decode(record, place, Int32(index)) else {
        rest.append(record)
        verdicts.append(.passedOver)
        continue
      }
      totals.read += 1
      if assignment.owned[place].isAgain(record) { totals.rebuilt += 1 }
      switch decoded {
      case .promotion(let promotion):
        take(promotion, place: place)
        verdicts.append(.promoted)
      case .event(let event): verdicts.append(.event(event, slot: StateCache.none))
      case .refused(let reason):
        // Another entity id than the key may be named.
        let refusal = pass.refusal
        if !refusal.entityID.isEmpty || !refusal.detail.isEmpty { refused[Int32(index)] = refusal }
        verdicts.append(.refused(reason))
      }
    }
  }

  /// Decodes a record and notes that the slice has it; nil: it waits for the next slice.
  private func decode(_ record: RawRecord, _ place: Int, _ index: Int32) throws -> EventPass.Decoded? {
    guard waiting.isEmpty || !waiting.contains(place) else { return nil }
    // Most records lie behind another one of their partition, and nothing has changed since.
    let isBehind =
      assignment.owned[place].share.lastRecord != nil && assignment.owned[place].record.leftOut.ranges.isEmpty
    let found = isBehind ? nil : try modelsOfSlice(for: record, place: place)
    guard isBehind || found != nil else {
      waiting.append(place)
      return nil
    }
    let decoded = pass.decode(record)
    if case .promotion(let promotion) = decoded,
      try !isLoaded(promotion, beside: found ?? assignment.owned[place].share.next.inForce)
    {
      waiting.append(place)
      return nil
    }
    if assignment.owned[place].share.lastRecord == nil {
      touched.append(place)
      assignment.owned[place].share.next = assignment.owned[place].record
      assignment.owned[place].share.dirty.removeAll(keepingCapacity: true)
    }
    if let found { assignment.owned[place].share.next.inForce = found }
    assignment.owned[place].share.lastRecord = index
    return decoded
  }

  /// Place of a record's partition in the assignment; nil: not ours, or below W. Compares the record before W with the fingerprint.
  private func place(of record: RawRecord) throws -> Int? {
    guard let place = assignment.place(of: record.partition) else { return nil }
    if assignment.owned[place].mustVerify {
      assignment.owned[place].mustVerify = false
      try verify(record, assignment.owned[place].record)
    }
    if !assignment.owned[place].record.leftOut.ranges.isEmpty,
      assignment.owned[place].record.leftOut.contains(record.offset)
    {
      return nil
    }
    let isNew = record.offset >= assignment.owned[place].record.nextOffset
    return isNew || context.configuration.has(.readsBeforeW) ? place : nil
  }

  /// Throws when a record is the one before W, and not the one that was scored.
  private func verify(_ record: RawRecord, _ last: PartitionRecord) throws {
    guard record.offset == last.nextOffset - 1 else { return }
    let crc = CRC32C.of(key: record.key, value: record.value)
    // Earlier versions took a timestamp that no event time can reach for none.
    let isOld = last.lastTimestampMs < 0 && record.ingestTimeMs >= EventTimeBounds.end / 1000
    guard (record.ingestTimeMs == last.lastTimestampMs || isOld) && crc == last.lastCRC else {
      throw PortError(
        .refused,
        "partition \(record.partition): the record at offset \(record.offset) is not the one that was scored: "
          + "the topic was recreated; use another generation, group and table", reason: .topicRecreated)
    }
  }
}

/// What became of a record.
enum Verdict: Equatable {
  /// Read before, left out, of another partition, or waiting for the next slice: not ours to count.
  case passedOver
  /// A promotion of models.
  case promoted
  /// A dead letter.
  case refused(DeadLetterReason)
  /// An event, at its position among the decoded ones, with the slot of its entity's state, if any is kept.
  case event(Int32, slot: Int32)
}

/// Counts of one slice.
struct BatchTotals {
  var read = 0
  /// Those of them of which all was delivered before: they count nowhere else.
  var rebuilt = 0
  var scored = 0
  var duplicate = 0
  var erased = 0
  var promoted = 0
  /// Events at which rare words of a state were folded into `other`.
  var folded = 0
  /// Scored events whose rows no model has scored.
  var withoutModel = 0
  var deadLettered = [Int](repeating: 0, count: DeadLetterReason.count)

  mutating func removeAll() {
    read = 0
    rebuilt = 0
    scored = 0
    duplicate = 0
    erased = 0
    promoted = 0
    folded = 0
    withoutModel = 0
    for index in deadLettered.indices { deadLettered[index] = 0 }
  }
}

extension PartitionRecord {
  /// Notes the last record that was read: W, and the fingerprint by which a log that was recreated is known.
  fileprivate mutating func passed(_ record: RawRecord, crc: UInt32) {
    nextOffset = record.offset + 1
    lastTimestampMs = record.ingestTimeMs
    lastCRC = crc
    lastOffsetPlusOne = record.offset + 1
    if nextOffset >= rebuildingUntil { rebuildingUntil = 0 }
  }
}
