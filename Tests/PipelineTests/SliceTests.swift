import Dataflow
import Events
import FeatureStore
import TestNumbers
import TestThreads
import Testing

@testable import Pipeline

/// Batches whose entities' states do not fit into the cache together.
@Suite("Slices of a batch", .onThreads) struct SliceTests {
  /// 600 entities, then each again.
  private func makeLog() -> FakeLog {
    let log = FakeLog(partitions: 3)
    let homes = KeyHomes(.murmur2, partitionCount: 3)
    let begin: Int64 = 1_700_000_000_000_000
    for round in 0..<2 {
      for entity in 0..<600 {
        let key = "e\(entity)"
        let home = Array(key.utf8).withUnsafeBytes { homes.home(of: $0) }
        let time = begin + Int64(round * 600 + entity) * 1_000_000
        log.append(
          partition: Int(home), key: key, value: "x\(round)-\(entity),\(time)", timestampMs: time / 1000)
      }
    }
    return log
  }

  private let calm = Faults(seed: 1, crashShare: 0, unavailableShare: 0)

  @Test func endAsWholeBatchesDo() throws {
    let whole = try FakeWorld(log: makeLog())
    _ = try whole.run(calm, rebalanceShare: 0, batchRowsMax: 4096, cacheEntries: 1000)
    let sliced = try FakeWorld(log: makeLog())
    sliced.cacheBytes = 20_000
    var largest = 0
    var scored = 0
    sliced.onBatch = { batch in
      largest = max(largest, batch.records.records.count)
      scored += batch.rows.count
    }
    _ = try sliced.run(calm, rebalanceShare: 0, batchRowsMax: 4096, cacheEntries: 1000)
    #expect(try sliced.digest() == whole.digest())
    #expect(scored == 1200)
    #expect(largest < 100, "a slice of \(largest) records")
  }

  /// What is pinned goes beyond the bound by the states of one step at most, whatever the batch holds.
  @Test func keepWithinTheCache() throws {
    let world = try FakeWorld(log: makeLog())
    world.cacheBytes = 20_000
    var watched: StateCache?
    var most = 0
    world.onBatch = { _ in most = max(most, watched?.pinnedBytes ?? .max) }
    let worker = world.worker(calm, rebalanceShare: 0, batchRowsMax: 4096, cacheEntries: 1000)
    let cache = try #require(worker.pass.states).cache
    watched = cache
    try worker.run()
    // An empty state of this program takes less than a kilobyte; the first step, which knows no sizes, has 64.
    #expect(most > 10_000 && most < 20_000 + 64 * 1024, "\(most) bytes")
    cache.unpinAll()
    #expect(cache.statistics.bytes <= 20_000)
    #expect(world.recorder.scored == 1200)
  }
}
