import Events
import TestNumbers
import Testing

@testable import Dataflow

@Suite("Records as text") struct Base64Tests {
  @Test(
    "as RFC 4648 gives it",
    arguments: [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
      ("foobar", "Zm9vYmFy"),
    ])
  func examples(plain: String, text: String) {
    #expect(Base64.text(of: Array(plain.utf8)) == text)
    #expect(Base64.bytes(of: text) == Array(plain.utf8))
  }

  @Test("any bytes come back, and one wrong letter is never taken for others")
  func anyBytes() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var numbers = SeededGenerator(seed: seed)
    for _ in 0..<2000 {
      let bytes = (0..<Int.random(in: 0...90, using: &numbers)).map { _ in
        UInt8.random(in: 0...255, using: &numbers)
      }
      let text = Base64.text(of: bytes)
      #expect(text.utf8.count == (bytes.count + 2) / 3 * 4 && Base64.bytes(of: text) == bytes, "seed \(seed)")
      guard !text.isEmpty else { continue }
      var other = Array(text.utf8)
      let place = Int.random(in: other.indices, using: &numbers)
      other[place] = UInt8.random(in: 0...255, using: &numbers)
      let spoilt = String(decoding: other, as: UTF8.self)
      // One text for each: what is read is what would be written.
      if let read = Base64.bytes(of: spoilt) { #expect(Base64.text(of: read) == spoilt, "seed \(seed)") }
    }
  }

  @Test(
    "what nobody has written is none",
    arguments: [
      "Z", "Zg", "Zg=", "Zg===", "=Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm9*", "====",
    ])
  func refused(text: String) { #expect(Base64.bytes(of: text) == nil) }

  @Test("a record beside an offset comes back with everything else that stands there")
  func besideOffset() throws {
    var record = PartitionRecord()
    record.nextOffset = 1310
    record.firstOffset = 7
    record.clusterID = "cluster of some name"
    record.partitionCount = 5
    record.partitioner = .crc32
    record.counters.read = 1300
    record.counters.deadLettered[3] = 4
    record.leftOut.add(LeftOut(from: 500, until: 1000, cause: .deleted))
    record.leftOut.add(LeftOut(from: 1200, until: 1201, cause: .unreadable))
    var mark = OffsetMark(of: record, partition: 2)
    #expect(mark.offset == 1310 && mark.partition == 2)
    mark.shown = 1312
    let read = CommittedOffset(1312, metadata: mark.metadata)
    #expect(read.offset == 1310 && read.shown == 1312 && read.homes == record.homes)
    #expect(read.leftOut == record.leftOut.orders && !read.leftOutIsUnread)
    let bytes = try #require(read.record)
    #expect(PartitionRecord.decode(bytes)?.record == record)
    #expect(CommittedOffset(5, metadata: "tally first=0").record == nil)
    #expect(CommittedOffset(5, metadata: "tally first=0 record=???").record == [])
  }

  @Test("of unreadable ranges the oldest are counted only, when there is no room for all of them")
  func room() {
    var record = PartitionRecord()
    record.definition = String(repeating: "d", count: 32)
    record.modelSet = String(repeating: "m", count: 32)
    record.clusterID = String(repeating: "c", count: 22)
    for number in Int64(0)..<64 {
      let from = 1_000_000_000_000 + 10 * number
      record.leftOut.add(LeftOut(from: from, until: from + 3, cause: .unreadable))
      if number < 30 { record.leftOut.add(LeftOut(from: from + 5, until: from + 6, cause: .skipped)) }
    }
    let before = record.leftOut
    #expect(!record.fitsBesideOffset)
    record.fitBesideOffset()
    #expect(record.fitsBesideOffset && record.leftOut.orders == before.orders)
    #expect(record.leftOut.forgotten > 0 && record.leftOut.count(below: .max) == before.count(below: .max))
    // Orders are never cut.
    for number in Int64(0)..<64 {
      let from = 2_000_000_000_000 + 10 * number
      record.leftOut.add(LeftOut(from: from, until: from + 1, cause: .skipped))
    }
    let orders = record.leftOut.orders
    record.fitBesideOffset()
    #expect(!record.fitsBesideOffset && record.leftOut.orders == orders)
  }
}
