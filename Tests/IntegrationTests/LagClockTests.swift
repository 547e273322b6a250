import Metrics
import Testing

@testable import tally

@Suite struct LagClockTests {
  private func partition(_ next: Int64, end: Int64, lastReadMs: Int64? = nil) -> PartitionProgress {
    var partition = PartitionProgress(partition: 3, next: next, end: end)
    partition.lastReadMs = lastReadMs
    return partition
  }

  @Test func whatStandsIsLookedAt() {
    var clock = LagClock()
    #expect(clock.unknown([partition(5, end: 9)], nowMs: 1_000).isEmpty && clock.since(3) == 1_000)
    #expect(clock.unknown([partition(5, end: 9)], nowMs: 2_000).isEmpty && clock.since(3) == 1_000)
    let place = LogPlace(partition: 3, offset: 5)
    #expect(clock.unknown([partition(5, end: 12)], nowMs: 3_000) == [place])
    // Found in the log: it had been waiting long before anybody looked.
    clock.learn([place: 40, LogPlace(partition: 3, offset: 4): 30])
    #expect(clock.since(3) == 40)
    #expect(clock.unknown([partition(5, end: 12)], nowMs: 4_000) == [place] && clock.since(3) == 40)
    clock.learn([place: -1])
    #expect(clock.since(3) == 40, "no timestamp, nothing learned")
  }

  @Test func whatMovesWaitsSinceTheRecordBefore() {
    var clock = LagClock()
    _ = clock.unknown([partition(5, end: 100)], nowMs: 1_000)
    #expect(clock.unknown([partition(50, end: 100, lastReadMs: 700)], nowMs: 2_000).isEmpty)
    #expect(clock.since(3) == 700)
    _ = clock.unknown([partition(100, end: 100, lastReadMs: 900)], nowMs: 3_000)
    #expect(clock.since(3) == nil, "all is read")
    // After an hour at rest one record more is not an hour late.
    _ = clock.unknown([partition(100, end: 101, lastReadMs: 900)], nowMs: 3_600_000)
    #expect(clock.since(3) == 3_600_000)
  }
}
