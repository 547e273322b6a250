internal import CEvents

/// A text that protobuf-c cannot carry: it ends strings at a zero byte.
public struct ZeroByteInText: Error, CustomStringConvertible {
  /// For the operator.
  public let description = "an id with a zero byte cannot be written as an event"
}

/// A tick, an erasure or a promotion as `tally.Event` of proto/events.proto, packed by protobuf-c.
public struct ControlEnvelope {
  /// What it orders.
  public enum Kind: Equatable, Sendable {
    /// Time goes on for an entity.
    case tick
    /// What is known of an entity goes.
    case erasure
    /// Another set of models, by its hash, is to score a pipeline's events.
    case promotion(number: UInt64, set: String, pipeline: String)
  }

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
    var promotion = try PromotionTexts(kind)
    return withText(&eventID) { eventID in
      withText(&entityID) { entityID in
        withText(&source) { source in
          var event = Tally__Event()
          tally__event__init(&event)
          (event.event_id, event.entity_id, event.source) = (eventID, entityID, source)
          event.event_time_us = time
          event.schema_version = schemaVersion
          return pack(&event, kind, &promotion)
        }
      }
    }
  }

  /// What a promotion says, as C has it; empty for others.
  private struct PromotionTexts {
    var number: UInt64 = 0
    var set: [UInt8] = [0]
    var pipeline: [UInt8] = [0]

    init(_ kind: Kind) throws(ZeroByteInText) {
      guard case .promotion(let number, let set, let pipeline) = kind else { return }
      self.number = number
      self.set = try terminated(Array(set.utf8))
      self.pipeline = try terminated(Array(pipeline.utf8))
    }
  }

  private static func pack(
    _ event: inout Tally__Event, _ kind: Kind, _ texts: inout PromotionTexts
  ) -> [UInt8] {
    switch kind {
    case .tick:
      var tick = Tally__Tick()
      tally__tick__init(&tick)
      return withUnsafeMutablePointer(to: &tick) {
        event.kind_case = TALLY__EVENT__KIND_TICK
        event.tick = $0
        return pack(&event)
      }
    case .erasure:
      var erasure = Tally__Erasure()
      tally__erasure__init(&erasure)
      return withUnsafeMutablePointer(to: &erasure) {
        event.kind_case = TALLY__EVENT__KIND_ERASURE
        event.erasure = $0
        return pack(&event)
      }
    case .promotion:
      var promotion = Tally__Promotion()
      tally__promotion__init(&promotion)
      promotion.number = texts.number
      return withText(&texts.set) { set in
        withText(&texts.pipeline) { pipeline in
          (promotion.set, promotion.pipeline) = (set, pipeline)
          return withUnsafeMutablePointer(to: &promotion) {
            event.kind_case = TALLY__EVENT__KIND_PROMOTION
            event.promotion = $0
            return pack(&event)
          }
        }
      }
    }
  }

  private static func pack(_ event: inout Tally__Event) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: tally__event__get_packed_size(&event))
    let count = tally__event__pack(&event, &bytes)
    precondition(count == bytes.count, "protobuf-c packs as many bytes as it counts")
    return bytes
  }

  private static func terminated(_ text: [UInt8]) throws(ZeroByteInText) -> [UInt8] {
    if text.contains(0) { throw ZeroByteInText() }
    return text + [0]
  }

  private static func withText<R>(_ text: inout [UInt8], _ body: (UnsafeMutablePointer<CChar>?) -> R) -> R {
    text.withUnsafeMutableBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self)) }
  }
}
