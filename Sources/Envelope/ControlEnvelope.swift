internal import CEvents

/// A text that protobuf-c cannot carry: it ends strings at a zero byte.
public struct ZeroByteInText: Error, CustomStringConvertible {
  /// For the operator.
  public let description = "an id with a zero byte cannot be written as an event"
}

/// A tick or an erasure as `tally.Event` of proto/events.proto, packed by protobuf-c.
public struct ControlEnvelope {
  /// What it orders.
  public enum Kind: Sendable { case tick, erasure }

  /// Version of the event's envelope.
  private static let schemaVersion: UInt32 = 1

  /// Packs an event; `time` is microseconds UTC. Ids are 1 to 256 bytes of UTF-8, which the caller has checked. Throws
  /// `ZeroByteInText`, since an id that is cut off names another entity.
  public static func pack(
    _ kind: Kind, eventID: [UInt8], entityID: [UInt8], time: Int64, source: String
  ) throws(ZeroByteInText) -> [UInt8] {
    var eventID = try terminated(eventID)
    var entityID = try terminated(entityID)
    var source = try terminated(Array(source.utf8))
    return withText(&eventID) { eventID in
      withText(&entityID) { entityID in
        withText(&source) { source in
          var event = Tally__Event()
          tally__event__init(&event)
          (event.event_id, event.entity_id, event.source) = (eventID, entityID, source)
          event.event_time_us = time
          event.schema_version = schemaVersion
          return pack(&event, kind)
        }
      }
    }
  }

  private static func pack(_ event: inout Tally__Event, _ kind: Kind) -> [UInt8] {
    var tick = Tally__Tick()
    var erasure = Tally__Erasure()
    tally__tick__init(&tick)
    tally__erasure__init(&erasure)
    return withUnsafeMutablePointer(to: &tick) { tick in
      withUnsafeMutablePointer(to: &erasure) { erasure in
        switch kind {
        case .tick:
          event.kind_case = TALLY__EVENT__KIND_TICK
          event.tick = tick
        case .erasure:
          event.kind_case = TALLY__EVENT__KIND_ERASURE
          event.erasure = erasure
        }
        var bytes = [UInt8](repeating: 0, count: tally__event__get_packed_size(&event))
        let count = tally__event__pack(&event, &bytes)
        precondition(count == bytes.count, "protobuf-c packs as many bytes as it counts")
        return bytes
      }
    }
  }

  private static func terminated(_ text: [UInt8]) throws(ZeroByteInText) -> [UInt8] {
    if text.contains(0) { throw ZeroByteInText() }
    return text + [0]
  }

  private static func withText<R>(_ text: inout [UInt8], _ body: (UnsafeMutablePointer<CChar>?) -> R) -> R {
    text.withUnsafeMutableBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self)) }
  }
}
