import CEvents
import CSimdjson
import Dataflow
import Events
import Features
import Glibc

/// What Tally's decoder would still have to do if protobuf-c read its events: the same checks, and the same event in the batch.
final class AdoptedEvent {
  private let program: FeatureProgram
  private let homes: KeyHomes
  private let batch: EventBatch
  private var lastUse: [UInt64]
  private var serial: UInt64 = 0

  init(_ program: FeatureProgram, homes: KeyHomes, into batch: EventBatch) {
    (self.program, self.homes, self.batch) = (program, homes, batch)
    lastUse = Array(repeating: 0, count: program.symbols.names.count)
  }

  /// Whether the event is taken.
  func take(_ event: borrowing Tally__Event, _ record: RawRecord) -> Bool {
    batch.begin()
    let first = batch.attributes.count
    let (id, entity, source) = (
      Self.bytes(event.event_id), Self.bytes(event.entity_id), Self.bytes(event.source)
    )
    var type = UnsafeRawBufferPointer(start: nil, count: 0)
    let kind: EventKind
    switch event.kind_case {
    case TALLY__EVENT__KIND_PROFILE:
      let profile = event.profile.pointee
      kind = profile.mode == TALLY__PROFILE__MODE__SNAPSHOT ? .profileSnapshot : .profileChange
      guard append(profile.attributes, profile.n_attributes) else { return false }
    case TALLY__EVENT__KIND_ENGAGEMENT:
      kind = .engagement
      type = Self.bytes(event.engagement.pointee.type)
      guard append(event.engagement.pointee.attributes, event.engagement.pointee.n_attributes) else {
        return false
      }
    case TALLY__EVENT__KIND_TICK: kind = .tick
    case TALLY__EVENT__KIND_ERASURE: kind = .erasure
    default: return false
    }
    guard Self.isUTF8(id), Self.isUTF8(entity), Self.isUTF8(source), Self.isUTF8(type),
      event.schema_version <= 1,
      Self.isID(id), Self.isID(entity), kind != .engagement || !type.isEmpty, type.count <= 256,
      source.count <= 256,
      event.event_time_us >= EventTimeBounds.start, event.event_time_us < EventTimeBounds.end,
      event.event_time_us <= record.ingestTimeMs * 1000 + 5 * Span.minute, record.key.elementsEqual(entity)
    else { return false }
    return commit(kind, type, (id, entity, source), event.event_time_us, from: first, record)
  }

  private func commit(
    _ kind: EventKind, _ type: UnsafeRawBufferPointer,
    _ ids: (event: UnsafeRawBufferPointer, entity: UnsafeRawBufferPointer, source: UnsafeRawBufferPointer),
    _ time: EventTime, from first: Int, _ record: RawRecord
  ) -> Bool {
    serial += 1
    let attributes = batch.attributes
    for index in first..<attributes.count {
      let name = Int(attributes[index].name)
      if lastUse[name] == serial { return false }
      lastUse[name] = serial
    }
    let number = kind == .engagement ? batch.symbols.lookup(type) : SymbolTable.unknown
    let (event, entity) = (batch.append(ids.event), batch.append(ids.entity))
    let source = batch.append(ids.source)
    let whole = Event(
      kind: kind, type: number, eventID: event, entityID: entity, source: source, time: time,
      idHash: Hash128(low: 0, high: 0), attributesStart: Int32(first),
      attributesCount: Int32(batch.attributes.count - first))
    var undeclared = 0
    guard program.problem(of: whole, in: batch, undeclared: &undeclared) == nil,
      homes.home(of: ids.entity) == record.partition
    else { return false }
    batch.commit(kind: kind, type: number, eventID: event, entityID: entity, source: source, time: time)
    return true
  }

  private func append(_ list: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?, _ count: Int)
    -> Bool
  {
    guard count <= 256 else { return false }
    for index in 0..<count {
      guard let attribute = list?[index] else { return false }
      let name = Self.bytes(attribute.pointee.name)
      switch attribute.pointee.value_case {
      case TALLY__ATTRIBUTE__VALUE_BOOL_VALUE:
        batch.appendAttribute(name: name, kind: .flag, bits: attribute.pointee.bool_value == 0 ? 0 : 1)
      case TALLY__ATTRIBUTE__VALUE_INT_VALUE:
        batch.appendAttribute(
          name: name, kind: .integer, bits: UInt64(bitPattern: attribute.pointee.int_value))
      case TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE:
        let value = attribute.pointee.double_value
        batch.appendAttribute(name: name, kind: value.isFinite ? .real : .infinite, bits: value.bitPattern)
      case TALLY__ATTRIBUTE__VALUE_STRING_VALUE:
        let text = Self.bytes(attribute.pointee.string_value)
        if Self.isUTF8(text) {
          batch.appendAttribute(name: name, kind: .text, bits: 0, text: text)
        } else {
          batch.appendAttribute(name: name, kind: .garbled, bits: 0)
        }
      default: batch.appendAttribute(name: name, kind: .null, bits: 0)
      }
    }
    return true
  }

  private static func bytes(_ text: UnsafeMutablePointer<CChar>?) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: text, count: text.map { strlen($0) } ?? 0)
  }

  private static func isID(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard (1...256).contains(bytes.count) else { return false }
    for byte in bytes where byte < 0x20 || byte == 0x7f { return false }
    return true
  }

  /// As Ingest checks it: eight bytes at a time while they are ASCII.
  private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var at = 0
    while at + 8 <= bytes.count {
      if bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) & 0x8080_8080_8080_8080 != 0 { break }
      at += 8
    }
    while at < bytes.count, bytes[at] < 0x80 { at += 1 }
    return at == bytes.count || tally_valid_utf8(bytes.baseAddress.map { $0 + at }, bytes.count - at) != 0
  }
}
