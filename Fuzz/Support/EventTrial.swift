import Dataflow
import Events
import Features
@testable import Ingest

/// Decodes inputs as records and holds what comes of them to what must hold; one thread, reused from input to input.
///
/// An input is a byte of flags, then what the flags ask for, then the record's value up to the end:
/// * bits 0 and 1: the content type is the form's own, none, that of a header (a byte for its length, its bytes), an unknown one;
/// * bits 2 and 3: the key is the entity's id, given (a byte for its length, its bytes), absent, empty;
/// * bits 4 and 5: the ingest time is unknown, 2026-01-01, given (eight bytes, little-endian), the largest number;
/// * bit 6: the limits are narrow; * bit 7: the state is empty, and so is an absent value.
final class EventTrial {
  let program: FeatureProgram
  let batch: EventBatch
  private let wide: EventDecoder
  private let narrow: EventDecoder
  private let state: StateTrial
  private static let narrowLimits = DecoderLimits(
    valueBytesMax: 160, attributesMax: 2, jsonDepthMax: 3, futureBound: Span.second)
  /// Bytes that take the place of a key's or a header's, so that reading beyond them is seen.
  private var key: [UInt8] = []

  init?() {
    guard let program = try? FeatureProgram(declaration(everySeries)),
      let wide = try? EventDecoder(program, homes: .onePartition),
      let narrow = try? EventDecoder(program, homes: .onePartition, limits: Self.narrowLimits)
    else { return nil }
    self.program = program
    self.wide = wide
    self.narrow = narrow
    batch = EventBatch(symbols: program.symbols)
    state = StateTrial(program)
  }

  /// Tries one input. Returns the record and what became of it; nil: the input is too short to be a record.
  @discardableResult
  func run(_ start: UnsafePointer<UInt8>?, _ count: Int, _ own: ContentType)
    -> (record: RawRecord, reason: DeadLetterReason?)?
  {
    var input = RecordInput(start, count)
    guard let flags = input.byte() else { return nil }
    let limits = flags & 64 == 0 ? DecoderLimits() : Self.narrowLimits
    let decoder = flags & 64 == 0 ? wide : narrow
    let type = Self.contentType(flags & 3, own, &input)
    let givenKey = flags >> 2 & 3
    key = givenKey == 1 ? input.run() : []
    let time = Self.ingestTime(flags >> 4 & 3, &input)
    let value = input.rest(isAbsentWhenEmpty: flags & 128 != 0)
    batch.removeAll()
    var (record, reason) = decode(decoder, type, time, value, hasKey: givenKey & 1 == 1)
    if reason == .keyMismatch && givenKey == 0 {
      key = Array(decoder.refusedEntityID)
      (record, reason) = decode(decoder, type, time, value, hasKey: true)
      require(reason != .keyMismatch, "the entity's own id is not its key")
    }
    let (_, again) = decode(decoder, type, time, value, hasKey: record.key.baseAddress != nil)
    require(reason == again, "\(String(describing: reason)), then \(String(describing: again))")
    if reason != nil {
      checkRefused(decoder)
    } else {
      checkAccepted(limits, time)
      state.run(batch, isEmpty: flags & 128 != 0, inputBytes: count)
    }
    return (record, reason)
  }

  /// Decodes a value for the key that an accepted event has, with no ingest time and wide limits, after the batch's events.
  func decode(_ value: UnsafeRawBufferPointer, _ type: ContentType, ingestTimeMs: Int64 = -1)
    -> DeadLetterReason?
  {
    decode(wide, type, ingestTimeMs, value, hasKey: true).reason
  }

  private func decode(
    _ decoder: EventDecoder, _ type: ContentType, _ time: Int64, _ value: UnsafeRawBufferPointer, hasKey: Bool
  ) -> (record: RawRecord, reason: DeadLetterReason?) {
    key.withUnsafeBytes { bytes in
      // An array without bytes may have no address.
      let some = UnsafeRawBufferPointer(start: bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1), count: 0)
      let none = UnsafeRawBufferPointer(start: nil, count: 0)
      let record = RawRecord(
        partition: 0, offset: 0, ingestTimeMs: time, key: !hasKey ? none : bytes.isEmpty ? some : bytes,
        value: value, contentType: type)
      return (record, decoder.decode(record, into: batch))
    }
  }

  private static func contentType(_ choice: UInt8, _ own: ContentType, _ input: inout RecordInput)
    -> ContentType
  {
    switch choice {
    case 0: own
    case 1: .unspecified
    case 2: input.run().withUnsafeBytes { ContentType($0) }
    default: .unknown
    }
  }

  private static func ingestTime(_ choice: UInt8, _ input: inout RecordInput) -> Int64 {
    switch choice {
    case 0: -1
    case 1: 1_767_225_600_000
    case 2: input.number()
    default: .max
    }
  }

  /// Nothing of a refused record stays in the batch; the id that is kept of it can be read.
  private func checkRefused(_ decoder: EventDecoder) {
    require(batch.events.isEmpty, "an event of a refused record")
    batch.begin()
    require(batch.attributes.isEmpty && batch.bytes.isEmpty, "something is left of a refused record")
    _ = Hash128(of: decoder.refusedEntityID)
  }

  /// Both events are the same, within all bounds, and stay what they are when they are written and read again.
  private func checkAccepted(_ limits: DecoderLimits, _ ingestTimeMs: Int64) {
    require(batch.events.count == 2, "\(batch.events.count) events of two records")
    let event = batch.events[0]
    require(isSame(event, batch.events[1]), "another event the second time")
    checkID(event.eventID)
    checkID(event.entityID)
    batch.withBytes(of: event.entityID) { id in
      require(key.elementsEqual(id), "the key is not the entity's id")
    }
    require(isText(event.source) && event.source.count <= 256, "source")
    require(event.time >= EventTimeBounds.start && event.time < EventTimeBounds.end, "time \(event.time)")
    if ingestTimeMs >= 0 {
      require(ingestTimeMs < EventTimeBounds.end / 1000, "a record from after the last event time")
      require(event.time <= ingestTimeMs * 1000 + limits.futureBound, "future")
    }
    require(Int(event.attributesCount) <= limits.attributesMax, "attributes")
    var names: Set<Int32> = []
    for attribute in attributes(event) {
      require(names.insert(attribute.name).inserted, "an attribute named twice")
      require(attribute.kind != .real || Double(bitPattern: attribute.bits).isFinite, "not finite")
      require(attribute.kind != .flag || attribute.bits <= 1, "flag")
      require(isText(attribute.text), "an attribute's text")
    }
    let written = protobuf(of: event)
    let reason = written.withUnsafeBytes { decode($0, .protobuf) }
    require(reason == nil, "refused when written again: \(String(describing: reason))")
    require(isSame(event, batch.events[2]), "another event when written again")
  }

  private func checkID(_ id: ByteSlice) {
    require(id.count >= 1 && id.count <= 256 && isText(id), "id")
    batch.withBytes(of: id) { bytes in
      require(!bytes.contains { $0 < 0x20 || $0 == 0x7f }, "control characters in an id")
    }
  }

  private func isText(_ slice: ByteSlice) -> Bool {
    batch.withBytes(of: slice) { bytes in String(validating: bytes, as: UTF8.self) != nil }
  }

  func attributes(_ event: Event) -> Slice<ReusedBuffer<Attribute>> {
    batch.attributes[Int(event.attributesStart)..<Int(event.attributesStart + event.attributesCount)]
  }

  /// Whether two of the batch's events say the same.
  func isSame(_ a: Event, _ b: Event) -> Bool {
    a.kind == b.kind && a.type == b.type && a.time == b.time && a.idHash == b.idHash
      && isSame(a.eventID, b.eventID) && isSame(a.entityID, b.entityID) && isSame(a.source, b.source)
      && a.attributesCount == b.attributesCount
      && zip(attributes(a), attributes(b)).allSatisfy {
        $0.name == $1.name && Self.isSameKind($0.kind, $1.kind)
          && ($0.kind == .infinite || $0.bits == $1.bits) && $0.symbol == $1.symbol
          && isSame($0.text, $1.text)
      }
  }

  /// Protobuf has no objects and no numbers beyond 64 bits: written again, such a value is absent.
  private static func isSameKind(_ a: AttributeKind, _ b: AttributeKind) -> Bool {
    a == b || (b == .null && (a == .composite || a == .beyond))
  }

  private func isSame(_ a: ByteSlice, _ b: ByteSlice) -> Bool {
    batch.withBytes(of: a) { first in batch.withBytes(of: b) { first.elementsEqual($0) } }
  }

  /// An event of the batch as protobuf; a type that no symbol has gets a name.
  private func protobuf(of event: Event) -> [UInt8] {
    var writer = WireWriter()
    batch.withBytes(of: event.eventID) { writer.field(1, bytes: $0) }
    batch.withBytes(of: event.entityID) { writer.field(2, bytes: $0) }
    writer.field(3, varint: UInt64(event.time))
    batch.withBytes(of: event.source) { writer.field(4, bytes: $0) }
    switch event.kind {
    case .tick: writer.close(writer.open(12))
    case .erasure: writer.close(writer.open(13))
    case .promotion:
      let mark = writer.open(14)
      let promotion = batch.promotion(at: 0) ?? Promotion(number: 0, set: Hash128(low: 0, high: 0))
      // The decoders here have no pipeline: all are of another one.
      writer.field(1, varint: 1)
      writer.field(2, string: promotion.set.hex)
      writer.field(3, string: "another")
      writer.close(mark)
    case .profileSnapshot, .profileChange:
      let mark = writer.open(10)
      writer.field(1, varint: event.kind == .profileChange ? 1 : 0)
      for attribute in attributes(event) { write(attribute, &writer) }
      writer.close(mark)
    case .engagement:
      let mark = writer.open(11)
      writer.field(
        1, string: event.type >= 0 ? program.symbols.names[Int(event.type)] : "a type without symbol")
      for attribute in attributes(event) { write(attribute, &writer) }
      writer.close(mark)
    }
    return writer.bytes
  }

  private func write(_ attribute: Attribute, _ writer: inout WireWriter) {
    let mark = writer.open(2)
    writer.field(1, string: program.symbols.names[Int(attribute.name)])
    switch attribute.kind {
    case .null: break
    case .flag: writer.field(2, varint: attribute.bits)
    case .integer: writer.field(3, zigzag: Int64(bitPattern: attribute.bits))
    case .real: writer.field(4, double: Double(bitPattern: attribute.bits))
    case .text: batch.withBytes(of: attribute.text) { writer.field(5, bytes: $0) }
    case .infinite: writer.field(4, double: .nan)
    case .garbled: [0xff].withUnsafeBytes { writer.field(5, bytes: $0) }
    // As whoever gives them to protobuf would.
    case .composite, .list, .beyond: break
    }
    writer.close(mark)
  }
}

/// Takes a record's parts from the front of an input; the last one lies where the input ends.
private struct RecordInput {
  private var bytes: Slice<UnsafeBufferPointer<UInt8>>

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = UnsafeBufferPointer(start: start, count: count)[...]
  }

  mutating func byte() -> UInt8? { bytes.popFirst() }

  /// As many bytes as the next one says, or as are left.
  mutating func run() -> [UInt8] {
    let count = min(Int(byte() ?? 0), bytes.count)
    defer { bytes = bytes.dropFirst(count) }
    return Array(bytes.prefix(count))
  }

  /// Eight bytes, little-endian; zeros when they are used up.
  mutating func number() -> Int64 {
    var value: UInt64 = 0
    for shift in 0..<8 { value |= UInt64(byte() ?? 0) << UInt64(8 * shift) }
    return Int64(bitPattern: value)
  }

  func rest(isAbsentWhenEmpty: Bool) -> UnsafeRawBufferPointer {
    if bytes.isEmpty && isAbsentWhenEmpty { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes))
  }
}
