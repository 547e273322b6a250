import CEvents
import Dataflow
import Events
import Testing

@testable import Pipeline

@Suite("Partition record")
struct PartitionRecordTests {
  var example: PartitionRecord {
    var record = PartitionRecord()
    record.generation = 3
    record.nextOffset = 1_234_567
    record.definition = "00ff"
    record.modelSet = "m1"
    record.clusterID = "cluster"
    record.partitionCount = 12
    record.partitioner = .fnv1a
    record.lastTimestampMs = 1_700_000_000_000
    record.lastCRC = 0xdead_beef
    record.lastOffsetPlusOne = 1_234_567
    record.counters.read = 10
    record.counters.scored = 7
    record.counters.duplicate = 1
    record.counters.deadLettered[DeadLetterReason.futureTime.index] = 2
    record.rebuildingUntil = 99
    return record
  }

  @Test("what was written is read")
  func roundTrip() throws {
    let decoded = try #require(PartitionRecord.decode(example.encoded))
    #expect(decoded.record == example)
    // Earlier programs may read it, since nothing is left out.
    #expect(decoded.schemaVersion == 4)
    #expect(try #require(PartitionRecord.decode(PartitionRecord().encoded)).record == PartitionRecord())
  }

  @Test("a promotion in force is read again, by protobuf-c as well, and keeps earlier programs from going on")
  func promotion() throws {
    var record = example
    record.inForce = ModelSetInForce(number: 7, hash: String(repeating: "ab", count: 16))
    record.counters.promoted = 3
    let bytes = record.encoded
    let decoded = try #require(PartitionRecord.decode(bytes))
    #expect(decoded.record == record && decoded.schemaVersion == 6)
    #expect(decoded.record.inForce.number == 7)
    let message = try #require(tally__partition_record__unpack(nil, bytes.count, bytes))
    defer { tally__partition_record__free_unpacked(message, nil) }
    #expect(message.pointee.model_set_number == 7 && message.pointee.schema_version == 6)
    #expect(message.pointee.counters.pointee.promoted == 3)
    // One of another pipeline was read, and changed nothing.
    record.inForce.number = 0
    #expect(try #require(PartitionRecord.decode(record.encoded)).schemaVersion == 6)
  }

  @Test("what is left out is read again, by protobuf-c as well, and keeps earlier programs from going on")
  func leftOut() throws {
    var record = example
    record.leftOut.add(LeftOut(from: 0, until: 5, cause: .deleted))
    record.leftOut.add(LeftOut(from: 7, until: 9, cause: .unreadable))
    record.leftOut.add(LeftOut(from: 2_000_000, until: 2_000_003, cause: .skipped))
    record.leftOut.add(LeftOutRanges([], forgotten: 12))
    record.unpackedBytesMax = 1 << 28
    let bytes = record.encoded
    let decoded = try #require(PartitionRecord.decode(bytes))
    #expect(decoded.record == record && decoded.schemaVersion == 5)
    let message = try #require(tally__partition_record__unpack(nil, bytes.count, bytes))
    defer { tally__partition_record__free_unpacked(message, nil) }
    #expect(message.pointee.schema_version == 5 && message.pointee.n_left_out == 3)
    let last = try #require(message.pointee.left_out[2])
    #expect(last.pointee.from == 2_000_000 && last.pointee.until == 2_000_003)
    #expect(last.pointee.cause == TALLY__LEFT_OUT_CAUSE__SKIPPED)
    #expect(message.pointee.left_out_forgotten == 12 && message.pointee.unpacked_bytes_max == 1 << 28)
    #expect(record.passedOffsets == [.deleted: 5, .unreadable: 14])
  }

  @Test("what is left out is not what is left over")
  func leftOutIsNotSkipped() {
    var record = PartitionRecord()
    record.firstOffset = 10
    record.lastOffsetPlusOne = 60
    record.nextOffset = 70
    record.counters.read = 15
    #expect(record.skippedOffsets == 35)
    record.leftOut.add(LeftOut(from: 20, until: 30, cause: .skipped))
    record.leftOut.add(LeftOut(from: 40, until: 44, cause: .unreadable))
    // Behind the last record read.
    record.leftOut.add(LeftOut(from: 62, until: 70, cause: .deleted))
    #expect(record.skippedOffsets == 21)
  }

  /// First offset, last offset read plus one, records read, what was skipped.
  @Test(
    "offsets without a record are what is left over",
    arguments: [
      (0, 0, 0, 0), (0, 10, 10, 0), (5, 15, 10, 0), (0, 60, 15, 45), (5, 60, 15, 40), (7, 0, 0, 0),
      (3, 4, 1, 0),
    ] as [(Int64, Int64, UInt64, Int64)])
  func skippedOffsets(_ first: Int64, _ last: Int64, _ read: UInt64, _ skipped: Int64) {
    var record = PartitionRecord()
    record.firstOffset = first
    record.lastOffsetPlusOne = last
    // Behind the last record there may be a marker, which W has passed and nobody counts yet.
    record.nextOffset = max(first, last) + 1
    record.counters.read = read
    #expect(record.skippedOffsets == skipped)
  }

  @Test("protobuf-c reads the same")
  func agreesWithProtobufC() throws {
    let bytes = example.encoded
    let message = try #require(tally__partition_record__unpack(nil, bytes.count, bytes))
    defer { tally__partition_record__free_unpacked(message, nil) }
    #expect(message.pointee.next_offset == 1_234_567)
    #expect(message.pointee.generation == 3)
    #expect(String(cString: message.pointee.definition) == "00ff")
    #expect(message.pointee.log.pointee.last_crc32c == 0xdead_beef)
    #expect(message.pointee.log.pointee.partition_count == 12)
    #expect(message.pointee.log.pointee.partitioner == TALLY__PARTITIONER__FNV1A)
    #expect(message.pointee.counters.pointee.n_dead_lettered == 1)
    let letter = try #require(message.pointee.counters.pointee.dead_lettered[0])
    #expect(String(cString: letter.pointee.reason) == "future-time" && letter.pointee.count == 2)
    #expect(message.pointee.rebuilding_until == 99)
  }

  @Test("letters of a reason that is gone still count")
  func reasonsOfEarlierVersions() throws {
    #expect(DeadLetterReason(stored: "entity-moved") == .wrongPartition)
    for reason in DeadLetterReason.allCases { #expect(DeadLetterReason(stored: reason.rawValue) == reason) }
    #expect(DeadLetterReason(stored: "moved") == nil)
    var record = example
    record.counters.deadLettered[DeadLetterReason.wrongPartition.index] = 5
    // "entity-moved" is three bytes shorter than "wrong-partition", and so are the entry and the counters around it.
    var bytes = record.encoded
    let name = Array("wrong-partition".utf8)
    let at = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
    bytes.replaceSubrange(at..<(at + name.count), with: Array("entity-moved".utf8))
    bytes[at - 1] -= 3
    bytes[at - 3] -= 3
    let totals = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x3a]) && $0 < at })
    bytes[totals + 1] -= 3
    #expect(try PartitionRecord.read(bytes, partition: 0) == record)
  }

  @Test("truncated bytes are refused, never a crash")
  func truncated() {
    let bytes = example.encoded
    for count in 0..<bytes.count {
      if let decoded = PartitionRecord.decode(Array(bytes[..<count])) {
        #expect(decoded.record != example)
      }
    }
    #expect(PartitionRecord.decode([]) == nil)
  }

  @Test("CRC-32C of the standard check string")
  func checksum() {
    let text = Array("123456789".utf8)
    #expect(text.withUnsafeBytes { CRC32C.of($0) } == 0xe306_9283)
  }
}
