import Dataflow
import TestNumbers
import Testing

@Suite("What is left out") struct LeftOutTests {
  /// What came first at an offset stays.
  private struct Oracle {
    var causes: [Int64: LeftOutCause] = [:]

    mutating func add(_ range: LeftOut) {
      for offset in range.from..<range.until where causes[offset] == nil { causes[offset] = range.cause }
    }

    mutating func remove(orders offsets: Range<Int64>, _ cause: LeftOutCause?) {
      for offset in offsets {
        guard let found = causes[offset], found.isOrder, cause == nil || found == cause else { continue }
        causes[offset] = nil
      }
    }

    func end(from offset: Int64) -> Int64 {
      var next = offset
      while causes[next] != nil { next += 1 }
      return next
    }

    func count(below limit: Int64, _ cause: LeftOutCause?) -> Int64 {
      Int64(causes.count { $0.key < limit && (cause == nil || $0.value == cause) })
    }
  }

  private func range(_ generator: inout SeededGenerator) -> LeftOut {
    let from = Int64.random(in: 0..<60, using: &generator)
    return LeftOut(
      from: from, until: from + Int64.random(in: 1...9, using: &generator),
      cause: LeftOutCause.allCases.randomElement(using: &generator) ?? .deleted)
  }

  @Test("ranges are what a list of offsets says", arguments: 1...200 as ClosedRange<UInt64>)
  func agreesWithOracle(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var ranges = LeftOutRanges()
    var oracle = Oracle()
    for _ in 0..<Int.random(in: 1...20, using: &generator) {
      if Int.random(in: 0..<5, using: &generator) == 0 {
        let offsets = range(&generator)
        let cause: LeftOutCause? = Bool.random(using: &generator) ? .skipped : nil
        ranges.remove(orders: offsets.from..<offsets.until, cause)
        oracle.remove(orders: offsets.from..<offsets.until, cause)
      } else {
        let next = range(&generator)
        ranges.add(next)
        oracle.add(next)
      }
      check(ranges, oracle, "seed \(seed)")
    }
    #expect(LeftOutRanges(text: ranges.text) == ranges, "seed \(seed)")
    let orders = ranges.ranges.filter { $0.cause.isOrder }
    #expect(ranges.orders.ranges == orders, "seed \(seed)")
  }

  private func check(_ ranges: LeftOutRanges, _ oracle: Oracle, _ note: String) {
    for offset in Int64(0)..<75 {
      #expect(ranges.contains(offset) == (oracle.causes[offset] != nil), "\(note)")
      #expect(ranges.end(from: offset) == oracle.end(from: offset), "\(note)")
      for cause in [nil] + LeftOutCause.allCases.map(Optional.some) {
        #expect(ranges.count(below: offset, because: cause) == oracle.count(below: offset, cause), "\(note)")
      }
      let some = LeftOut(from: offset, until: offset + 3, cause: .skipped)
      #expect(ranges.covers(some) == (oracle.end(from: offset) >= offset + 3), "\(note)")
    }
    // Ascending, without overlap, neighbours of one cause joined.
    for (one, next) in zip(ranges.ranges, ranges.ranges.dropFirst()) {
      #expect(one.until < next.from || one.until == next.from && one.cause != next.cause, "\(note)")
    }
  }

  @Test("of unreadable ranges only the newest are listed, and the others counted")
  func forgetsOldest() {
    var ranges = LeftOutRanges()
    ranges.add(LeftOut(from: 0, until: 2, cause: .skipped))
    for number in 1...100 as ClosedRange<Int64> {
      ranges.add(LeftOut(from: number * 10, until: number * 10 + 3, cause: .unreadable))
    }
    #expect(ranges.ranges.count == LeftOutRanges.unreadableMax + 1)
    #expect(ranges.ranges.first?.cause == .skipped && ranges.ranges[1].from == 370)
    #expect(ranges.forgotten == 36 * 3 && ranges.count(below: .max) == 302)
    #expect(ranges.count(below: 0, because: .unreadable) == 36 * 3)
    #expect(LeftOutRanges(text: ranges.text) == ranges)
    #expect(ranges.text.hasSuffix("1000-1002:unreadable,+108:unreadable"))
  }

  @Test("there is room for 64 orders, which fit beside a committed offset")
  func isFull() {
    var ranges = LeftOutRanges()
    for number in 0..<Int64(LeftOutRanges.ordersMax) {
      #expect(!ranges.isFull)
      let from = Int64.max - 1000 + number * 2
      ranges.add(LeftOut(from: from, until: from + 1, cause: .skipped))
    }
    #expect(ranges.isFull)
    let mark = OffsetMark(
      partition: 0, offset: .max - 2, firstOffset: .max - 3, homes: KeyHomes(.murmur2, partitionCount: .max),
      shown: .max - 1, leftOut: ranges)
    // The brokers' offset.metadata.max.bytes, by default.
    #expect(mark.metadata.utf8.count <= 4096)
  }

  @Test(
    "texts that nobody has written are refused",
    arguments: [
      "1", "1-2", "1-2:", "1-2:lost", "2-1:deleted", "-1-2:deleted", "a-b:deleted", "1-2:deleted,", ",",
      "+0:unreadable", "+x:unreadable", "1-9223372036854775807:skipped", "1-2-3:skipped", "1:skipped",
      "5-+9:skipped", "05-9:skipped", "+3:skipped", "3-4:skipped,1-2:skipped",
      "+9223372036854775807:unreadable,+9223372036854775807:unreadable", "1-2:skipped,3-4:skipped",
    ])
  func refusedTexts(text: String) { #expect(LeftOutRanges(text: text) == nil) }

  @Test("the group keeps the orders beside its offset")
  func metadata() {
    var ranges = LeftOutRanges()
    ranges.add(LeftOut(from: 500, until: 1000, cause: .deleted))
    ranges.add(LeftOut(from: 1200, until: 1201, cause: .unreadable))
    ranges.add(LeftOut(from: 1300, until: 1302, cause: .skipped))
    let mark = OffsetMark(
      partition: 3, offset: 1310, firstOffset: 7, homes: KeyHomes(.crc32, partitionCount: 5), shown: 1312,
      leftOut: ranges)
    #expect(
      mark.metadata
        == "tally first=7 partitioner=crc32 partitions=5 next=1310 left=500-999:deleted,1300-1301:skipped")
    let read = CommittedOffset(1312, metadata: mark.metadata)
    #expect(
      read.offset == 1310 && read.shown == 1312 && read.firstOffset == 7 && read.leftOut == ranges.orders)
    #expect(CommittedOffset(5, metadata: "tally first=0").leftOut.isEmpty)
  }
}
