public import Events

/// Totals of a partition since its state began; `read == scored + duplicate + erased + promoted + deadLettered.sum`.
public struct PartitionCounters: Equatable, Sendable {
  /// Records read.
  public var read: UInt64 = 0
  /// Events scored.
  public var scored: UInt64 = 0
  /// Events whose id was among the entity's last 32.
  public var duplicate: UInt64 = 0
  /// Erasures.
  public var erased: UInt64 = 0
  /// Promotions of models, also those that change nothing.
  public var promoted: UInt64 = 0
  /// Dead letters by `DeadLetterReason.index`.
  public var deadLettered = [UInt64](repeating: 0, count: DeadLetterReason.count)

  /// No events.
  public init() {}
}

/// Where a partition stands: W and what its state was made from. Stored beside the states and moved with them by
/// compare-and-set; the stored form is `PartitionRecord` of proto/state.proto.
public struct PartitionRecord: Equatable, Sendable {
  /// Newest version of the stored form that this program knows; it reads older ones. 2: clearing, erasures, repairs. 3: guarantee,
  /// successor. 4: partitioner. 5: what is left out. 6: promotions.
  public static let schemaVersion: UInt64 = 6

  /// Store generation.
  public var generation: UInt64 = 1
  /// W: the next offset to read.
  public var nextOffset: Int64 = 0
  /// Hash of what the state means (`FeatureProgram.stateHash`), hex.
  public var definition = ""
  /// Hash of the model set in force at W, hex.
  public var modelSet = ""
  /// Number of the promotion by which it is; 0: there was none.
  public var modelSetNumber: UInt64 = 0
  /// The log's cluster id.
  public var clusterID = ""
  /// The log's number of partitions.
  public var partitionCount: Int32 = 0
  /// How the log's producers spread keys, by which the states' entities live on this partition; nil: an earlier version made the
  /// states, and whether they are at home is not known.
  public var partitioner: Partitioner?
  /// Timestamp of the last record read, milliseconds.
  public var lastTimestampMs: Int64 = 0
  /// CRC-32C of the last record read.
  public var lastCRC: UInt32 = 0
  /// Offset of the last record read, plus one; 0: none.
  public var lastOffsetPlusOne: Int64 = 0
  /// Totals.
  public var counters = PartitionCounters()
  /// While a lost store is rebuilt: the offset at which it is whole again; else 0.
  public var rebuildingUntil: Int64 = 0
  /// The offset at which the states began.
  public var firstOffset: Int64 = 0
  /// Whether states of an earlier life are still being removed: nothing may be read before that is done.
  public var isClearing = false
  /// How often a single entity was rebuilt: moves the record without W, so that workers drop what they have cached.
  public var repairs: UInt64 = 0
  /// The guarantee under which T and C were moved last: what they must be beside W.
  public var guarantee = DeliveryGuarantee.effectivelyOnce
  /// The generation that has taken over from this one, which is never written again; 0: none.
  public var successor: UInt64 = 0
  /// What is left out of states and scores; orders may lie ahead of W.
  public var leftOut = LeftOutRanges()
  /// Unpacked size of a producer's batch, bytes, beyond which it counts as unreadable; 0: nothing was unreadable yet.
  public var unpackedBytesMax: Int64 = 0

  /// A record of nothing read.
  public init() {}

  /// How entities are spread over the log's partitions; nil: not known.
  public var homes: KeyHomes? {
    guard let partitioner, partitionCount > 0 else { return nil }
    return KeyHomes(partitioner, partitionCount: partitionCount)
  }

  /// The stored form; equal records have equal bytes.
  public func encode(into writer: inout WireWriter) {
    writer.field(1, varint: writtenVersion)
    writer.field(2, varint: generation)
    if nextOffset != 0 { writer.field(3, varint: UInt64(bitPattern: nextOffset)) }
    writer.field(4, string: definition)
    writer.field(5, string: modelSet)
    let log = writer.open(6)
    writer.field(1, string: clusterID)
    writer.field(2, varint: UInt64(bitPattern: Int64(partitionCount)))
    if lastTimestampMs != 0 { writer.field(3, varint: UInt64(bitPattern: lastTimestampMs)) }
    if lastCRC != 0 { writer.field(4, varint: UInt64(lastCRC)) }
    if lastOffsetPlusOne != 0 { writer.field(5, varint: UInt64(bitPattern: lastOffsetPlusOne)) }
    if let partitioner { writer.field(6, varint: Self.number(of: partitioner)) }
    writer.close(log)
    let totals = writer.open(7)
    encodeCounters(into: &writer)
    writer.close(totals)
    if rebuildingUntil != 0 { writer.field(8, varint: UInt64(bitPattern: rebuildingUntil)) }
    if firstOffset != 0 { writer.field(9, varint: UInt64(bitPattern: firstOffset)) }
    if isClearing { writer.field(10, varint: 1) }
    if repairs != 0 { writer.field(11, varint: repairs) }
    if guarantee == .exactlyOnce { writer.field(12, varint: 1) }
    if successor != 0 { writer.field(13, varint: successor) }
    encodeLeftOut(into: &writer)
    if modelSetNumber != 0 { writer.field(17, varint: modelSetNumber) }
  }

  private func encodeCounters(into writer: inout WireWriter) {
    if counters.read != 0 { writer.field(1, varint: counters.read) }
    if counters.scored != 0 { writer.field(2, varint: counters.scored) }
    if counters.duplicate != 0 { writer.field(3, varint: counters.duplicate) }
    for reason in DeadLetterReason.allCases where counters.deadLettered[reason.index] != 0 {
      let entry = writer.open(4)
      writer.field(1, string: reason.rawValue)
      writer.field(2, varint: counters.deadLettered[reason.index])
      writer.close(entry)
    }
    if counters.erased != 0 { writer.field(5, varint: counters.erased) }
    if counters.promoted != 0 { writer.field(6, varint: counters.promoted) }
  }

  /// The stored form, as `encode(into:)` writes it.
  public var encoded: [UInt8] {
    var writer = WireWriter()
    encode(into: &writer)
    return writer.bytes
  }

  /// Reads the stored form; nil: malformed. A newer schema version is the caller's to refuse: `schemaVersion` of the
  /// bytes is returned beside.
  public static func decode(_ bytes: [UInt8]) -> (record: PartitionRecord, schemaVersion: UInt64)? {
    bytes.withUnsafeBytes { raw in
      var record = PartitionRecord()
      var schema: UInt64 = 0
      var reader = WireReader(raw)
      while !reader.atEnd {
        let (number, type) = reader.tag()
        switch (number, type) {
        case (1, 0): schema = reader.varint()
        case (2, 0): record.generation = reader.varint()
        case (3, 0): record.nextOffset = Int64(bitPattern: reader.varint())
        case (4, 2): record.definition = String(decoding: reader.delimited(), as: UTF8.self)
        case (5, 2): record.modelSet = String(decoding: reader.delimited(), as: UTF8.self)
        case (6, 2): guard record.decodeLog(reader.delimited()) else { return nil }
        case (7, 2): guard record.decodeCounters(reader.delimited()) else { return nil }
        case (8, 0): record.rebuildingUntil = Int64(bitPattern: reader.varint())
        case (9, 0): record.firstOffset = Int64(bitPattern: reader.varint())
        case (10, 0): record.isClearing = reader.varint() != 0
        case (11, 0): record.repairs = reader.varint()
        case (12, 0): record.guarantee = reader.varint() == 1 ? .exactlyOnce : .effectivelyOnce
        case (13, 0): record.successor = reader.varint()
        case (14, 2): guard record.decodeLeftOut(reader.delimited()) else { return nil }
        case (15, 0): record.addForgotten(Int64(bitPattern: reader.varint()))
        case (16, 0): record.unpackedBytesMax = Int64(bitPattern: reader.varint())
        case (17, 0): record.modelSetNumber = reader.varint()
        default: reader.skip(type)
        }
      }
      guard !reader.failed, schema > 0, record.nextOffset >= 0 else { return nil }
      return (record, schema)
    }
  }

  /// Decodes a stored partition record. Throws when it is malformed or newer than this program.
  public static func read(_ bytes: [UInt8], partition: Int32) throws -> PartitionRecord {
    guard let (record, schema) = PartitionRecord.decode(bytes) else {
      throw PortError(
        .refused,
        "partition \(partition): the store's partition record cannot be read; what to do: delete its key "
          + "({PIPELINE/GENERATION/\(partition)}:r in Redis) and rebuild the states: tally rebuild",
        reason: .corruptState)
    }
    guard schema <= PartitionRecord.schemaVersion else {
      throw PortError(
        .refused,
        "partition \(partition): the store was written by a newer program (schema \(schema), this one knows "
          + "\(PartitionRecord.schemaVersion)): update this program", reason: .newerVersion)
    }
    return record
  }

  /// Its number in proto/state.proto.
  private static func number(of partitioner: Partitioner) -> UInt64 {
    switch partitioner {
    case .murmur2: 1
    case .crc32: 2
    case .fnv1a: 3
    }
  }

  private mutating func decodeLog(_ raw: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(raw)
    while !reader.atEnd {
      let (number, type) = reader.tag()
      switch (number, type) {
      case (1, 2): clusterID = String(decoding: reader.delimited(), as: UTF8.self)
      case (2, 0): partitionCount = Int32(truncatingIfNeeded: reader.varint())
      case (3, 0): lastTimestampMs = Int64(bitPattern: reader.varint())
      case (4, 0): lastCRC = UInt32(truncatingIfNeeded: reader.varint())
      case (5, 0): lastOffsetPlusOne = Int64(bitPattern: reader.varint())
      case (6, 0):
        let number = reader.varint()
        partitioner = Partitioner.allCases.first { Self.number(of: $0) == number }
      default: reader.skip(type)
      }
    }
    return !reader.failed
  }

  private mutating func decodeCounters(_ raw: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(raw)
    while !reader.atEnd {
      let (number, type) = reader.tag()
      switch (number, type) {
      case (1, 0): counters.read = reader.varint()
      case (2, 0): counters.scored = reader.varint()
      case (3, 0): counters.duplicate = reader.varint()
      case (4, 2):
        var entry = WireReader(reader.delimited())
        var reason: DeadLetterReason?
        var count: UInt64 = 0
        while !entry.atEnd {
          let (field, wire) = entry.tag()
          switch (field, wire) {
          case (1, 2): reason = DeadLetterReason(stored: String(decoding: entry.delimited(), as: UTF8.self))
          case (2, 0): count = entry.varint()
          default: entry.skip(wire)
          }
        }
        guard !entry.failed, let reason else { return false }
        counters.deadLettered[reason.index] += count
      case (5, 0): counters.erased = reader.varint()
      case (6, 0): counters.promoted = reader.varint()
      default: reader.skip(type)
      }
    }
    return !reader.failed
  }
}
