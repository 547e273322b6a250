import Dataflow
import Events

/// What a decoder has read of one event, before it is judged. Row code: runs of bytes in the record or the parser.
///
/// Attributes go to the batch as they are read; the draft counts them and keeps what is wrong with any.
struct EventDraft {
  var eventID = EventDraft.nothing
  var entityID = EventDraft.nothing
  var source = EventDraft.nothing
  var type = EventDraft.nothing
  var time: EventTime = 0
  var schemaVersion: UInt64 = 0
  var kind: EventKind?
  /// What a promotion says; its set as it stands there.
  var promotion: (number: UInt64, set: UnsafeRawBufferPointer, pipeline: UnsafeRawBufferPointer) = (
    0, EventDraft.nothing, EventDraft.nothing
  )
  var attributesTotal = 0
  var hasInvalidUTF8 = false
  var hasWrongType = false
  /// The first field of a wrong type, and what it should be.
  private var wrongField: (name: StaticString, wanted: StaticString)?
  /// Whether an element of a list names a field twice.
  var namesFieldTwice = false
  /// Whether a mapping has read it.
  var isMapped = false
  /// Whether the event time is something else than a whole number.
  var hasWrongTime = false

  static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  mutating func noteWrongType(_ name: StaticString, _ wanted: StaticString) {
    hasWrongType = true
    if wrongField == nil { wrongField = (name, wanted) }
  }

  /// The first thing that is wrong, in the order in which they are listed here; nil: nothing.
  func problem(key: UnsafeRawBufferPointer, ingestTimeMs: Int64, limits: DecoderLimits) -> DeadLetterReason? {
    if hasInvalidUTF8 { return .invalidUTF8 }
    if schemaVersion > UInt64(DecoderLimits.schemaVersionMax) { return .unknownSchema }
    if hasWrongType || hasWrongTime { return .wrongType }
    guard let kind else { return .unknownKind }
    if eventID.isEmpty { return .missingEventID }
    if entityID.isEmpty { return .missingEntityID }
    if time == 0 { return .missingTime }
    if kind == .engagement && type.isEmpty { return .missingType }
    if !Self.isID(eventID) || !Self.isID(entityID) { return .invalidID }
    if type.count > DecoderLimits.idBytesMax || source.count > DecoderLimits.idBytesMax { return .invalidID }
    if time < EventTimeBounds.start || time >= EventTimeBounds.end { return .invalidTime }
    if isFuture(ingestTimeMs: ingestTimeMs, limits) { return .futureTime }
    if kind == .promotion && brokenPromotion != nil { return .wrongType }
    if attributesTotal > limits.attributesMax { return .tooDeep }
    return Self.equal(key, entityID) ? nil : .keyMismatch
  }

  /// What is wrong with a promotion; nil: nothing.
  private var brokenPromotion: String? {
    if !entityID.elementsEqual(Promotion.entityID.utf8) {
      return "the entity_id of a promotion is not \(Promotion.entityID)"
    }
    if promotion.number == 0 { return "promotion.number is not a whole number from 1 on" }
    if Hash128(digits: promotion.set) == nil {
      return "promotion.set is not 32 small hexadecimal digits"
    }
    return promotion.pipeline.isEmpty ? "promotion.pipeline is absent" : nil
  }

  /// More about a reason that concerns the event time, for readers; empty: nothing. Never holds the time itself.
  func detail(of reason: DeadLetterReason, ingestTimeMs: Int64) -> String {
    switch reason {
    case .wrongType where hasWrongType:
      return wrongField.map { "\($0.name) is not \($0.wanted)" } ?? ""
    case .wrongType where hasWrongTime && !hasWrongType:
      return "event_time_us is not a whole number: microseconds since 1970 are expected"
    case .wrongType where kind == .promotion: return brokenPromotion ?? ""
    case .missingTime: return "event_time_us is absent or 0: microseconds since 1970 are expected"
    case .invalidTime: return EventTimeBounds.doubt(of: time).map { "event_time_us \($0)" } ?? ""
    case .futureTime where ingestTimeMs < 0:
      return "event_time_us is later than the instant that was given for records without a timestamp"
    case .futureTime where ingestTimeMs >= EventTimeBounds.end / 1000:
      return
        "the record's timestamp is after 2088, so that nothing can be compared with it: the producer's clock is wrong, or its "
        + "unit is not milliseconds"
    case .futureTime where ingestTimeMs < EventTimeBounds.start / 1000:
      return
        "the record's timestamp is before 1973-03-03: milliseconds since 1970 are expected of the producer"
    case .futureTime:
      return
        "event_time_us is further ahead of the record's timestamp than future_bound: a clock is wrong, or a local "
        + "time was sent as UTC"
    default: return ""
    }
  }

  /// Whether the event lies too far ahead of the moment at which the broker took it, or of the instant that was declared for records
  /// without such a moment. A record from after the last valid time is itself too far ahead: it would end the bound.
  private func isFuture(ingestTimeMs: Int64, _ limits: DecoderLimits) -> Bool {
    guard ingestTimeMs >= 0 else { return time > limits.latestTime }
    // Also keeps the product in range.
    guard ingestTimeMs < EventTimeBounds.end / 1000 else { return true }
    return time > ingestTimeMs * 1000 + limits.futureBound
  }

  /// At most 256 bytes, none of them a control character of ASCII.
  static func isID(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count <= DecoderLimits.idBytesMax else { return false }
    for byte in bytes where byte < 0x20 || byte == 0x7f { return false }
    return true
  }

  static func equal(_ a: UnsafeRawBufferPointer, _ b: UnsafeRawBufferPointer) -> Bool {
    guard a.count == b.count else { return false }
    for index in 0..<a.count where a[index] != b[index] { return false }
    return true
  }
}
