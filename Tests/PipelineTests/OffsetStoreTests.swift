import Dataflow
import Events
import Features
import TestThreads
import Testing

@testable import Pipeline

/// A group whose offsets are in memory, and what becomes of commits.
private final class FakeGroup {
  var committed: [Int32: CommittedOffset] = [:]
  var outcome = WriteOutcome.written
  var failures = 0
  var moves = 0
  var reads = 0

  func store() -> OffsetStore {
    OffsetStore(read: { partitions in
      self.reads += 1
      return partitions.map { self.committed[$0] }
    }) { mark in
      self.moves += 1
      if self.failures > 0 {
        self.failures -= 1
        throw PortError(.unavailable, "a test")
      }
      if self.outcome != .conflict {
        self.committed[mark.partition] = CommittedOffset(mark.shown, metadata: mark.metadata)
      }
      return self.outcome
    }
  }
}

@Suite("Records beside offsets") struct OffsetStoreTests {
  private let group = FakeGroup()

  private func record(_ next: Int64) -> [UInt8] {
    var record = PartitionRecord()
    record.nextOffset = next
    return record.encoded
  }

  private func write(_ expected: [UInt8], _ record: [UInt8]) -> StateWrite {
    var write = StateWrite()
    write.partition = 2
    write.expected = expected
    write.record = record
    return write
  }

  @Test("a write moves offset and record in one, and only from what was read or written last")
  func compareAndSet() throws {
    let store = group.store()
    #expect(try store.records([2]) == [nil])
    #expect(try store.write(write([], record(4))) == .written)
    #expect(group.committed[2]?.offset == 4 && group.committed[2]?.record == record(4))
    #expect(try store.write(write([], record(4))) == .alreadyWritten)
    #expect(try store.write(write(record(3), record(5))) == .conflict)
    group.outcome = .conflict
    #expect(try store.write(write(record(4), record(5))) == .conflict, "the group has gone on without us")
    #expect(group.committed[2]?.offset == 4 && group.moves == 2)
    #expect(try group.store().records([1, 2]) == [nil, record(4)])
  }

  @Test("what failed may still come: it is in doubt until the partitions are given up")
  func doubt() throws {
    let store = group.store()
    _ = try store.records([2])
    #expect(try store.write(write([], record(4))) == .written && !store.isInDoubt)
    group.failures = 1
    #expect(throws: PortError.self) { _ = try store.write(write(record(4), record(5))) }
    #expect(try store.write(write(record(4), record(5))) == .written && store.isInDoubt)
  }

  @Test("what a transaction has carried is there already, and fetching asks nobody")
  func transactions() throws {
    let store = group.store()
    _ = try store.records([2])
    store.note([OffsetMark(partition: 2, offset: 9, firstOffset: 0, record: record(9))])
    #expect(try store.write(write(record(4), record(9))) == .alreadyWritten && group.moves == 0)
    let reads = group.reads
    var found: [[UInt8]?] = []
    try store.fetch(
      partitions: [2, 1], entities: [], record: { _, bytes in found.append(bytes.map { Array($0) }) },
      state: { _, _ in })
    #expect(found == [record(9), nil] && group.reads == reads)
    #expect(try store.clear(2, whileRecordIs: record(9)) && !store.clear(2, whileRecordIs: record(4)))
  }

  @Test("a record for which brokers have no room is refused before anything is sent")
  func room() throws {
    let store = group.store()
    var large = PartitionRecord()
    large.clusterID = String(repeating: "c", count: OffsetMark.metadataBytesMax)
    #expect {
      _ = try store.write(write([], large.encoded))
    } throws: {
      ($0 as? PortError)?.reason == .skipRefused
    }
    #expect(group.moves == 0)
  }

  @Test("what is no record counts as none, and one of a newer program does not")
  func strangers() throws {
    group.committed[2] = CommittedOffset(5, metadata: "tally first=0 record=AAAA")
    #expect(try group.store().records([2]) == [nil])
    group.committed[2] = CommittedOffset(5, metadata: "tally first=0 record=?")
    #expect(try group.store().records([2]) == [nil])
    var writer = WireWriter()
    writer.field(1, varint: PartitionRecord.schemaVersion + 1)
    group.committed[2] = CommittedOffset(5, firstOffset: 0, record: writer.bytes)
    #expect(try group.store().records([2]) == [writer.bytes])
  }
}
