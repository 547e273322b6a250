/// Which part of a topic's log is read.
public struct LogPart: Sendable {
  /// Partitions to read; nil: all.
  public var partitions: Set<Int32>?
  /// First offset of a partition; without one: the log's first.
  public var from: [Int32: Int64]
  /// End of a partition, not read itself; without one: the log's end.
  public var until: [Int32: Int64]
  /// Offsets of a partition whose records are not given.
  public var leftOut: [Int32: LeftOutRanges]
  /// Unpacked size of a partition's batches beyond which they are unreadable, where it is its own, bytes; 0: it is not.
  public var unpackedBytesMax: [Int32: Int64]

  /// A part; by default the whole.
  public init(
    partitions: Set<Int32>? = nil, from: [Int32: Int64] = [:], until: [Int32: Int64] = [:],
    leftOut: [Int32: LeftOutRanges] = [:], unpackedBytesMax: [Int32: Int64] = [:]
  ) {
    self.partitions = partitions
    self.from = from
    self.until = until
    self.leftOut = leftOut.filter { !$0.value.ranges.isEmpty }
    self.unpackedBytesMax = unpackedBytesMax.filter { $0.value > 0 }
  }
}

/// A log as it stood when it was opened, without a group: read from its first record, or where it is told to start, to the end that it
/// had then.
public protocol LogSource: RecordSource {
  /// Offsets between the starts and the ends of all partitions: records, and those that hold none.
  var offsetsAtStart: Int64 { get }
  /// From now on reads what comes behind the ends, too, and never finishes.
  func follow()
}
