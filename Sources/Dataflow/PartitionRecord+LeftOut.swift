import Events

extension PartitionRecord {
  /// Offsets between where the states began and the last record read that held no record when they were read: marks of
  /// transactions and what was aborted, or records that compaction took. What is left out is not among them.
  public var skippedOffsets: Int64 {
    let left =
      leftOut.count(below: lastOffsetPlusOne) - leftOut.count(below: firstOffset, because: .deleted)
      - leftOut.count(below: firstOffset, because: .skipped)
    return max(0, lastOffsetPlusOne - firstOffset - Int64(clamping: counters.read) - left)
  }

  /// W, or behind what is left out there.
  public var nextRead: Int64 { leftOut.end(from: nextOffset) }

  /// Offsets below W that are left out, by cause.
  public var passedOffsets: [LeftOutCause: Int64] {
    var found: [LeftOutCause: Int64] = [:]
    for cause in LeftOutCause.allCases {
      let count = leftOut.count(below: nextOffset, because: cause)
      if count > 0 { found[cause] = count }
    }
    return found
  }

  /// Whether it can lie beside the group's offset of its partition, and its counters grow there.
  public var fitsBesideOffset: Bool {
    let growth = Self.besideOffsetGrowthMax
    return OffsetMark(of: self, partition: 0).metadata.utf8.count <= OffsetMark.metadataBytesMax - growth
  }

  /// Bytes that may still come to a record beside an offset: counters of reasons that have not happened yet.
  private static let besideOffsetGrowthMax = 1024

  /// Of the oldest unreadable ranges keeps only the number of offsets, as far as there is no room for them beside the group's offset.
  public mutating func fitBesideOffset() {
    while !fitsBesideOffset, leftOut.forgetOne() {}
  }

  /// Programs that do not know of what is left out, or of promotions, must not read on; they may, where there is nothing of the kind.
  var writtenVersion: UInt64 {
    if modelSetNumber != 0 || counters.promoted != 0 { return Self.schemaVersion }
    return leftOut.isEmpty && unpackedBytesMax == 0 ? 4 : 5
  }

  /// The set of models in force at W.
  public var inForce: ModelSetInForce {
    get { ModelSetInForce(number: modelSetNumber, hash: modelSet) }
    set { (modelSetNumber, modelSet) = (newValue.number, newValue.hash) }
  }

  func encodeLeftOut(into writer: inout WireWriter) {
    for range in leftOut.ranges {
      let entry = writer.open(14)
      if range.from != 0 { writer.field(1, varint: UInt64(bitPattern: range.from)) }
      writer.field(2, varint: UInt64(bitPattern: range.until))
      writer.field(3, varint: Self.number(of: range.cause))
      writer.close(entry)
    }
    if leftOut.forgotten != 0 { writer.field(15, varint: UInt64(bitPattern: leftOut.forgotten)) }
    if unpackedBytesMax != 0 { writer.field(16, varint: UInt64(bitPattern: unpackedBytesMax)) }
  }

  /// Reads one range. Returns false when it is none.
  mutating func decodeLeftOut(_ raw: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(raw)
    var ends: (from: Int64, until: Int64) = (0, 0)
    var cause: LeftOutCause?
    while !reader.atEnd {
      let (number, type) = reader.tag()
      switch (number, type) {
      case (1, 0): ends.from = Int64(bitPattern: reader.varint())
      case (2, 0): ends.until = Int64(bitPattern: reader.varint())
      case (3, 0):
        let number = reader.varint()
        cause = LeftOutCause.allCases.first { Self.number(of: $0) == number }
      default: reader.skip(type)
      }
    }
    guard !reader.failed, let cause, ends.from >= 0, ends.until > ends.from else { return false }
    leftOut.add(LeftOut(from: ends.from, until: ends.until, cause: cause))
    return true
  }

  mutating func addForgotten(_ count: Int64) {
    leftOut.add(LeftOutRanges([], forgotten: max(0, count)))
  }

  /// Its number in proto/state.proto.
  private static func number(of cause: LeftOutCause) -> UInt64 {
    switch cause {
    case .deleted: 1
    case .unreadable: 2
    case .skipped: 3
    }
  }
}
