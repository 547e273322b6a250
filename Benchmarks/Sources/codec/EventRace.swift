import CEvents
import Dataflow
import Events
import Features
import Ingest

/// Who reads events faster. Tally's decoder also checks them, finds names and words in the pipeline's symbols, hashes ids and copies
/// what is kept out of the record; protobuf-c only makes structures of C.
final class EventRace {
  private let events: [SampleEvent]
  private let records: [RawRecord]
  private let program: FeatureProgram
  private let decoder: EventDecoder
  private let batch: EventBatch
  private let adopted: AdoptedEvent
  /// Of a message.
  let bytesMean: Int

  init(_ events: [SampleEvent]) throws {
    self.events = events
    program = try Samples.program(for: events)
    let homes = KeyHomes(.murmur2, partitionCount: 8)
    decoder = try EventDecoder(program, homes: homes)
    batch = EventBatch(symbols: program.symbols)
    adopted = AdoptedEvent(program, homes: homes, into: batch)
    records = events.enumerated().map { index, event in
      let key = Self.immortal(Array(event.entityID.utf8))
      return RawRecord(
        partition: homes.home(of: key), offset: Int64(index), ingestTimeMs: event.time / 1000, key: key,
        value: Self.immortal(event.value), contentType: .protobuf)
    }
    bytesMean = events.reduce(0) { $0 + $1.value.count } / events.count
  }

  private static func immortal(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    copy.copyBytes(from: bytes)
    return UnsafeRawBufferPointer(copy)
  }

  /// protobuf-c packs what it has read to the same bytes, and both have read the same.
  func check() throws {
    for (index, record) in records.enumerated() {
      func difference(_ what: String) -> Difference {
        Difference(description: "codec: event \(index) is read differently: \(what)")
      }
      batch.removeAll()
      if let reason = decoder.decode(record, into: batch) {
        throw difference("Tally refuses it: \(reason.rawValue)")
      }
      guard let message = Self.unpack(record, nil) else { throw difference("protobuf-c refuses it") }
      defer { tally__event__free_unpacked(message, nil) }
      var packed = [UInt8](repeating: 0, count: tally__event__get_packed_size(message))
      _ = tally__event__pack(message, &packed)
      guard packed == events[index].value else { throw difference("protobuf-c packs other bytes") }
      let (ours, theirs) = (tallysText(batch.events[0]), Self.text(message.pointee))
      guard ours == theirs else { throw difference("\(ours) and \(theirs)") }
      batch.removeAll()
      guard adopted.take(message.pointee, record), tallysText(batch.events[0]) == ours else {
        throw difference("what is made of protobuf-c's structures")
      }
    }
  }

  /// All fields that are kept, for comparing.
  private func tallysText(_ event: Event) -> [String] {
    var type = ""
    if event.kind == .engagement {
      program.symbols.withName(event.type) { type = String(decoding: $0, as: UTF8.self) }
    }
    let start = Int(event.attributesStart)
    let attributes = batch.attributes[start..<start + Int(event.attributesCount)].map { attribute -> String in
      let name = program.symbols.withName(attribute.name) { String(decoding: $0, as: UTF8.self) }
      let value =
        switch attribute.kind {
        case .flag: "\(attribute.bits != 0)"
        case .integer: "\(Int64(bitPattern: attribute.bits))"
        case .real: "\(Double(bitPattern: attribute.bits))"
        case .text: "\"\(batch.string(attribute.text))\""
        default: "\(attribute.kind)"
        }
      return "\(name)=\(value)"
    }
    return [
      batch.string(event.eventID), batch.string(event.entityID), batch.string(event.source), "\(event.time)",
      type,
    ]
      + attributes
  }

  private static func text(_ event: Tally__Event) -> [String] {
    var type = ""
    var list: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?
    var count = 0
    switch event.kind_case {
    case TALLY__EVENT__KIND_PROFILE:
      (list, count) = (event.profile.pointee.attributes, event.profile.pointee.n_attributes)
    case TALLY__EVENT__KIND_ENGAGEMENT:
      type = String(cString: event.engagement.pointee.type)
      (list, count) = (event.engagement.pointee.attributes, event.engagement.pointee.n_attributes)
    default: break
    }
    let attributes = (0..<count).compactMap { index -> String? in
      guard let attribute = list?[index]?.pointee else { return nil }
      let name = String(cString: attribute.name)
      if Samples.undeclared.contains(name) { return nil }
      let value =
        switch attribute.value_case {
        case TALLY__ATTRIBUTE__VALUE_BOOL_VALUE: "\(attribute.bool_value != 0)"
        case TALLY__ATTRIBUTE__VALUE_INT_VALUE: "\(attribute.int_value)"
        case TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE: "\(attribute.double_value)"
        case TALLY__ATTRIBUTE__VALUE_STRING_VALUE: "\"\(String(cString: attribute.string_value))\""
        default: "null"
        }
      return "\(name)=\(value)"
    }
    let head = [event.event_id, event.entity_id, event.source].map { $0.map { String(cString: $0) } ?? "" }
    return head + ["\(event.event_time_us)", type] + attributes
  }

  private static func unpack(_ record: RawRecord, _ allocator: UnsafeMutablePointer<ProtobufCAllocator>?)
    -> UnsafeMutablePointer<Tally__Event>?
  {
    tally__event__unpack(
      allocator, record.value.count, record.value.baseAddress?.assumingMemoryBound(to: UInt8.self))
  }

  var contestants: [Contestant] {
    let arena = Arena()
    return [
      Contestant(name: "Tally, with all checks") { [batch, decoder, records] in
        batch.removeAll()
        for record in records {
          let reason = decoder.decode(record, into: batch)
          precondition(reason == nil)
        }
        return batch.attributes.count
      },
      Contestant(name: "protobuf-c, from an arena, with all checks") { [adopted, batch, records] in
        batch.removeAll()
        for record in records {
          arena.empty()
          guard let message = Self.unpack(record, arena.allocator) else { preconditionFailure() }
          let isTaken = adopted.take(message.pointee, record)
          precondition(isTaken)
        }
        return batch.attributes.count
      },
      Contestant(name: "protobuf-c, unpacking alone, malloc and free") { [records] in
        var total = 0
        for record in records {
          guard let message = Self.unpack(record, nil) else { preconditionFailure() }
          total += Int(truncatingIfNeeded: message.pointee.event_time_us & 1)
          tally__event__free_unpacked(message, nil)
        }
        return total
      },
      Contestant(name: "protobuf-c, unpacking alone, from an arena") { [records] in
        var total = 0
        for record in records {
          arena.empty()
          guard let message = Self.unpack(record, arena.allocator) else { preconditionFailure() }
          total += Int(truncatingIfNeeded: message.pointee.event_time_us & 1)
        }
        return total
      },
    ]
  }
}

/// Memory that is given away from the front and taken back all at once: the least that protobuf-c's allocations can cost.
private final class Arena {
  private struct Space {
    var next: UnsafeMutableRawPointer
    var end: UnsafeMutableRawPointer
  }

  private static let bytes = 1 << 20
  private let start = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
  private let space = UnsafeMutablePointer<Space>.allocate(capacity: 1)
  let allocator = UnsafeMutablePointer<ProtobufCAllocator>.allocate(capacity: 1)

  init() {
    space.initialize(to: Space(next: start, end: start + Self.bytes))
    allocator.initialize(
      to: ProtobufCAllocator(
        alloc: { data, size in
          guard let space = data?.assumingMemoryBound(to: Space.self) else { return nil }
          let place = space.pointee.next
          let next = place + (size + 15) & ~15
          guard next <= space.pointee.end else { return nil }
          space.pointee.next = next
          return place
        }, free: { _, _ in }, allocator_data: space))
  }

  func empty() { space.pointee.next = start }
}
