import Envelope
import Dataflow
package import Events
package import Ingest

extension EventAppending {
  /// Queues a tick or an erasure where its entity lives (`partition` -1), or a promotion on a partition, signed by the key that counts now;
  /// `signedBy` nil: nothing need be signed.
  package func append(
    _ order: ControlOrder, id: String, entityID: [UInt8], time: EventTime, signedBy rule: ControlRule?,
    nowMicros: Int64, partition: Int32 = -1
  ) throws {
    var headers: [(StaticString, String)] = [("content-type", "application/x-protobuf")]
    if let key = rule?.key(at: nowMicros) {
      headers.append(
        (
          ControlKey.header,
          key.signature(of: order, entityID: entityID, eventID: Array(id.utf8), time: time)
        ))
    }
    let (kind, source): (ControlEnvelope.Kind, String) =
      switch order {
      case .tick: (.tick, "tally tick")
      case .erasure: (.erasure, "tally erase")
      case .promotion(let promotion, let pipeline):
        (.promotion(number: promotion.number, set: promotion.set.hex, pipeline: pipeline), "tally models")
      }
    let value = try ControlEnvelope.pack(
      kind, eventID: Array(id.utf8), entityID: entityID, time: time, source: source)
    try append(key: entityID, value: value, headers: headers, partition: partition)
  }
}
