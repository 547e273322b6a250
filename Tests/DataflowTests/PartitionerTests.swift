import Dataflow
import TestNumbers
import Testing

/// Where keys belong, held to what the clients' own sources and tools print.
@Suite struct PartitionerTests {
  /// Apache Kafka's `UtilsTest.testMurmur2`.
  @Test(
    arguments: [
      ("21", -973_932_308), ("foobar", -790_332_482), ("a-little-bit-long-string", -985_981_536),
      ("a-little-bit-longer-string", -1_486_304_829),
      ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971), ("abc", 479_470_107),
    ] as [(String, Int32)])
  func murmur2(_ key: String, _ hash: Int32) {
    #expect(Array(key.utf8).withUnsafeBytes { KeyHash.murmur2($0) } == UInt32(bitPattern: hash))
  }

  /// CRC-32's check value; Python's `zlib.crc32`.
  @Test(arguments: [("123456789", 0xcbf4_3926), ("", 0), ("alice", 0x278e_bc47)] as [(String, UInt32)])
  func crc32(_ key: String, _ hash: UInt32) {
    #expect(Array(key.utf8).withUnsafeBytes { KeyHash.crc32($0) } == hash)
  }

  /// The reference vectors of FNV's authors (`test_fnv.c`).
  @Test(
    arguments: [("", 0x811c_9dc5), ("a", 0xe40c_292c), ("foobar", 0xbf9c_f968), ("b", 0xe70c_2de5)]
      as [(String, UInt32)])
  func fnv1a(_ key: String, _ hash: UInt32) {
    #expect(Array(key.utf8).withUnsafeBytes { KeyHash.fnv1a($0) } == hash)
  }

  /// Every partitioner gives each partition its share, and only partitions that are there.
  @Test(arguments: Partitioner.allCases)
  func spreads(_ partitioner: Partitioner) {
    var random = SeededGenerator(seed: 11)
    for count in [1, 2, 3, 7, 64, 1000] as [Int32] {
      var found: Set<Int32> = []
      for _ in 0..<20_000 {
        let key = (0..<Int.random(in: 0...20, using: &random)).map { _ in
          UInt8.random(in: 0...255, using: &random)
        }
        found.insert(key.withUnsafeBytes { partitioner.partition(of: $0, count: count) })
      }
      #expect(found == Set(0..<count), "\(count) partitions")
    }
  }

  /// sarama takes the absolute value of the remainder, here of the hash; of the smallest number the magnitude is no Int32.
  @Test func theSmallestNumberHasAHome() {
    let hash = UInt32(0x8000_0000)
    for count in [1, 2, 3, 5, 1000] as [Int32] {
      let remainder = Int32(bitPattern: hash) % count
      #expect(Int32(Int32(bitPattern: hash).magnitude % UInt32(count)) == abs(remainder))
    }
  }

  @Test func marksTellTheHomes() {
    let homes = KeyHomes(.crc32, partitionCount: 12)
    let mark = OffsetMark(partition: 3, offset: 99, firstOffset: 7, homes: homes)
    #expect(mark.metadata == "tally first=7 partitioner=crc32 partitions=12")
    let read = CommittedOffset(99, metadata: mark.metadata)
    #expect(read == CommittedOffset(99, firstOffset: 7, homes: homes))
    #expect(CommittedOffset(5, metadata: "tally first=7") == CommittedOffset(5, firstOffset: 7))
    let shown = OffsetMark(partition: 3, offset: 99, firstOffset: 7, homes: homes, shown: 105)
    #expect(shown.metadata == "tally first=7 partitioner=crc32 partitions=12 next=99")
    let found = CommittedOffset(105, metadata: shown.metadata)
    #expect(found == CommittedOffset(99, firstOffset: 7, homes: homes, shown: 105))
    #expect(CommittedOffset(5, metadata: "tally first=7 next=9") == CommittedOffset(5, firstOffset: 7))
    for text in ["", "x", "tally first=", "tally first=-1", "tally first=x partitions=3"] {
      #expect(CommittedOffset(5, metadata: text) == CommittedOffset(5), "\(text)")
    }
    let odd = "tally first=7 partitioner=other partitions=0"
    #expect(CommittedOffset(5, metadata: odd) == CommittedOffset(5, firstOffset: 7))
  }
}
