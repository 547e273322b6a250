import CSimdjson
import Events

/// Reads the JSON form of an event with simdjson (proto/events.proto says which). Row code; one thread.
///
/// A key given twice counts with its last value; fields of other names are passed over; null is absent. Event
/// time is a whole number, also with an exponent or zeros behind a point, or a string of its decimal digits. Values that JSON writers
/// write and JSON does not have (NaN, infinity, half a surrogate pair), whole numbers beyond 64 bits and numbers beyond a double are what
/// they are: wrong where something else is declared, else passed over. A byte-order mark before the object is passed over. The record
/// ends with the object.
final class JSONReader {
  private let parser: OpaquePointer
  private var event = tally_json_event()

  /// A reader of values within `limits`; nil: out of memory. It holds about 13 bytes of address space per byte of
  /// `valueBytesMax`, touched only as far as values are long.
  init?(_ limits: DecoderLimits) {
    let depth = limits.jsonDepthMax + Self.depthSlack
    guard let made = tally_json_new(limits.valueBytesMax, depth, limits.attributesMax) else { return nil }
    parser = made
  }

  deinit { tally_json_free(parser) }

  /// simdjson refuses the depth that it is given; it must be one more than what is allowed. (An empty
  /// innermost object or array it does not count.)
  private static let depthSlack = 1

  /// Reads `value`; its texts stay valid until the next call. Returns why it is no JSON event at all, or nil.
  func read(_ value: UnsafeRawBufferPointer, into draft: inout EventDraft, _ batch: EventBatch)
    -> DeadLetterReason?
  {
    if let reason = parse(value) { return reason }
    draft.eventID = text(event.event_id, "event_id", &draft)
    draft.entityID = text(event.entity_id, "entity_id", &draft)
    draft.source = text(event.source, "source", &draft)
    readTime(event.event_time_us, &draft)
    readSchema(event.schema_version, &draft)
    readKind(&draft)
    readAttributes(&draft, batch)
    return nil
  }

  /// The entity id of a JSON event; nil: there is none, or it is no event.
  func entityID(of value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard parse(value) == nil, event.entity_id.kind == TALLY_JSON_TEXT.rawValue else { return nil }
    return UnsafeRawBufferPointer(start: event.entity_id.text, count: Int(event.entity_id.text_count))
  }

  private func parse(_ value: UnsafeRawBufferPointer) -> DeadLetterReason? {
    let value = Self.withoutMark(value)
    guard let base = value.baseAddress else { return .undecodable }
    switch tally_json_outcome(UInt32(tally_json_read(parser, base, value.count, &event))) {
    case TALLY_JSON_OK: return nil
    case TALLY_JSON_TOO_DEEP: return .tooDeep
    case TALLY_JSON_INVALID_UTF8: return .invalidUTF8
    case TALLY_JSON_TOO_LARGE: return .tooLarge
    default: return .undecodable
    }
  }

  /// A record without a byte-order mark (U+FEFF as UTF-8), which some writers put before JSON.
  static func withoutMark(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    guard value.count >= 3, value[0] == 0xef, value[1] == 0xbb, value[2] == 0xbf else { return value }
    return UnsafeRawBufferPointer(rebasing: value[3...])
  }

  private func text(
    _ value: tally_json_value, _ name: StaticString, _ draft: inout EventDraft
  ) -> UnsafeRawBufferPointer {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_TEXT: return UnsafeRawBufferPointer(start: value.text, count: Int(value.text_count))
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: return EventDraft.nothing
    case TALLY_JSON_GARBLED:
      draft.hasInvalidUTF8 = true
      return EventDraft.nothing
    default:
      draft.noteWrongType(name, "a text")
      return EventDraft.nothing
    }
  }

  private func readTime(_ value: tally_json_value, _ draft: inout EventDraft) {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_INTEGER: draft.time = Int64(bitPattern: value.bits)
    case TALLY_JSON_UNSIGNED, TALLY_JSON_BEYOND: draft.time = .max
    case TALLY_JSON_REAL:
      // 1767225600000000.0 and 1.7672256e15 are whole numbers, too.
      let real = Double(bitPattern: value.bits)
      if abs(real) >= 0x1p63 {
        draft.time = real < 0 ? .min : .max
        return
      }
      guard let time = Int64(exactly: real) else {
        draft.hasWrongTime = true
        return
      }
      draft.time = time
    case TALLY_JSON_TEXT:
      guard let time = Self.decimal(UnsafeRawBufferPointer(start: value.text, count: Int(value.text_count)))
      else {
        draft.hasWrongTime = true
        return
      }
      draft.time = time
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: break
    default: draft.hasWrongTime = true
    }
  }

  /// A whole number in decimal digits; beyond Int64 it is the nearest one. nil: something else.
  static func decimal(_ digits: UnsafeRawBufferPointer) -> Int64? {
    let isNegative = digits.first == UInt8(ascii: "-")
    guard digits.count > (isNegative ? 1 : 0) else { return nil }
    var value: Int64 = 0
    for index in (isNegative ? 1 : 0)..<digits.count {
      let digit = digits[index]
      guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
      let (ten, overTen) = value.multipliedReportingOverflow(by: 10)
      let (sum, overSum) = ten.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
      value = overTen || overSum ? Int64.max : sum
    }
    return isNegative ? -value : value
  }

  private func readSchema(_ value: tally_json_value, _ draft: inout EventDraft) {
    draft.schemaVersion = number(value, "schema_version", &draft)
  }

  /// A whole number from 0 on; absent: 0; beyond 64 bits: the largest.
  private func number(
    _ value: tally_json_value, _ name: StaticString, _ draft: inout EventDraft
  ) -> UInt64 {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_INTEGER where Int64(bitPattern: value.bits) >= 0: return value.bits
    case TALLY_JSON_UNSIGNED: return value.bits
    case TALLY_JSON_BEYOND: return .max
    case TALLY_JSON_REAL:
      if let number = UInt64(exactly: Double(bitPattern: value.bits)) { return number }
      draft.noteWrongType(name, "a whole number")
      return 0
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: return 0
    default:
      draft.noteWrongType(name, "a whole number")
      return 0
    }
  }

  private func readKind(_ draft: inout EventDraft) {
    var kinds = 0
    if isObject(event.profile, "profile", &draft) {
      kinds += 1
      draft.kind = mode(&draft)
    }
    if isObject(event.engagement, "engagement", &draft) {
      kinds += 1
      draft.kind = .engagement
      draft.type = text(event.type, "engagement.type", &draft)
    }
    if isObject(event.tick, "tick", &draft) {
      kinds += 1
      draft.kind = .tick
    }
    if isObject(event.erasure, "erasure", &draft) {
      kinds += 1
      draft.kind = .erasure
    }
    if isObject(event.promotion, "promotion", &draft) {
      kinds += 1
      draft.kind = .promotion
      draft.promotion.set = text(event.set, "promotion.set", &draft)
      draft.promotion.pipeline = text(event.pipeline, "promotion.pipeline", &draft)
      draft.promotion.number = number(event.number, "promotion.number", &draft)
    }
    if kinds > 1 { draft.kind = nil }
  }

  /// Whether a kind is there; something else than an object there is a wrong type.
  private func isObject(_ value: tally_json_value, _ name: StaticString, _ draft: inout EventDraft) -> Bool {
    if !isObjectOrNothing(value) { draft.noteWrongType(name, "an object") }
    return value.kind == TALLY_JSON_OBJECT.rawValue
  }

  private func isObjectOrNothing(_ value: tally_json_value) -> Bool {
    switch tally_json_kind(value.kind) {
    case TALLY_JSON_OBJECT, TALLY_JSON_ABSENT, TALLY_JSON_NULL: true
    default: false
    }
  }

  /// The profile's mode, by its name in either case or its number; absent: a snapshot.
  private func mode(_ draft: inout EventDraft) -> EventKind? {
    switch tally_json_kind(event.mode.kind) {
    case TALLY_JSON_ABSENT, TALLY_JSON_NULL: return .profileSnapshot
    case TALLY_JSON_INTEGER:
      return event.mode.bits == 0 ? .profileSnapshot : event.mode.bits == 1 ? .profileChange : nil
    case TALLY_JSON_TEXT:
      let name = UnsafeRawBufferPointer(start: event.mode.text, count: Int(event.mode.text_count))
      if Self.equal(name, "snapshot") || Self.equal(name, "SNAPSHOT") { return .profileSnapshot }
      return Self.equal(name, "change") || Self.equal(name, "CHANGE") ? .profileChange : nil
    default:
      draft.noteWrongType("profile.mode", "snapshot or change")
      return nil
    }
  }

  private static func equal(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
    bytes.count == word.utf8CodeUnitCount
      && bytes.elementsEqual(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  private func readAttributes(_ draft: inout EventDraft, _ batch: EventBatch) {
    if !isObjectOrNothing(event.attributes) { draft.noteWrongType("attributes", "an object") }
    draft.attributesTotal = Int(event.attributes_total)
    for index in 0..<Int(event.attributes_count) {
      let attribute = event.attribute[index]
      let name = UnsafeRawBufferPointer(start: attribute.name, count: Int(attribute.name_count))
      let value = FoundValue(attribute.value)
      if attribute.value.kind == TALLY_JSON_ARRAY.rawValue,
        readList(UInt64(index), named: name, &draft, batch)
      {
        continue
      }
      batch.appendAttribute(name: name, kind: value.kind, bits: value.bits, text: value.text)
    }
  }

  /// Reads a list that somebody declares. Returns false when nobody does.
  private func readList(
    _ attribute: UInt64, named name: UnsafeRawBufferPointer, _ draft: inout EventDraft, _ batch: EventBatch
  ) -> Bool {
    let number = batch.symbols.lookup(name)
    var list = tally_json_list()
    guard batch.symbols.isOfList(number), tally_json_read_list(parser, attribute, &list) != 0 else {
      return false
    }
    let first = batch.elements.count
    var element = (number: UInt64.max, first: first)
    for index in 0..<Int(list.count) {
      let entry = list.entry[index]
      if entry.element != element.number { element = (entry.element, batch.elements.count) }
      let value = FoundValue(entry.value)
      var field = SymbolTable.unknown
      if let name = entry.name {
        field = batch.symbols.lookup(UnsafeRawBufferPointer(start: name, count: Int(entry.name_count)))
        if field == SymbolTable.unknown { continue }
        if batch.hasElement(number: field, from: element.first) { draft.namesFieldTwice = true }
      }
      batch.appendElement(
        number: field, kind: value.kind, bits: value.bits, text: value.text, word: value.text)
    }
    batch.appendList(number: number, size: Int(list.size), first: first)
    return true
  }
}
