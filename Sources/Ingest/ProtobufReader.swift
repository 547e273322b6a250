import CSimdjson
import Events

/// Reads the protobuf form of an event (proto/events.proto). Row code.
///
/// Like protobuf-c: unknown fields are passed over, a field of another wire type than declared and a group are
/// malformed, a scalar given twice is its last value. Stricter: text is checked to be UTF-8, a second kind
/// leaves the event without one, and a field of number 0, a number of more than 64 bits and a tag of more than 32 are
/// malformed (protobuf-c passes over the one and cuts off the others).
struct ProtobufReader {
  /// Attributes to keep; more are only counted.
  let attributesMax: Int

  /// Reads `value`. Returns false when it is malformed.
  func read(_ value: UnsafeRawBufferPointer, into draft: inout EventDraft, _ batch: EventBatch) -> Bool {
    var reader = WireReader(value)
    var kinds = 0
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (1, 2): draft.eventID = text(&reader, &draft)
      case (2, 2): draft.entityID = text(&reader, &draft)
      case (3, 0): draft.time = Int64(bitPattern: reader.varint())
      case (4, 2): draft.source = text(&reader, &draft)
      case (5, 0): draft.schemaVersion = reader.varint()
      case (10, 2):
        kinds += 1
        draft.kind = .profileSnapshot
        guard readProfile(reader.delimited(), into: &draft, batch) else { return false }
      case (11, 2):
        kinds += 1
        draft.kind = .engagement
        guard readEngagement(reader.delimited(), into: &draft, batch) else { return false }
      case (12, 2):
        kinds += 1
        draft.kind = .tick
        guard readNothing(reader.delimited()) else { return false }
      case (13, 2):
        kinds += 1
        draft.kind = .erasure
        guard readNothing(reader.delimited()) else { return false }
      case (14, 2):
        kinds += 1
        draft.kind = .promotion
        guard readPromotion(reader.delimited(), into: &draft) else { return false }
      case (1...5, _), (10...14, _): return false
      default: reader.skip(tag.type)
      }
    }
    if kinds > 1 { draft.kind = nil }
    return !reader.failed
  }

  private func readProfile(_ bytes: UnsafeRawBufferPointer, into draft: inout EventDraft, _ batch: EventBatch)
    -> Bool
  {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (1, 0):
        switch reader.varint() {
        case 0: draft.kind = .profileSnapshot
        case 1: draft.kind = .profileChange
        default: draft.kind = nil
        }
      case (2, 2): guard readAttribute(reader.delimited(), into: &draft, batch) else { return false }
      case (1, _), (2, _): return false
      default: reader.skip(tag.type)
      }
    }
    return !reader.failed
  }

  private func readPromotion(_ bytes: UnsafeRawBufferPointer, into draft: inout EventDraft) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (1, 0): draft.promotion.number = reader.varint()
      case (2, 2): draft.promotion.set = text(&reader, &draft)
      case (3, 2): draft.promotion.pipeline = text(&reader, &draft)
      case (1...3, _): return false
      default: reader.skip(tag.type)
      }
    }
    return !reader.failed
  }

  /// A message without fields that we know.
  private func readNothing(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd { reader.skip(reader.tag().type) }
    return !reader.failed
  }

  private func readEngagement(
    _ bytes: UnsafeRawBufferPointer, into draft: inout EventDraft, _ batch: EventBatch
  ) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (1, 2): draft.type = text(&reader, &draft)
      case (2, 2): guard readAttribute(reader.delimited(), into: &draft, batch) else { return false }
      case (1, _), (2, _): return false
      default: reader.skip(tag.type)
      }
    }
    return !reader.failed
  }

  private func readAttribute(
    _ bytes: UnsafeRawBufferPointer, into draft: inout EventDraft, _ batch: EventBatch
  ) -> Bool {
    var value = ProtobufValue()
    guard value.read(bytes) else { return false }
    draft.attributesTotal += 1
    guard draft.attributesTotal <= attributesMax else {
      return value.list.map { ProtobufList.isWellFormed($0) } ?? true
    }
    if let list = value.list { return ProtobufList.read(list, named: value.name, into: &draft, batch) }
    batch.appendAttribute(name: value.name, kind: value.kind, bits: value.bits, text: value.text)
    return true
  }

  private func text(_ reader: inout WireReader, _ draft: inout EventDraft) -> UnsafeRawBufferPointer {
    let bytes = reader.delimited()
    if !Self.isUTF8(bytes) { draft.hasInvalidUTF8 = true }
    return bytes
  }

  /// Eight bytes at a time while they are ASCII; the rest is simdjson's to check.
  static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at + 8 <= bytes.count {
      if bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { break }
      at += 8
    }
    while at < bytes.count, bytes[at] < 0x80 { at += 1 }
    return at == bytes.count || tally_valid_utf8(bytes.baseAddress! + at, bytes.count - at) != 0
  }
}
