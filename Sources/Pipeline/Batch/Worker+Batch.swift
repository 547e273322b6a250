import Dataflow
import Events
import Features

extension Worker {
  /// Takes one batch from records to durable scores and states; in slices, when the states of its entities do not fit into the
  /// cache together.
  ///
  /// Throws `Abandoned` when it is given up, `Superseded` when a store has moved on without us; in both cases the cached states
  /// must be dropped, because they may already hold this batch.
  func process() throws {
    polledAtMicros = ports.clock.wallMicros()
    repeat { try processSlice() } while takeRest()
  }

  private func processSlice() throws {
    let clock = ports.clock
    begin()
    guard try takeSlice() > 0 else { return }
    var mark = clock.monotonicNanos()
    applyAll()
    mark = stage(.features, since: mark)
    if !batch.rows.isEmpty {
      try ports.scorer.score(batch.features, into: batch.outputs)
      ports.decider.decide(batch.outputs, into: &batch.decisions)
    }
    batch.scoredAtMicros = clock.wallMicros()
    mark = stage(.score, since: mark)
    if configuration.has(.stateBeforeSinks) { try writeStates() }
    try deliver()
    mark = stage(.sink, since: mark)
    if !configuration.has(.stateBeforeSinks) { try writeStates() }
    _ = stage(.state, since: mark)
    finish()
  }

  private func begin() {
    for place in touched where place < owned.count { owned[place].lastRecord = -1 }
    batch.removeAll()
    events.removeAll()
    verdicts.removeAll(keepingCapacity: true)
    rest.removeAll(keepingCapacity: true)
    checked = 0
    touched.removeAll(keepingCapacity: true)
    refused.removeAll(keepingCapacity: true)
    totals.removeAll()
    for slot in corruptSlots { cache.remove(slot) }
    corruptSlots.removeAll(keepingCapacity: true)
    cache.unpinAll()
    batchNumber += 1
  }

  /// Records a stage's time for all events of the batch; returns the time now.
  private func stage(_ stage: Stage, since mark: UInt64) -> UInt64 {
    let now = ports.clock.monotonicNanos()
    ports.recorder.record(stage, nanos: now &- mark, events: totals.read)
    return now
  }

  /// Decodes records and finds their states, some at a time, until all are there or the cache is full of their states; what is left
  /// then is held back for the next slice. Returns how many are ours and new.
  private func takeSlice() throws -> Int {
    let clock = ports.clock
    var nanos: (decode: UInt64, fetch: UInt64) = (0, 0)
    var end = 0
    while end < batch.records.records.count && !(end > 0 && cache.isFilledByBatch) {
      let first = end
      end = min(batch.records.records.count, first + stepMax())
      let begun = clock.monotonicNanos()
      try decode(first..<end)
      let decoded = clock.monotonicNanos()
      if totals.read > 0 { try fetchStates(first..<end) }
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

  /// Records whose states are fetched together: as many as the memory left can hold, by the size of those that came last. Few at
  /// first, since nothing is known then.
  private func stepMax() -> Int {
    let room = cache.capacity(ofBytes: fetchedBytes)
    return max(Self.stepLeast, min(room, Self.stepMost, fetchedBytes == 0 ? Self.stepFirst : Self.stepMost))
  }

  private static let stepLeast = 16
  private static let stepFirst = 64
  /// States that may turn out to be large all at once.
  private static let stepMost = 1024

  /// Makes what was held back the batch. Returns whether there is anything.
  private func takeRest() -> Bool {
    guard !rest.isEmpty else { return false }
    batch.records.records.removeAll(keepingCapacity: true)
    swap(&batch.records.records, &rest)
    return true
  }

  /// Decodes those of the records that are ours and new.
  private func decode(_ range: Range<Int>) throws {
    for index in range {
      let record = batch.records.records[index]
      guard let place = try place(of: record) else {
        verdicts.append(Verdict(event: -1, slot: -1, reason: nil, isPassedOver: true))
        continue
      }
      if owned[place].lastRecord < 0 {
        touched.append(place)
        owned[place].next = owned[place].record
        owned[place].dirty.removeAll(keepingCapacity: true)
      }
      owned[place].lastRecord = Int32(index)
      totals.read += 1
      if isAgain(record, place: place) { totals.rebuilt += 1 }
      let reason = ports.decoder.decode(record, into: events)
      if reason != nil { noteRefused(Int32(index)) }
      let event = reason == nil ? Int32(events.events.count - 1) : -1
      verdicts.append(Verdict(event: event, slot: -1, reason: reason, isPassedOver: false))
    }
  }

  /// Keeps what the decoder says of a refused record: the entity id that it names, since the key may be another, and
  /// what is wrong with it.
  private func noteRefused(_ record: Int32) {
    let id = ports.decoder.refusedEntityID
    let detail = ports.decoder.refusedDetail
    if !id.isEmpty || !detail.isEmpty { refused.append((record, Array(id), detail)) }
  }

  /// Place of a record's partition among `owned`; nil: not ours, or below W. Compares the record before W with the fingerprint.
  private func place(of record: RawRecord) throws -> Int? {
    guard Int(record.partition) < places.count, places[Int(record.partition)] >= 0 else { return nil }
    let place = Int(places[Int(record.partition)])
    if owned[place].mustVerify {
      owned[place].mustVerify = false
      try verify(record, owned[place].record)
    }
    if !owned[place].record.leftOut.ranges.isEmpty, owned[place].record.leftOut.contains(record.offset) {
      return nil
    }
    return record.offset >= owned[place].record.nextOffset || configuration.has(.readsBeforeW) ? place : nil
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
          + "the topic was made anew; use another generation, group and table", reason: .topicRecreated)
    }
  }

  /// Finds the states of these records' events: in the cache, else in one round trip, which also shows that the partition
  /// records are still ours.
  private func fetchStates(_ range: Range<Int>) throws {
    requests.removeAll(keepingCapacity: true)
    requestSlots.removeAll(keepingCapacity: true)
    for index in range where verdicts[index].event >= 0 {
      let record = batch.records.records[index]
      var slot = cache.find(record.partition, record.key)
      if slot == StateCache.none {
        slot = cache.insert(record.partition, record.key)
        requests.append(EntityRequest(partition: record.partition, entityID: record.key))
        requestSlots.append(slot)
      }
      verdicts[index].slot = slot
    }
    let places = touched[checked...]
    guard !places.isEmpty || !requests.isEmpty else { return }
    let partitions = places.map { owned[$0].partition }
    let first = places.startIndex
    let fetched: Void? = try waiting {
      var matches = true
      try ports.store.fetch(
        partitions: partitions, entities: requests,
        record: { index, bytes in
          if !Self.equal(owned[places[first + index]].recordBytes, bytes) { matches = false }
        },
        state: { index, bytes in load(requestSlots[index], requests[index].partition, bytes) })
      if !matches { throw Superseded() }
    }
    if fetched == nil { throw Abandoned() }
    checked = touched.count
    noteSizes()
  }

  /// Measures the states that came, so that the next ones are as many as there is memory for.
  private func noteSizes() {
    guard !requestSlots.isEmpty else { return }
    let bytes = requestSlots.reduce(0) { $0 + cache.measure($1) }
    // Many small ones do not make the few large ones forgotten at once.
    fetchedBytes = max(bytes / requestSlots.count, fetchedBytes / 2)
    cache.makeSpace()
  }

  private func load(_ slot: Int32, _ partition: Int32, _ bytes: UnsafeRawBufferPointer?) {
    let state = cache.state(slot)
    state.removeAll()
    state.partition = partition
    guard let bytes else { return }
    if !state.decode(bytes) {
      state.removeAll()
      state.partition = Self.corruptPartition
    }
  }

  private static func equal(_ expected: [UInt8], _ found: UnsafeRawBufferPointer?) -> Bool {
    guard let found, found.count == expected.count else { return found == nil && expected.isEmpty }
    return expected.withUnsafeBytes { $0.elementsEqual(found) }
  }

  /// `EntityState.partition` of a state that cannot be read.
  static let corruptPartition: Int32 = -2

  /// Applies every event in the order of the log and reads its feature row.
  private func applyAll() {
    for index in verdicts.indices where !verdicts[index].isPassedOver {
      let record = batch.records.records[index]
      let place = Int(places[Int(record.partition)])
      if let reason = apply(index, record: record, place: place) {
        refuse(index, record: record, place: place, reason)
      }
      owned[place].next.counters.read += 1
    }
    noteCorruptStates()
  }

  /// Applies one event. Returns why it cannot be.
  private func apply(_ index: Int, record: RawRecord, place: Int) -> DeadLetterReason? {
    let verdict = verdicts[index]
    if let reason = verdict.reason { return reason }
    let state = cache.state(verdict.slot)
    let event = events.events[Int(verdict.event)]
    if event.kind == .erasure && state.partition == Self.corruptPartition {
      state.partition = record.partition
    }
    guard state.partition == record.partition else { return .corruptState }
    let counted = isAgain(record, place: place) ? 0 : 1
    switch program.process(event, in: events, to: state) {
    case .unknownEntity: return .unknownEntity
    case .duplicate:
      totals.duplicate += counted
      owned[place].next.counters.duplicate += 1
    case .erased:
      totals.erased += counted
      owned[place].next.counters.erased += 1
      markChanged(verdict.slot, record: Int32(index), place: place)
      erase(event, verdict, toTable: record.offset >= owned[place].tableFrom)
    case .applied:
      totals.scored += counted
      if state.hasFolded {
        totals.folded += 1
        state.hasFolded = false
      }
      owned[place].next.counters.scored += 1
      markChanged(verdict.slot, record: Int32(index), place: place)
      program.read(state, asOf: state.watermark, into: batch.features.appendRow(), scratch: scratch)
      batch.rows.append(
        ScoredRow(
          event: verdict.event, record: Int32(index), asOf: state.watermark,
          toTopic: record.offset >= owned[place].topicFrom, toTable: record.offset >= owned[place].tableFrom))
    }
    return nil
  }

  /// Whether all of a record was delivered before, and only a lost state wants it once more.
  func isAgain(_ record: RawRecord, place: Int) -> Bool { record.offset < owned[place].againUntil }

  private func refuse(_ index: Int, record: RawRecord, place: Int, _ reason: DeadLetterReason) {
    totals.deadLettered[reason.index] += isAgain(record, place: place) ? 0 : 1
    owned[place].next.counters.deadLettered[reason.index] += 1
    let event = verdicts[index].event
    let note = event < 0 ? refused.first { $0.record == Int32(index) } : nil
    let id =
      event >= 0
      ? events.withBytes(of: events.events[Int(event)].entityID) { Array($0) } : note?.id ?? []
    let told = note?.detail ?? ""
    let detail = told.isEmpty ? detail(of: reason, record) : told
    batch.deadLetters.append(
      DeadLetter(
        record: Int32(index), reason: reason, detail: detail, entityID: id,
        toTopic: record.offset >= owned[place].topicFrom,
        toTable: record.offset >= owned[place].tableFrom))
  }

  /// What of the batch lies before an erasure of its entity does not reach the table.
  private func erase(_ event: Event, _ verdict: Verdict, toTable: Bool) {
    batch.erasures.append(Erasure(event: verdict.event, toTable: toTable))
    for row in batch.rows.indices where verdicts[Int(batch.rows[row].record)].slot == verdict.slot {
      batch.rows[row].toTable = false
    }
    events.withBytes(of: event.entityID) { id in
      for letter in batch.deadLetters.indices {
        let key = batch.records.records[Int(batch.deadLetters[letter].record)].key
        if key.elementsEqual(id) || batch.deadLetters[letter].entityID.elementsEqual(id) {
          batch.deadLetters[letter].toTable = false
        }
      }
    }
  }

  /// States that cannot be read do not stay in the cache: an operator may mend them.
  private func noteCorruptStates() {
    for letter in batch.deadLetters where letter.reason == .corruptState {
      let slot = verdicts[Int(letter.record)].slot
      let partition = batch.records.records[Int(letter.record)].partition
      if cache.state(slot).partition != partition && !corruptSlots.contains(slot) {
        corruptSlots.append(slot)
      }
    }
  }

  /// Notes a state for writing, once a batch.
  private func markChanged(_ slot: Int32, record: Int32, place: Int) {
    while changedIn.count <= Int(slot) { changedIn.append(0) }
    guard changedIn[Int(slot)] != batchNumber else { return }
    changedIn[Int(slot)] = batchNumber
    owned[place].dirty.append(ChangedState(slot: slot, record: record))
  }

  private func detail(of reason: DeadLetterReason, _ record: RawRecord) -> String {
    switch reason {
    case .corruptState:
      "the state at \(ports.store.place(of: record.key, partition: record.partition)) cannot be read: make it anew "
        + "with tally rebuild --entity"
    default: ""
    }
  }
}
