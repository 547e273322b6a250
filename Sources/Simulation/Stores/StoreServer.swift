import Dataflow

/// The store's server: records and states by generation and partition, and what it takes to lose the last writes.
final class StoreServer {
  struct Slot: Equatable {
    var record: [UInt8]?
    var states: [[UInt8]: [UInt8]] = [:]
  }

  private(set) var slots: [StoreKey: Slot] = [:]
  /// Every slot as it was before a write, the latest last.
  private var journal: [(place: StoreKey, before: Slot)] = []
  private static let journalMax = 64
  private let bugs: NeighbourBugs
  /// Whether something was lost.
  private(set) var isDamaged = false

  init(bugs: NeighbourBugs) { self.bugs = bugs }

  func slot(_ place: StoreKey) -> Slot { slots[place] ?? Slot() }

  private func update(_ place: StoreKey, _ body: (inout Slot) -> Void) {
    journal.append((place, slot(place)))
    if journal.count > 2 * Self.journalMax { journal.removeFirst(Self.journalMax) }
    body(&slots[place, default: Slot()])
  }

  func write(_ write: StateWrite, at place: StoreKey) -> WriteOutcome {
    let current = slot(place).record ?? []
    if current != write.expected, !bugs.has(.storeComparesNothing) {
      return current == write.record ? .alreadyWritten : .conflict
    }
    update(place) { slot in
      slot.record = write.record
      Self.put(write, into: &slot)
    }
    return .written
  }

  /// The planted bug: states without their record.
  func writeStates(_ write: StateWrite, at place: StoreKey) { update(place) { Self.put(write, into: &$0) } }

  private static func put(_ write: StateWrite, into slot: inout Slot) {
    for entry in write.entries {
      let state = Array(write.bytes[entry.state])
      slot.states[Array(write.bytes[entry.entityID])] = state.isEmpty ? nil : state
    }
  }

  /// Removes up to `count` states. Returns whether more may be left; nil: the record is another.
  func clear(_ count: Int, at place: StoreKey, whileRecordIs record: [UInt8]) -> Bool? {
    guard slot(place).record ?? [] == record || bugs.has(.clearComparesNothing) else { return nil }
    let ids = slot(place).states.keys.sorted { $0.lexicographicallyPrecedes($1) }.prefix(count)
    guard !ids.isEmpty else { return false }
    update(place) { slot in for id in ids { slot.states[id] = nil } }
    return true
  }

  /// The slot as it was before its last writes, as far as they are remembered.
  func earlier(_ place: StoreKey) -> [Slot] { journal.filter { $0.place == place }.map(\.before) }

  /// Puts a slot in place of what is there, without comparing: for an operator's tools.
  func replace(_ place: StoreKey, by slot: Slot) { update(place) { $0 = slot } }

  /// Loses the last writes; of one partition, or of all.
  func rollBack(_ count: Int, partition: Int32?) -> Int {
    var undone = 0
    var index = journal.count - 1
    while index >= 0, undone < count {
      if partition == nil || journal[index].place.partition == partition {
        slots[journal[index].place] = journal[index].before
        journal.remove(at: index)
        undone += 1
      }
      index -= 1
    }
    if undone > 0 { isDamaged = true }
    return undone
  }

  /// Loses everything, or the records only.
  func lose(recordsOnly: Bool) {
    isDamaged = true
    journal.removeAll()
    if recordsOnly {
      for place in slots.keys { slots[place]?.record = nil }
    } else {
      slots.removeAll()
    }
  }
}

/// A partition of a generation.
struct StoreKey: Hashable {
  var generation: UInt64
  var partition: Int32
}
