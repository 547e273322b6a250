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
  let cache: StateCache

  /// Places of the partitions that the slice has records of.
  private(set) var touched: [Int] = []
  /// What became of each record of the slice.
  var verdicts: [Verdict] = []
  var totals = BatchTotals()
  /// Of the slice's refused records: what the decoder says more.
  var refused: [Int32: (entityID: [UInt8], detail: String)] = [:]
  private var requests: [EntityRequest] = []
  private var requestSlots: [Int32] = []
  /// How many of the touched partitions' records were seen to be ours still.
  private var checked = 0
  /// Records of the batch that wait for the next slice.
  private var rest: [RawRecord] = []
  /// Memory of a state that was fetched lately, bytes; 0: none was.
  private var fetchedBytes = 0
  /// Number of the slice in which a cache slot's state was changed last.
  private var changedIn: [UInt64] = []
  private var sliceNumber: UInt64 = 0

  init(context: WorkerContext, pass: EventPass, cache: StateCache) {
    self.context = context
    assignment = context.assignment
    batch = context.batch
    self.pass = pass
    self.cache = cache
  }

  private var ports: WorkerPorts { context.ports }

  /// Forgets all states; the partitions are given up or taken over again.
  func forgetStates() {
    cache.forgetUnreadable()
    if !context.configuration.has(.cacheKept) { cache.removeAll() }
  }

  /// Takes the next slice to rows and letters. Returns whether there is anything to deliver and to write.
  ///
  /// Throws `Abandoned` when it is given up, `Superseded` when the store has moved on without us.
  func takeSlice() throws -> Bool {
    begin()
    guard try findStates() > 0 else { return false }
    var mark = ports.clock.monotonicNanos()
    applyAll()
    mark = told(.features, since: mark)
    if !batch.rows.isEmpty {
      try ports.scorer.score(batch.features, into: batch.outputs)
      ports.decider.decide(batch.outputs, into: &batch.decisions)
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
  func finish() { for place in touched { assignment.owned[place].share.lastRecord = nil } }

  private func begin() {
    for place in touched where place < assignment.owned.count {
      assignment.owned[place].share.lastRecord = nil
    }
    batch.removeAll()
    pass.removeAll()
    verdicts.removeAll(keepingCapacity: true)
    rest.removeAll(keepingCapacity: true)
    checked = 0
    touched.removeAll(keepingCapacity: true)
    refused.removeAll(keepingCapacity: true)
    totals.removeAll()
    cache.forgetUnreadable()
    cache.unpinAll()
    sliceNumber += 1
  }

  /// Decodes records and finds their states, some at a time, until all are there or the cache is full of their states; what is left
  /// then is held back for the next slice. Returns how many are ours and new.
  private func findStates() throws -> Int {
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

  // MARK: Decoding

  /// Decodes those of the records that are ours and new.
  private func decode(_ range: Range<Int>) throws {
    for index in range {
      let record = batch.records.records[index]
      guard let place = try place(of: record) else {
        verdicts.append(.passedOver)
        continue
      }
      if assignment.owned[place].share.lastRecord == nil {
        touched.append(place)
        assignment.owned[place].share.next = assignment.owned[place].record
        assignment.owned[place].share.dirty.removeAll(keepingCapacity: true)
      }
      assignment.owned[place].share.lastRecord = Int32(index)
      totals.read += 1
      if assignment.owned[place].isAgain(record) { totals.rebuilt += 1 }
      switch pass.decode(record) {
      case .event(let event): verdicts.append(.event(event, slot: StateCache.none))
      case .refused(let reason):
        // Another entity id than the key may be named.
        let refusal = pass.refusal
        if !refusal.entityID.isEmpty || !refusal.detail.isEmpty { refused[Int32(index)] = refusal }
        verdicts.append(.refused(reason))
      }
    }
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

  // MARK: States

  /// Finds the states of these records' events: in the cache, else in one round trip, which also shows that the partition
  /// records are still ours.
  private func fetchStates(_ range: Range<Int>) throws {
    requests.removeAll(keepingCapacity: true)
    requestSlots.removeAll(keepingCapacity: true)
    for index in range {
      guard case .event(let event, _) = verdicts[index] else { continue }
      let record = batch.records.records[index]
      var slot = cache.find(record.partition, record.key)
      if slot == StateCache.none {
        slot = cache.insert(record.partition, record.key)
        requests.append(EntityRequest(partition: record.partition, entityID: record.key))
        requestSlots.append(slot)
      }
      verdicts[index] = .event(event, slot: slot)
    }
    let places = touched[checked...]
    guard !places.isEmpty || !requests.isEmpty else { return }
    let partitions = places.map { assignment.owned[$0].partition }
    let first = places.startIndex
    let fetched: Void? = try context.waiting {
      var matches = true
      try ports.store.fetch(
        partitions: partitions, entities: requests,
        record: { index, bytes in
          if !Self.equal(assignment.owned[places[first + index]].recordBytes, bytes) { matches = false }
        },
        state: { index, bytes in cache.load(requestSlots[index], requests[index].partition, bytes) })
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

  private static func equal(_ expected: [UInt8], _ found: UnsafeRawBufferPointer?) -> Bool {
    guard let found, found.count == expected.count else { return found == nil && expected.isEmpty }
    return expected.withUnsafeBytes { $0.elementsEqual(found) }
  }

  /// Notes a state for writing, once a slice.
  func markChanged(_ slot: Int32, record: Int32, place: Int) {
    while changedIn.count <= Int(slot) { changedIn.append(0) }
    guard changedIn[Int(slot)] != sliceNumber else { return }
    changedIn[Int(slot)] = sliceNumber
    assignment.owned[place].share.dirty.append(ChangedState(slot: slot, record: record))
  }
}

/// What became of a record.
enum Verdict: Equatable {
  /// Read before, left out or of another partition: not ours to count.
  case passedOver
  /// A dead letter.
  case refused(DeadLetterReason)
  /// An event, at its position among the decoded ones, with the slot of its entity's state.
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
  /// Events at which rare words of a state were folded into `other`.
  var folded = 0
  var deadLettered = [Int](repeating: 0, count: DeadLetterReason.count)

  mutating func removeAll() {
    read = 0
    rebuilt = 0
    scored = 0
    duplicate = 0
    erased = 0
    folded = 0
    for index in deadLettered.indices { deadLettered[index] = 0 }
  }
}
