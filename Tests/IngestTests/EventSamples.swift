import CEvents
import Dataflow
import Events
import Features
import Ingest
import Testing

/// One event in neutral form, to be written as protobuf (by protobuf-c, the independent oracle) or as JSON.
struct SampleEvent: Equatable {
  enum Value: Equatable {
    case null
    case flag(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
  }

  var eventID = "e1"
  var entityID = "c1"
  var timeMicros: Int64 = 1_767_225_600_000_000
  var source = ""
  var schemaVersion: UInt32 = 0
  var kind: EventKind? = .engagement
  var type = "login"
  var attributes: [(name: String, value: Value)] = []

  static func == (a: SampleEvent, b: SampleEvent) -> Bool {
    a.eventID == b.eventID && a.entityID == b.entityID && a.timeMicros == b.timeMicros && a.source == b.source
      && a.kind == b.kind && a.type == b.type && a.attributes.map(\.name) == b.attributes.map(\.name)
      && a.attributes.map(\.value) == b.attributes.map(\.value)
  }

  /// The protobuf form, packed by protobuf-c.
  var protobuf: [UInt8] {
    var memory: [UnsafeMutablePointer<CChar>] = []
    func text(_ value: String) -> UnsafeMutablePointer<CChar> {
      let bytes = value.utf8CString
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
      for (index, byte) in bytes.enumerated() { copy[index] = byte }
      memory.append(copy)
      return copy
    }
    let attributes = UnsafeMutablePointer<Tally__Attribute>.allocate(capacity: self.attributes.count + 1)
    let pointers = UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>.allocate(
      capacity: self.attributes.count + 1)
    var profile = Tally__Profile()
    var engagement = Tally__Engagement()
    var event = Tally__Event()
    defer {
      for pointer in memory { pointer.deallocate() }
      attributes.deallocate()
      pointers.deallocate()
    }
    for (index, attribute) in self.attributes.enumerated() {
      tally__attribute__init(attributes + index)
      attributes[index].name = text(attribute.name)
      switch attribute.value {
      case .null: break
      case .flag(let value):
        attributes[index].value_case = TALLY__ATTRIBUTE__VALUE_BOOL_VALUE
        attributes[index].bool_value = value ? 1 : 0
      case .integer(let value):
        attributes[index].value_case = TALLY__ATTRIBUTE__VALUE_INT_VALUE
        attributes[index].int_value = value
      case .real(let value):
        attributes[index].value_case = TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE
        attributes[index].double_value = value
      case .text(let value):
        attributes[index].value_case = TALLY__ATTRIBUTE__VALUE_STRING_VALUE
        attributes[index].string_value = text(value)
      }
      pointers[index] = attributes + index
    }
    tally__event__init(&event)
    event.event_id = text(eventID)
    event.entity_id = text(entityID)
    event.event_time_us = timeMicros
    event.source = text(source)
    event.schema_version = schemaVersion
    var tick = Tally__Tick()
    var erasure = Tally__Erasure()
    tally__tick__init(&tick)
    tally__erasure__init(&erasure)
    return withUnsafeMutablePointers(&profile, &engagement, &tick, &erasure) {
      profile, engagement, tick, erasure in
      tally__profile__init(profile)
      tally__engagement__init(engagement)
      switch kind {
      case .engagement?:
        engagement.pointee.type = text(type)
        engagement.pointee.n_attributes = self.attributes.count
        engagement.pointee.attributes = pointers
        event.kind_case = TALLY__EVENT__KIND_ENGAGEMENT
        event.engagement = engagement
      case .profileSnapshot?, .profileChange?:
        profile.pointee.mode =
          kind == .profileChange ? TALLY__PROFILE__MODE__CHANGE : TALLY__PROFILE__MODE__SNAPSHOT
        profile.pointee.n_attributes = self.attributes.count
        profile.pointee.attributes = pointers
        event.kind_case = TALLY__EVENT__KIND_PROFILE
        event.profile = profile
      case .tick?:
        event.kind_case = TALLY__EVENT__KIND_TICK
        event.tick = tick
      case .erasure?:
        event.kind_case = TALLY__EVENT__KIND_ERASURE
        event.erasure = erasure
      case .promotion?, nil: break
      }
      var bytes = [UInt8](repeating: 0, count: tally__event__get_packed_size(&event))
      _ = tally__event__pack(&event, &bytes)
      return bytes
    }
  }

  /// The JSON form.
  var json: String {
    let pairs = attributes.map { "\(Self.quoted($0.name)):\(Self.json($0.value))" }.joined(separator: ",")
    var fields = [
      "\"event_id\":\(Self.quoted(eventID))", "\"entity_id\": \(Self.quoted(entityID))",
      "\"event_time_us\":\(timeMicros)", "\"source\":\(Self.quoted(source))",
      "\"schema_version\":\(schemaVersion)",
    ]
    switch kind {
    case .engagement?:
      fields.append("\"engagement\":{\"type\":\(Self.quoted(type)),\"attributes\":{\(pairs)}}")
    case .profileSnapshot?: fields.append("\"profile\":{\"attributes\":{\(pairs)},\"mode\":\"SNAPSHOT\"}")
    case .profileChange?: fields.append("\"profile\":{\"mode\":\"change\",\"attributes\":{\(pairs)}}")
    case .tick?: fields.append("\"tick\":{}")
    case .erasure?: fields.append("\"erasure\":{}")
    case .promotion?, nil: break
    }
    return "{" + fields.joined(separator: ",") + "}"
  }

  private static func json(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .flag(let value): value ? "true" : "false"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let value): quoted(value)
    }
  }

  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": out += "\\\(scalar)"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

/// A decoder with a batch, and names that it knows.
final class DecoderBench {
  let batch: EventBatch
  let decoder: EventDecoder

  init(
    _ limits: DecoderLimits = DecoderLimits(), names: [String] = [], homes: KeyHomes = .onePartition
  ) throws {
    let program = try FeatureProgram(
      FeatureSetDeclaration(profile: [], events: [], features: [], idleTTL: nil))
    for name in names { _ = program.symbols.intern(name) }
    batch = EventBatch(symbols: program.symbols)
    decoder = try EventDecoder(program, homes: homes, limits: limits)
  }

  /// A decoder of what a program declares; `names` counts what it does not. `input`: how records become events.
  init(
    _ program: FeatureProgram, names: NameCounter? = nil, input: InputMapping? = nil,
    homes: KeyHomes = .onePartition, limits: DecoderLimits = DecoderLimits(), keepsAttributes: Bool = true
  ) throws {
    batch = EventBatch(symbols: program.symbols)
    decoder = try EventDecoder(
      program, homes: homes, limits: limits, input: input, names: names, keepsAttributes: keepsAttributes)
  }

  /// Decodes one record; `key` nil: null, `value` nil: null.
  func decode(
    _ value: [UInt8]?, key: String?, ingestTimeMs: Int64 = -1, contentType: ContentType = .unspecified,
    partition: Int32 = 0, isOfFile: Bool = false
  ) -> DeadLetterReason? {
    let key = key.map { Array($0.utf8) + [0] }
    let value = value.map { $0 + [0] }
    func view(_ bytes: [UInt8]?, _ pointer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
      bytes == nil
        ? UnsafeRawBufferPointer(start: nil, count: 0) : UnsafeRawBufferPointer(rebasing: pointer.dropLast())
    }
    return (key ?? []).withUnsafeBytes { keyBytes in
      (value ?? []).withUnsafeBytes { valueBytes in
        decoder.decode(
          RawRecord(
            partition: partition, offset: 0, ingestTimeMs: ingestTimeMs, key: view(key, keyBytes),
            value: view(value, valueBytes), contentType: contentType, isOfFile: isOfFile), into: batch)
      }
    }
  }

  /// The last event, as a sample (only attributes with known names).
  func last() throws -> SampleEvent {
    let event = try #require(batch.events.last)
    var sample = SampleEvent(
      eventID: batch.string(event.eventID), entityID: batch.string(event.entityID), timeMicros: event.time,
      source: batch.string(event.source), kind: event.kind,
      type: event.type >= 0 ? batch.symbols.names[Int(event.type)] : "")
    for index in Int(event.attributesStart)..<Int(event.attributesStart + event.attributesCount) {
      let attribute = batch.attributes[index]
      let value: SampleEvent.Value =
        switch attribute.kind {
        case .null: .null
        case .flag: .flag(attribute.bits == 1)
        case .integer: .integer(Int64(bitPattern: attribute.bits))
        case .real: .real(Double(bitPattern: attribute.bits))
        case .text: .text(batch.string(attribute.text))
        case .composite, .beyond, .infinite, .garbled, .list: .text("\(attribute.kind)")
        }
      sample.attributes.append((batch.symbols.names[Int(attribute.name)], value))
    }
    return sample
  }
}

/// Pointers to four values at once.
private func withUnsafeMutablePointers<A, B, C, D, Result>(
  _ a: inout A, _ b: inout B, _ c: inout C, _ d: inout D,
  _ body: (
    UnsafeMutablePointer<A>, UnsafeMutablePointer<B>, UnsafeMutablePointer<C>, UnsafeMutablePointer<D>
  ) -> Result
) -> Result {
  withUnsafeMutablePointer(to: &a) { a in
    withUnsafeMutablePointer(to: &b) { b in
      withUnsafeMutablePointer(to: &c) { c in withUnsafeMutablePointer(to: &d) { d in body(a, b, c, d) } }
    }
  }
}
