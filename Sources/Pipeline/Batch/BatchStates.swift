import Dataflow
import Events
import Features

/// Finds the states of a batch's entities: in the cache, else in one round trip, and notes those that the slice changes. A pipeline that
/// keeps no state has none of this. One thread.
final class BatchStates {
  let cache: StateCache
  private let context: WorkerContext
  private let assignment: Assignment
  private var requests: [EntityRequest] = []
  private var requestSlots: [Int32] = []
  /// How many of the touched partitions' records were seen to be ours still.
  private var checked = 0
  /// Memory of a state that was fetched lately, bytes; 0: none was.
  private var fetchedBytes = 0
  /// Number of the slice in which a cache slot's state was changed last.
  private var changedIn: [UInt64] = []
  private var sliceNumber: UInt64 = 0

  init(_ cache: StateCache, context: WorkerContext) {
    self.cache = cache
    self.context = context
    assignment = context.assignment
  }

  /// Forgets all states; the partitions are given up or taken over again.
  func forget() {
    cache.forgetUnreadable()
    if !context.configuration.has(.cacheKept) { cache.removeAll() }
  }

  /// Begins a slice.
  func begin() {
    checked = 0
    cache.forgetUnreadable()
    cache.unpinAll()
    sliceNumber += 1
  }

  /// Records whose states are fetched together: as many as the memory left can hold, by the size of those that came last. Few at
  /// first, since nothing is known then.
  func stepMax() -> Int {
    let room = cache.capacity(ofBytes: fetchedBytes)
    return max(Self.stepLeast, min(room, Self.stepMost, fetchedBytes == 0 ? Self.stepFirst : Self.stepMost))
  }

  private static let stepLeast = 16
  private static let stepFirst = 64
  /// States that may turn out to be large all at once.
  private static let stepMost = 1024

  /// Finds the states of these records' events, which also shows that the records of the touched partitions are still ours. Throws
  /// `Abandoned` when it is given up, `Superseded` when the store has moved on without us.
  func fetch(_ range: Range<Int>, _ verdicts: inout [Verdict], touched: [Int]) throws {
    requests.removeAll(keepingCapacity: true)
    requestSlots.removeAll(keepingCapacity: true)
    for index in range {
      guard case .event(let event, _) = verdicts[index] else { continue }
      let record = context.batch.records.records[index]
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
      try context.store.fetch(
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
