import Dataflow
package import Events
package import Ingest

/// Events that Tally itself puts into the log, in the protobuf form of proto/events.proto.
package enum ControlEvent {
  /// Field numbers of `tally.Event`'s kinds.
  private static let tickField = 12
  private static let erasureField = 13

  /// A control event's bytes; `kind` is a tick or an erasure.
  package static func encode(_ kind: EventKind, id: String, entityID: [UInt8], time: EventTime) -> [UInt8] {
    let isTick = kind == .tick
    return encode(
      id: id, entityID: entityID, time: time, source: isTick ? "tally tick" : "tally erase",
      kind: isTick ? tickField : erasureField)
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

extension EventAppending {
  /// Queues a tick or an erasure where its entity lives, signed by the key that counts now; `signedBy` nil: nothing need be signed.
  package func append(
    _ kind: EventKind, id: String, entityID: [UInt8], time: EventTime, signedBy rule: ControlRule?,
    nowMicros: Int64
  ) throws {
    var headers: [(StaticString, String)] = [("content-type", "application/x-protobuf")]
    if let key = rule?.key(at: nowMicros) {
      headers.append(
        (
          ControlKey.header,
          key.signature(kind: kind, entityID: entityID, eventID: Array(id.utf8), time: time)
        ))
    }
    try append(
      key: entityID, value: ControlEvent.encode(kind, id: id, entityID: entityID, time: time),
      headers: headers, partition: -1)
  }
}
