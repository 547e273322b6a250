public import Features

/// Decoded states of recently seen entities, in front of a `StateStore`. One thread.
///
/// Bounded by entries and by bytes; what goes is chosen by CLOCK (second chance; Corbató 1968). An entry used
/// by the batch under way is *pinned* and never goes: when all are pinned, the bounds may be exceeded until
/// `unpinAll`; the worker cuts its batch where `isFilledByBatch`. States of entries that went are reused, keys too, so that in steady state nothing is
/// allocated. A slot number stays its entry's while the entry is pinned.
///
/// A worker's use, per event: `find`; when that is `none`, `insert` an empty state and note it for the
/// batch's one fetch, which calls `load`. Then `state(slot)` per event, and `unpinAll` once when the batch's states are written.
public final class StateCache {
  /// The slot of an entity that is not in the cache.
  public static let none: Int32 = -1
  /// An unused state this many times larger than the average is not reused for another entity, which would
  /// keep it large.
  static let oversizeFactor = 8

  /// What the cache holds and how well it serves.
  public struct Statistics: Equatable, Sendable {
    /// Entities in the cache.
    public var entries = 0
    /// Memory of states and keys, those kept for reuse included.
    public var bytes = 0
    /// `find`s that found.
    public var hits = 0
    /// `find`s that did not.
    public var misses = 0
    /// Entries that went to make room.
    public var evictions = 0
  }

  /// Entries and bytes now, counts since the start.
  public private(set) var statistics = Statistics()

  private let program: FeatureProgram
  private let entriesMax: Int
  private let bytesMax: Int
  private let measure: (EntityState) -> Int
  private var entries: [CacheEntry] = []
  private var index: SlotIndex
  private var pinned: [Int32] = []
  private var pinnedCount = 0
  /// Memory of the pinned entries, as last measured.
  public private(set) var pinnedBytes = 0
  /// Slots without an entity whose state waits for reuse.
  private var spare: [Int32] = []
  /// Slots without a state.
  private var vacant: [Int32] = []
  private var hand = 0
  /// Slots whose state could not be read.
  private var unreadable: [Int32] = []

  /// An empty cache of states of `program`, for at most `entriesMax` entities and `bytesMax` bytes.
  public convenience init(program: FeatureProgram, entriesMax: Int, bytesMax: Int) {
    self.init(program: program, entriesMax: entriesMax, bytesMax: bytesMax, measure: { $0.memoryBytes })
  }

  /// As above with another measure of a state's memory: for tests.
  init(program: FeatureProgram, entriesMax: Int, bytesMax: Int, measure: @escaping (EntityState) -> Int) {
    precondition(entriesMax > 0 && entriesMax < Int(Int32.max) / 4 && bytesMax > 0)
    self.program = program
    self.entriesMax = entriesMax
    self.bytesMax = bytesMax
    self.measure = measure
    index = SlotIndex(entriesMax: entriesMax)
  }

  deinit { for entry in entries { entry.key?.deallocate() } }

  /// The entity's slot, now pinned; `none`: not in the cache.
  public func find(_ partition: Int32, _ entityID: UnsafeRawBufferPointer) -> Int32 {
    let hash = CacheEntry.hash(partition, entityID)
    let slot = index.find(hash) { entries[Int($0)].isOf(partition, entityID, hash) }
    guard slot >= 0 else {
      statistics.misses += 1
      return Self.none
    }
    statistics.hits += 1
    pin(slot)
    entries[Int(slot)].isReferenced = true
    return slot
  }

  /// Adds an entity that `find` did not find, with an empty state; pinned. Returns its slot.
  public func insert(_ partition: Int32, _ entityID: UnsafeRawBufferPointer) -> Int32 {
    let slot = emptySlot()
    let hash = CacheEntry.hash(partition, entityID)
    entries[Int(slot)].occupy(partition, entityID, hash)
    index.insert(slot, hash) { entries[Int($0)].hash }
    statistics.entries += 1
    pin(slot)
    account(slot)
    return slot
  }

  /// The state in a slot that holds an entity.
  public func state(_ slot: Int32) -> EntityState {
    guard let state = entries[Int(slot)].state else { preconditionFailure("no entity in this slot") }
    return state
  }

  /// Decodes what the store has of an entity into its slot; nil: nothing, a new entity. What cannot be read, or says that it belongs to
  /// another partition, leaves the slot unreadable.
  public func load(_ slot: Int32, _ partition: Int32, _ bytes: UnsafeRawBufferPointer?) {
    let state = state(slot)
    state.removeAll()
    state.partition = partition
    // A fetch that is repeated loads anew.
    entries[Int(slot)].isReadable = true
    guard let bytes, !state.decode(bytes) || state.partition != partition else { return }
    state.removeAll()
    state.partition = partition
    entries[Int(slot)].isReadable = false
    unreadable.append(slot)
  }

  /// Whether a slot has what the store has of its entity.
  public func isReadable(_ slot: Int32) -> Bool { entries[Int(slot)].isReadable }

  /// What the store has of the entity no longer counts: it was erased.
  public func becomeReadable(_ slot: Int32) { entries[Int(slot)].isReadable = true }

  /// Takes out the entities whose state could not be read: an operator may have mended it since.
  public func forgetUnreadable() {
    for slot in unreadable where entries[Int(slot)].isLive && !entries[Int(slot)].isReadable { remove(slot) }
    unreadable.removeAll(keepingCapacity: true)
  }

  /// Measures a state that has been decoded into its slot just now. Returns the slot's memory, bytes.
  @discardableResult
  public func measure(_ slot: Int32) -> Int {
    account(slot)
    return entries[Int(slot)].bytes
  }

  /// Returns within the bounds as far as the batch's entries leave it.
  public func makeSpace() { trim() }

  /// Whether the batch's entries alone take all of the memory.
  public var isFilledByBatch: Bool { pinnedBytes >= bytesMax }

  /// Entries of this size for which the batch still has memory.
  public func capacity(ofBytes bytes: Int) -> Int { max(0, bytesMax - pinnedBytes) / max(bytes, 1) }

  /// Takes an entity out: its state could not be fetched or decoded.
  public func remove(_ slot: Int32) {
    vacate(slot)
    spare.append(slot)
  }

  /// Takes all entities out; no slot is valid any more.
  public func removeAll() {
    for slot in entries.indices where entries[slot].isLive { remove(Int32(slot)) }
  }

  /// Ends the batch: measures the states that it used, unpins them, and returns within the bounds.
  public func unpinAll() {
    for slot in pinned where entries[Int(slot)].isPinned {
      unpin(slot)
      account(slot)
    }
    pinned.removeAll(keepingCapacity: true)
    trim()
  }

  private func pin(_ slot: Int32) {
    guard !entries[Int(slot)].isPinned else { return }
    entries[Int(slot)].isPinned = true
    pinnedCount += 1
    pinnedBytes += entries[Int(slot)].bytes
    pinned.append(slot)
  }

  private func unpin(_ slot: Int32) {
    guard entries[Int(slot)].isPinned else { return }
    entries[Int(slot)].isPinned = false
    pinnedCount -= 1
    pinnedBytes -= entries[Int(slot)].bytes
  }

  /// Brings the total up to date with one slot's memory.
  private func account(_ slot: Int32) {
    let stateBytes = entries[Int(slot)].state.map(measure) ?? 0
    let bytes = stateBytes + entries[Int(slot)].keyCapacity
    statistics.bytes += bytes - entries[Int(slot)].bytes
    if entries[Int(slot)].isPinned { pinnedBytes += bytes - entries[Int(slot)].bytes }
    entries[Int(slot)].bytes = bytes
  }

  /// A slot with an empty state: a spare one, a new one within the bounds, an evicted one, or a new one
  /// beyond them.
  private func emptySlot() -> Int32 {
    if let slot = spare.popLast() { return prepared(slot) }
    // Room for one more of average size: else every batch would allocate one, and its end release one.
    let isFull = statistics.entries >= entriesMax || statistics.bytes + averageBytes > bytesMax
    if isFull, let slot = victim() {
      vacate(slot)
      statistics.evictions += 1
      return prepared(slot)
    }
    if let slot = vacant.popLast() { return prepared(slot) }
    entries.append(CacheEntry())
    return prepared(Int32(entries.count - 1))
  }

  private func prepared(_ slot: Int32) -> Int32 {
    if entries[Int(slot)].bytes > Self.oversizeFactor * averageBytes { entries[Int(slot)].state = nil }
    if let state = entries[Int(slot)].state {
      state.removeAll()
    } else {
      entries[Int(slot)].state = EntityState(program)
    }
    return slot
  }

  private var averageBytes: Int { statistics.bytes / max(entries.count - vacant.count, 1) }

  /// Takes the entity out of a slot; its state object stays there.
  private func vacate(_ slot: Int32) {
    precondition(entries[Int(slot)].isLive, "no entity in this slot")
    index.remove(slot) { entries[Int($0)].hash }
    unpin(slot)
    entries[Int(slot)].isLive = false
    statistics.entries -= 1
    account(slot)
  }

  /// The next entry that is neither pinned nor used since the hand last passed; nil: all are pinned.
  private func victim() -> Int32? {
    guard pinnedCount < statistics.entries else { return nil }
    while true {
      let slot = hand
      hand = hand + 1 == entries.count ? 0 : hand + 1
      guard entries[slot].isLive && !entries[slot].isPinned else { continue }
      if !entries[slot].isReferenced { return Int32(slot) }
      entries[slot].isReferenced = false
    }
  }

  /// Gives memory back until the bounds hold or all are pinned: spare states first.
  private func trim() {
    while statistics.bytes > bytesMax || statistics.entries > entriesMax {
      if statistics.bytes > bytesMax, let slot = spare.popLast() {
        release(slot)
      } else if let slot = victim() {
        vacate(slot)
        statistics.evictions += 1
        release(slot)
      } else {
        return
      }
    }
  }

  private func release(_ slot: Int32) {
    entries[Int(slot)].release()
    account(slot)
    vacant.append(slot)
  }
}
