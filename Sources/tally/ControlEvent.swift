import Events

/// Events that Tally itself puts into the log, in the protobuf form of proto/events.proto.
enum ControlEvent {
  /// Field numbers of `tally.Event`'s kinds.
  private static let tickField = 12
  private static let erasureField = 13

  /// A tick's bytes.
  static func tick(id: String, entityID: [UInt8], time: EventTime) -> [UInt8] {
    encode(id: id, entityID: entityID, time: time, source: "tally tick", kind: tickField)
  }

  /// An erasure's bytes.
  static func erasure(id: String, entityID: [UInt8], time: EventTime) -> [UInt8] {
    encode(id: id, entityID: entityID, time: time, source: "tally erase", kind: erasureField)
  }

  private static func encode(
    id: String, entityID: [UInt8], time: EventTime, source: String, kind: Int
  ) -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, string: id)
    entityID.withUnsafeBytes { writer.field(2, bytes: $0) }
    writer.field(3, varint: UInt64(bitPattern: time))
    writer.field(4, string: source)
    writer.field(5, varint: 1)
    let empty = writer.open(kind)
    writer.close(empty)
    return writer.bytes
  }
}
