import Dataflow
import Events

/// Makes one bad record of each kind, in the name of the person of a good event.
///
/// The pipeline's own attributes (`session.duration_min`) serve for wrong types and bounds.
struct BadRecord {
  private let event: SyntheticEvent
  private let number: Int
  private let variant: Int
  private let tooLargeBytes: Int

  /// `number` makes its id; `variant`: which of the ways of being bad a kind takes, if it has several.
  init(_ event: SyntheticEvent, number: Int, variant: Int, tooLargeBytes: Int) {
    self.event = event
    self.number = number
    self.variant = variant
    self.tooLargeBytes = tooLargeBytes
  }

  func make(_ reason: DeadLetterReason) -> SyntheticRecord {
    let entity = event.entityID
    var record = SyntheticRecord(
      key: Array(entity.utf8), value: [], contentType: .json, time: event.time, expected: reason)
    switch reason {
    case .emptyRecord:
      record.key = nil
      record.value = nil
    case .emptyValue: record.value = nil
    case .keyMismatch:
      record.key = variant % 2 == 0 ? nil : Array("somebody-else".utf8)
      record.value = json()
    case .unknownEntity:
      record.key = Array("nobody-\(number)".utf8)
      record.value = json(entity: "nobody-\(number)", kind: "\"tick\":{}")
    case .invalidUTF8: record.value = invalidUTF8()
    case .notFinite:
      record.contentType = .protobuf
      record.value = notFinite()
    case .undecodable where variant % 2 == 0:
      record.contentType = .unknown
      record.value = json()
    default: record.value = text(reason)
    }
    return record
  }

  private func text(_ reason: DeadLetterReason) -> [UInt8] {
    switch reason {
    case .undecodable: return Array("{\"event_id\": \"cut off in the mid".utf8)
    case .tooLarge: return json(attributes: "\"note\":\"\(String(repeating: "x", count: tooLargeBytes))\"")
    case .tooDeep:
      return json(
        attributes: "\"a\":\(String(repeating: "[", count: 2000))\(String(repeating: "]", count: 2000))")
    case .unknownKind: return json(kind: "\"telepathy\":{}")
    case .unknownSchema: return json(schema: "99")
    case .missingEventID: return json(id: "")
    case .missingEntityID: return json(entity: "")
    case .missingTime: return json(time: 0)
    case .missingType: return json(kind: "\"engagement\":{\"attributes\":{}}")
    case .invalidID: return json(id: variant % 2 == 0 ? "a\\u0007b" : String(repeating: "i", count: 300))
    case .wrongType: return json(attributes: "\"duration_min\":\"long\"")
    case .outOfBounds: return json(attributes: "\"duration_min\":-5")
    case .invalidTime:
      // Before 1970, too late, in seconds, in milliseconds, in nanoseconds.
      let times = [-1, EventTimeBounds.end, event.time / Span.second, event.time / 1000, event.time &* 1000]
      return json(time: times[variant % times.count])
    case .futureTime: return json(time: EventTimeBounds.end - Span.day)
    default: return json()
    }
  }

  private func json(
    id: String? = nil, entity: String? = nil, time: EventTime? = nil, schema: String = "1",
    kind: String? = nil, attributes: String = ""
  ) -> [UInt8] {
    let kind = kind ?? "\"engagement\":{\"type\":\"session\",\"attributes\":{\(attributes)}}"
    let id = id ?? "bad-\(number)"
    return Array(
      ("{\"event_id\":\"\(id)\",\"entity_id\":\"\(entity ?? event.entityID)\","
        + "\"event_time_us\":\(time ?? event.time),\"schema_version\":\(schema),\(kind)}").utf8)
  }

  private func invalidUTF8() -> [UInt8] {
    var bytes = json(attributes: "\"note\":\"??\"")
    if let at = bytes.firstIndex(of: UInt8(ascii: "?")) {
      bytes[at] = 0xc3
      bytes[at + 1] = 0x28
    }
    return bytes
  }

  private func notFinite() -> [UInt8] {
    var writer = WireWriter()
    writer.field(1, string: "bad-\(number)")
    writer.field(2, string: event.entityID)
    writer.field(3, varint: UInt64(bitPattern: event.time))
    let engagement = writer.open(11)
    writer.field(1, string: "session")
    let attribute = writer.open(2)
    writer.field(1, string: "duration_min")
    writer.field(4, double: variant % 2 == 0 ? .nan : .infinity)
    writer.close(attribute)
    writer.close(engagement)
    return writer.bytes
  }
}
