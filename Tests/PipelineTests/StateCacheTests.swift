import Features
import TestNumbers
import Testing

@testable import Pipeline

struct StateCacheTests {
  /// Sizes that a test gives to states.
  final class Sizes {
    var byState: [ObjectIdentifier: Int] = [:]
    var made: Set<ObjectIdentifier> = []

    func size(_ state: EntityState) -> Int {
      made.insert(ObjectIdentifier(state))
      return byState[ObjectIdentifier(state)] ?? 100
    }
  }

  private struct Key: Hashable {
    var partition: Int32
    var id: String
  }

  private static func find(_ cache: StateCache, _ key: Key) -> Int32 {
    Array(key.id.utf8).withUnsafeBytes { cache.find(key.partition, $0) }
  }

  private static func insert(_ cache: StateCache, _ key: Key) -> Int32 {
    Array(key.id.utf8).withUnsafeBytes { cache.insert(key.partition, $0) }
  }

  @Test func keepsPartitionsAndIdsApart() throws {
    let cache = StateCache(program: try smallProgram(), entriesMax: 10, bytesMax: 1 << 30)
    let keys = [
      Key(partition: 1, id: "a"), Key(partition: 2, id: "a"), Key(partition: 1, id: "ab"),
      Key(partition: 1, id: ""),
    ]
    let slots = keys.map { Self.insert(cache, $0) }
    #expect(Set(slots).count == 4)
    #expect(keys.map { Self.find(cache, $0) } == slots)
    #expect(Set(slots.map { ObjectIdentifier(cache.state($0)) }).count == 4)
    cache.remove(slots[0])
    #expect(Self.find(cache, keys[0]) == StateCache.none)
    #expect(Self.find(cache, keys[1]) == slots[1])
    cache.removeAll()
    #expect(Self.find(cache, keys[1]) == StateCache.none)
    #expect(cache.statistics.entries == 0)
  }

  /// What the batch under way needs is known at any moment, also after states were decoded into their slots.
  @Test func knowsWhatIsPinned() throws {
    let sizes = Sizes()
    let cache = StateCache(
      program: try smallProgram(), entriesMax: 100, bytesMax: 10_000, measure: { sizes.size($0) })
    var slots: [Int32] = []
    for number in 0..<5 { slots.append(Self.insert(cache, Key(partition: 0, id: "k\(number)"))) }
    let empty = cache.pinnedBytes
    #expect(empty >= 500 && !cache.isFilledByBatch)
    for slot in slots.prefix(2) { sizes.byState[ObjectIdentifier(cache.state(slot))] = 4_000 }
    #expect(cache.pinnedBytes == empty)
    for slot in slots { cache.measure(slot) }
    #expect(cache.pinnedBytes == empty + 7_800 && !cache.isFilledByBatch)
    #expect(cache.capacity(ofBytes: 500) == (10_000 - cache.pinnedBytes) / 500)
    #expect(cache.capacity(ofBytes: 0) == 10_000 - cache.pinnedBytes)
    sizes.byState[ObjectIdentifier(cache.state(slots[2]))] = 4_000
    cache.measure(slots[2])
    #expect(cache.isFilledByBatch && cache.capacity(ofBytes: 1) == 0)
    cache.makeSpace()
    #expect(cache.statistics.entries == 5, "pinned entries stay")
    cache.remove(slots[2])
    #expect(cache.pinnedBytes < 10_000)
    cache.unpinAll()
    #expect(cache.pinnedBytes == 0 && cache.statistics.bytes <= 10_000)
    #expect(Self.find(cache, Key(partition: 0, id: "k4")) == slots[4])
    #expect(cache.pinnedBytes > 0)
    cache.removeAll()
    #expect(cache.pinnedBytes == 0)
  }

  @Test func whatIsUsedAgainStays() throws {
    let cache = StateCache(program: try smallProgram(), entriesMax: 4, bytesMax: 1 << 30)
    let favourite = Key(partition: 0, id: "favourite")
    _ = Self.insert(cache, favourite)
    cache.unpinAll()
    for number in 0..<100 {
      #expect(Self.find(cache, favourite) >= 0, "after \(number) others")
      cache.unpinAll()
      _ = Self.insert(cache, Key(partition: 0, id: "passer-by \(number)"))
      cache.unpinAll()
    }
    #expect(cache.statistics.entries == 4)
    #expect(cache.statistics.evictions == 97)
  }

  @Test func pinnedEntriesExceedTheBoundUntilUnpinned() throws {
    let cache = StateCache(program: try smallProgram(), entriesMax: 8, bytesMax: 1 << 30)
    let keys = (0..<50).map { Key(partition: 0, id: "e\($0)") }
    let slots = keys.map { Self.insert(cache, $0) }
    #expect(keys.map { Self.find(cache, $0) } == slots)
    #expect(cache.statistics.entries == 50)
    #expect(cache.statistics.evictions == 0)
    cache.unpinAll()
    #expect(cache.statistics.entries == 8)
    #expect(cache.statistics.evictions == 42)
  }

  @Test func aLargeStateIsNotKeptForAnother() throws {
    let sizes = Sizes()
    let cache = StateCache(
      program: try smallProgram(), entriesMax: 50, bytesMax: 1 << 30, measure: sizes.size)
    for number in 0..<50 {
      let slot = Self.insert(cache, Key(partition: 0, id: "e\(number)"))
      if number == 0 { sizes.byState[ObjectIdentifier(cache.state(slot))] = 100_000 }
    }
    cache.unpinAll()
    #expect(cache.statistics.bytes == 100_000 + 49 * 100 + 50 * 48)
    sizes.byState = [:]
    for number in 50..<100 {
      _ = Self.insert(cache, Key(partition: 0, id: "e\(number)"))
      cache.unpinAll()
    }
    #expect(cache.statistics.bytes == 50 * 148)
  }

  @Test func steadyStateMakesNoNewStates() throws {
    let sizes = Sizes()
    let cache = StateCache(
      program: try smallProgram(), entriesMax: 1_000, bytesMax: 30_000, measure: sizes.size)
    var random = SeededGenerator(seed: 7)
    func batch() {
      for _ in 0..<20 {
        let key = Key(partition: 0, id: "entity \(Int.random(in: 0..<2_000, using: &random))")
        if Self.find(cache, key) < 0 { _ = Self.insert(cache, key) }
      }
      cache.unpinAll()
    }
    for _ in 0..<200 { batch() }
    let warm = sizes.made
    let evictions = cache.statistics.evictions
    for _ in 0..<200 { batch() }
    let hasMadeNone = sizes.made == warm
    #expect(hasMadeNone)
    #expect(cache.statistics.evictions > evictions + 1_000)
    #expect(warm.count <= 30_000 / 148 + 21)
  }

  /// Against a dictionary: what the cache finds is what was inserted last under that key; nothing pinned
  /// goes; bounds hold after every batch; sums equal the parts.
  @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as [UInt64])
  func agreesWithAModel(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let sizes = Sizes()
    let entriesMax = Int.random(in: 1...60, using: &random)
    let bytesMax = Int.random(in: 300...12_000, using: &random)
    let cache = StateCache(
      program: try smallProgram(), entriesMax: entriesMax, bytesMax: bytesMax, measure: sizes.size)
    var model: [Key: ObjectIdentifier] = [:]
    var (hits, misses) = (0, 0)
    for batch in 0..<300 {
      let note: Comment = "seed \(seed), batch \(batch)"
      var pinned: [Key: Int32] = [:]
      for _ in 0..<Int.random(in: 0...20, using: &random) {
        let length = Int.random(in: 0...60, using: &random) % (batch % 3 == 0 ? 60 : 3)
        let key = Key(
          partition: Int32.random(in: 0...3, using: &random),
          id: "\(Int.random(in: 0...120, using: &random))" + String(repeating: "x", count: length))
        let slot = Self.find(cache, key)
        if slot >= 0 {
          hits += 1
          #expect(model[key] == ObjectIdentifier(cache.state(slot)), note)
          pinned[key] = slot
        } else {
          misses += 1
          #expect(pinned[key] == nil, note)
          let slot = Self.insert(cache, key)
          let state = ObjectIdentifier(cache.state(slot))
          #expect(!pinned.keys.contains { model[$0] == state }, note)
          for (other, owner) in model where owner == state { model[other] = nil }
          model[key] = state
          pinned[key] = slot
          sizes.byState[state] = Int.random(in: 50...300, using: &random)
        }
        if Int.random(in: 0..<15, using: &random) == 0, let (key, slot) = pinned.randomElement(using: &random)
        {
          cache.remove(slot)
          pinned[key] = nil
          model[key] = nil
        }
      }
      for (key, slot) in pinned {
        #expect(Self.find(cache, key) == slot, note)
        hits += 1
      }
      cache.unpinAll()
      #expect(cache.statistics.entries <= entriesMax, note)
      #expect(cache.statistics.bytes <= bytesMax, note)
      #expect(cache.statistics.hits == hits && cache.statistics.misses == misses, note)
    }
    var present: Set<ObjectIdentifier> = []
    for key in model.keys {
      let slot = Self.find(cache, key)
      guard slot >= 0 else { continue }
      #expect(model[key] == ObjectIdentifier(cache.state(slot)), "seed \(seed)")
      present.insert(ObjectIdentifier(cache.state(slot)))
    }
    #expect(present.count == cache.statistics.entries, "seed \(seed)")
    #expect(cache.statistics.evictions > 0, "seed \(seed)")
  }
}

/// A small pipeline, for states.
private func smallProgram() throws -> FeatureProgram {
  let position = SourcePosition(line: 1, column: 1)
  return try FeatureProgram(
    FeatureSetDeclaration(
      profile: [],
      events: [EventTypeDeclaration(name: "login", attributes: [], position: position)],
      features: [
        FeatureDeclaration(
          name: "logins", expression: "count(login, 7d)", isColumn: true, labels: [], position: position)
      ],
      idleTTL: nil))
}
