import Dataflow

/// The topic of events: its bytes stay until the run is over.
final class InputLog {
  struct Record {
    var number: Int
    var offset: Int64
    var key: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
    var timestampMs: Int64
    var unreadable: Int?
  }

  /// Records by partition, ascending by offset; those that are not yet appended included.
  private(set) var partitions: [[Record]]
  /// Records of each partition that are there.
  private(set) var visible: [Int]
  /// First offset of each partition that is still there.
  var low: [Int64]
  private let arena: UnsafeMutableRawPointer
  /// Bytes of records that nobody had planned.
  private var more: [UnsafeMutableRawBufferPointer] = []

  init(_ planned: [PlannedRecord], partitions count: Int) {
    partitions = Array(repeating: [], count: count)
    visible = Array(repeating: 0, count: count)
    low = Array(repeating: 0, count: count)
    arena = .allocate(
      byteCount: 1 + planned.reduce(0) { $0 + ($1.key?.count ?? 0) + $1.value.count }, alignment: 1)
    var used = 0
    func keep(_ bytes: [UInt8]?) -> UnsafeRawBufferPointer {
      guard let bytes else { return UnsafeRawBufferPointer(start: nil, count: 0) }
      let place = arena + used
      bytes.withUnsafeBytes {
        if let base = $0.baseAddress { place.copyMemory(from: base, byteCount: $0.count) }
      }
      used += bytes.count
      return UnsafeRawBufferPointer(start: place, count: bytes.count)
    }
    for record in planned {
      let offset = (partitions[record.partition].last?.offset ?? -1) + 1 + record.gap
      partitions[record.partition].append(
        Record(
          number: record.number, offset: offset, key: keep(record.key), value: keep(record.value),
          timestampMs: record.timestampMs, unreadable: record.unreadable))
    }
  }

  deinit {
    arena.deallocate()
    for bytes in more { bytes.deallocate() }
  }

  /// Appends a record that nobody had planned: those that are still to come lie behind it. Returns its offset.
  @discardableResult
  func insert(key: [UInt8], value: [UInt8], timestampMs: Int64, into partition: Int) -> Int64 {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: key.count + value.count, alignment: 1)
    bytes.copyBytes(from: key + value)
    more.append(bytes)
    let place = visible[partition]
    let offset = place == 0 ? 0 : partitions[partition][place - 1].offset + 1
    for later in place..<partitions[partition].count { partitions[partition][later].offset += 1 }
    let all = UnsafeRawBufferPointer(bytes)
    partitions[partition].insert(
      Record(
        number: -1, offset: offset, key: UnsafeRawBufferPointer(rebasing: all[..<key.count]),
        value: UnsafeRawBufferPointer(rebasing: all[key.count...]), timestampMs: timestampMs, unreadable: nil),
      at: place)
    visible[partition] += 1
    return offset
  }

  /// The partition's next record is appended.
  func append(to partition: Int) { visible[partition] += 1 }

  var isComplete: Bool { partitions.indices.allSatisfy { visible[$0] == partitions[$0].count } }

  /// Offset behind the last record that is there.
  func end(_ partition: Int) -> Int64 {
    visible[partition] == 0 ? 0 : partitions[partition][visible[partition] - 1].offset + 1
  }

  /// The offsets of a batch that cannot be read, as far as it is there, by the place of one of its records; nil: that one can be read.
  func unreadable(_ partition: Int, at place: Int) -> (from: Int64, until: Int64)? {
    let records = partitions[partition]
    guard let batch = records[place].unreadable else { return nil }
    var first = place
    while first > 0, records[first - 1].unreadable == batch { first -= 1 }
    var last = place
    while last + 1 < records.count, records[last + 1].unreadable == batch { last += 1 }
    return last < visible[partition] ? (records[first].offset, records[last].offset + 1) : nil
  }

  /// Position of the first record that is there from an offset on.
  func first(_ partition: Int, from offset: Int64) -> Int {
    var low = 0
    var high = visible[partition]
    while low < high {
      let middle = (low + high) / 2
      if partitions[partition][middle].offset < offset { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
