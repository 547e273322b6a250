/// A group's committed offset of a partition (C), as read.
public struct CommittedOffset: Equatable, Sendable {
  /// Next offset to read.
  public var offset: Int64
  /// The offset as the group shows it: beyond `offset` where nothing but marks of transactions lies between.
  public var shown: Int64
  /// Where the partition's states began, which Tally writes beside each offset; nil: somebody else committed this one.
  public var firstOffset: Int64?
  /// How entities were spread over the partitions, which Tally writes there too; nil: not known.
  public var homes: KeyHomes?
  /// What operators have ordered to leave out of the partition, which Tally writes there too.
  public var leftOut: LeftOutRanges

  /// The stored form of the partition's record, of a pipeline that keeps no state: it lies nowhere else; nil: there is none.
  public var record: [UInt8]?

  /// Whether what is to be left out stands there in words that this program does not know: `leftOut` lacks it then.
  public private(set) var leftOutIsUnread = false

  package init(
    _ offset: Int64, firstOffset: Int64? = nil, homes: KeyHomes? = nil, shown: Int64? = nil,
    leftOut: LeftOutRanges = LeftOutRanges(), record: [UInt8]? = nil
  ) {
    self.offset = offset
    self.shown = max(shown ?? offset, offset)
    self.firstOffset = firstOffset
    self.homes = homes
    self.leftOut = leftOut
    self.record = record
  }

  /// An offset with the text that the group keeps beside it (`OffsetMark.metadata`); an earlier version's text has no homes.
  public init(_ offset: Int64, metadata: String) {
    guard metadata.utf8.starts(with: OffsetMark.markedBy.utf8) else {
      self.init(offset)
      return
    }
    let words = metadata.dropFirst(OffsetMark.markedBy.count).split(separator: " ")
    func value(_ name: String) -> Substring? {
      words.dropFirst().first { $0.utf8.starts(with: (name + "=").utf8) }?.dropFirst(name.count + 1)
    }
    let first = words.first.flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
    let partitioner = value("partitioner").flatMap { Partitioner(rawValue: String($0)) }
    let count = value("partitions").flatMap { Int32($0) }.flatMap { $0 > 0 ? $0 : nil }
    let homes = partitioner.flatMap { partitioner in count.map { KeyHomes(partitioner, partitionCount: $0) } }
    let next = value("next").flatMap { Int64($0) }.flatMap { (0...max(offset, 0)).contains($0) ? $0 : nil }
    let left = value("left")
    let leftOut = left.flatMap { LeftOutRanges(text: $0) }
    self.init(
      next ?? offset, firstOffset: first, homes: homes, shown: offset, leftOut: leftOut ?? LeftOutRanges(),
      // What is not even bytes is no record that could be read either.
      record: value("record").map { Base64.bytes(of: $0) ?? [] })
    leftOutIsUnread = left != nil && leftOut == nil
  }
}

/// An offset to commit.
public struct OffsetMark: Equatable, Sendable {
  /// Partition.
  public var partition: Int32
  /// Next offset to read.
  public var offset: Int64
  /// The end that reading has reached: between `offset` and it lie only marks of transactions. The group shows this one, so that
  /// its lag is 0 at rest.
  public var shown: Int64
  /// Where the partition's states began: what a lost store is rebuilt from.
  public var firstOffset: Int64
  /// How entities are spread over the log's partitions: what a lost store may be rebuilt by.
  public var homes: KeyHomes?
  /// What operators have ordered to leave out of the partition: what a lost store is rebuilt without.
  public var leftOut: LeftOutRanges
  /// The stored form of the partition's record, of a pipeline that keeps no state; empty: it lies in a store.
  public var record: [UInt8]

  /// What brokers take of such a text by default, bytes (`offset.metadata.max.bytes`).
  public static let metadataBytesMax = 4096

  /// The text that the group keeps beside the offset; an operator's reset has none: `tally first=12 partitioner=murmur2 partitions=8`;
  /// ` next=N` where the offset shown is another; ` left=500-999:deleted` where something is left out by order; ` record=BASE64` of a
  /// pipeline that keeps no state.
  public var metadata: String {
    let homes = homes.map { " partitioner=\($0.partitioner.rawValue) partitions=\($0.partitionCount)" }
    let next = shown > offset ? " next=\(offset)" : ""
    let left = leftOut.ranges.isEmpty ? "" : " left=\(leftOut.text)"
    let record = record.isEmpty ? "" : " record=\(Base64.text(of: record))"
    return "\(Self.markedBy)\(firstOffset)\(homes ?? "")\(next)\(left)\(record)"
  }

  static let markedBy = "tally first="

  package init(
    partition: Int32, offset: Int64, firstOffset: Int64, homes: KeyHomes? = nil, shown: Int64? = nil,
    leftOut: LeftOutRanges = LeftOutRanges(), record: [UInt8] = []
  ) {
    self.partition = partition
    self.offset = offset
    self.shown = max(shown ?? offset, offset)
    self.firstOffset = firstOffset
    self.homes = homes
    self.leftOut = leftOut.orders
    self.record = record
  }

  /// The offset of a record that lies beside it: W is C.
  package init(of record: PartitionRecord, partition: Int32) {
    self.init(
      partition: partition, offset: record.nextOffset, firstOffset: record.firstOffset, homes: record.homes,
      leftOut: record.leftOut, record: record.encoded)
  }
}
