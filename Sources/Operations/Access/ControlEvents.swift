import Envelope
import Dataflow
package import Events
package import Ingest

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
    let isTick = kind == .tick
    let value = try ControlEnvelope.pack(
      isTick ? .tick : .erasure, eventID: Array(id.utf8), entityID: entityID, time: time,
      source: isTick ? "tally tick" : "tally erase")
    try append(key: entityID, value: value, headers: headers, partition: -1)
  }
}
