import CEvents
import Dataflow
import Events
import Features
import Ingest
import TestNumbers
import Testing

/// A value as a producer sends it.
private indirect enum Sent: Equatable {
  case null
  case flag(Bool)
  case integer(Int64)
  case real(Double)
  case text(String)
  case fields([String: Sent])

  var json: String {
    switch self {
    case .null: "null"
    case .flag(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let text): SampleEvent.quoted(text)
    case .fields(let fields):
      "{" + fields.sorted { $0.key < $1.key }.map { "\"\($0)\":\($1.json)" }.joined(separator: ",") + "}"
    }
  }
}

/// Messages that protobuf-c packs, kept until they are packed.
private final class Arena {
  private var pointers: [UnsafeMutableRawPointer] = []

  deinit { for pointer in pointers { pointer.deallocate() } }

  func make<Value>(_ value: Value) -> UnsafeMutablePointer<Value> {
    let pointer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
    pointer.initialize(to: value)
    pointers.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  func list<Value>(_ values: [UnsafeMutablePointer<Value>]) -> UnsafeMutablePointer<
    UnsafeMutablePointer<Value>?
  > {
    let pointer = UnsafeMutablePointer<UnsafeMutablePointer<Value>?>.allocate(capacity: values.count + 1)
    for (index, value) in values.enumerated() { (pointer + index).initialize(to: value) }
    pointers.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  func text(_ text: String) -> UnsafeMutablePointer<CChar> {
    let bytes = Array(text.utf8CString)
    let pointer = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    pointer.initialize(from: bytes, count: bytes.count)
    pointers.append(UnsafeMutableRawPointer(pointer))
    return pointer
  }

  func field(_ name: String, _ value: Sent) -> UnsafeMutablePointer<Tally__Field> {
    var field = Tally__Field()
    tally__field__init(&field)
    field.name = text(name)
    switch value {
    case .flag(let value):
      (field.value_case, field.bool_value) = (TALLY__FIELD__VALUE_BOOL_VALUE, value ? 1 : 0)
    case .integer(let value): (field.value_case, field.int_value) = (TALLY__FIELD__VALUE_INT_VALUE, value)
    case .real(let value): (field.value_case, field.double_value) = (TALLY__FIELD__VALUE_DOUBLE_VALUE, value)
    case .text(let value):
      (field.value_case, field.string_value) = (TALLY__FIELD__VALUE_STRING_VALUE, text(value))
    case .null, .fields: break
    }
    return make(field)
  }

  func element(_ value: Sent) -> UnsafeMutablePointer<Tally__Element> {
    var element = Tally__Element()
    tally__element__init(&element)
    switch value {
    case .null: break
    case .flag(let value):
      (element.value_case, element.bool_value) = (TALLY__ELEMENT__VALUE_BOOL_VALUE, value ? 1 : 0)
    case .integer(let value):
      (element.value_case, element.int_value) = (TALLY__ELEMENT__VALUE_INT_VALUE, value)
    case .real(let value):
      (element.value_case, element.double_value) = (TALLY__ELEMENT__VALUE_DOUBLE_VALUE, value)
    case .text(let value):
      (element.value_case, element.string_value) = (TALLY__ELEMENT__VALUE_STRING_VALUE, text(value))
    case .fields(let fields):
      var message = Tally__Fields()
      tally__fields__init(&message)
      message.n_fields = fields.count
      message.fields = list(fields.sorted { $0.key < $1.key }.map { field($0.key, $0.value) })
      (element.value_case, element.fields) = (TALLY__ELEMENT__VALUE_FIELDS, make(message))
    }
    return make(element)
  }

  /// A profile with one list.
  func profile(_ name: String, _ values: [Sent]) -> [UInt8] {
    var message = Tally__List()
    tally__list__init(&message)
    message.n_elements = values.count
    message.elements = list(values.map(element))
    var attribute = Tally__Attribute()
    tally__attribute__init(&attribute)
    attribute.name = text(name)
    attribute.value_case = TALLY__ATTRIBUTE__VALUE_LIST_VALUE
    attribute.list_value = make(message)
    var profile = Tally__Profile()
    tally__profile__init(&profile)
    profile.n_attributes = 1
    profile.attributes = list([make(attribute)])
    var event = Tally__Event()
    tally__event__init(&event)
    event.event_id = text("e1")
    event.entity_id = text("c1")
    event.event_time_us = 1_767_225_600_000_000
    event.kind_case = TALLY__EVENT__KIND_PROFILE
    event.profile = make(profile)
    var bytes = [UInt8](repeating: 0, count: tally__event__get_packed_size(&event))
    _ = tally__event__pack(&event, &bytes)
    return bytes
  }
}

@Suite("lists in envelopes") struct ListDecodingTests {
  private static let at = SourcePosition(line: 1, column: 1)

  private static func attribute(_ name: String, _ type: AttributeType) -> AttributeDeclaration {
    AttributeDeclaration(name: name, type: type, wrong: .missing, position: at)
  }

  private static func program() throws -> FeatureProgram {
    let number = AttributeType.number(decimals: 6, minimum: -1e9, maximum: 1e9)
    return try FeatureProgram(
      FeatureSetDeclaration(
        profile: [
          attribute("plain", .list([attribute("", .text)])),
          attribute("jobs", .list([attribute("year", number), attribute("title", .text)])),
        ], events: [],
        features: [
          FeatureDeclaration(
            name: "f", expression: "size(profile.plain)", isColumn: true, labels: [], position: at)
        ], idleTTL: nil))
  }

  /// Elements of the last event's only attribute, for comparison: name of the field, kind, value.
  private static func elements(_ bench: DecoderBench) throws -> (size: UInt64, elements: [String]) {
    let event = try #require(bench.batch.events.last)
    try #require(event.attributesCount == 1)
    let list = bench.batch.attributes[Int(event.attributesStart)]
    try #require(list.kind == .list)
    let run = Int(list.text.start)..<Int(list.text.start + list.text.count)
    let elements = run.map { place -> String in
      let element = bench.batch.elements[place]
      let name = element.name < 0 ? "" : bench.batch.symbols.names[Int(element.name)]
      let text = element.kind == .text ? bench.batch.string(element.text) : ""
      return "\(name) \(element.kind) \(element.bits) \(text)"
    }
    return (list.bits, elements)
  }

  private static func expected(_ values: [Sent]) -> [String] {
    func line(_ name: String, _ value: Sent) -> String {
      switch value {
      case .null: "\(name) null 0 "
      case .flag(let value): "\(name) flag \(value ? 1 : 0) "
      case .integer(let value): "\(name) integer \(UInt64(bitPattern: value)) "
      case .real(let value): "\(name) real \(value.bitPattern) "
      case .text(let text): "\(name) text 0 \(text)"
      case .fields: ""
      }
    }
    return values.flatMap { value -> [String] in
      guard case .fields(let fields) = value else { return [line("", value)] }
      return fields.sorted { $0.key < $1.key }.filter { ["year", "title"].contains($0.key) }.map {
        line($0, $1)
      }
    }
  }

  @Test("are the same from JSON and from what protobuf-c packs", arguments: [1, 22, 333] as [UInt64])
  func both(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    func scalar() -> Sent {
      switch random.next() % 5 {
      case 0: .null
      case 1: .flag(random.next() % 2 == 0)
      case 2: .integer(Int64(bitPattern: random.next()) >> Int64(random.next() % 60))
      case 3: .real(Double(random.next() % 1000) / 8 + 0.125)
      default: .text(["", "a", "Zürich", "\"quoted\"", "日本"][Int(random.next() % 5)])
      }
    }
    for round in 0..<200 {
      let values = (0..<random.next() % 6).map { _ -> Sent in
        guard random.next() % 2 == 0 else { return scalar() }
        var fields: [String: Sent] = [:]
        for name in ["year", "title", "nobody_declares_it"] where random.next() % 3 > 0 {
          fields[name] = scalar()
        }
        return .fields(fields)
      }
      let name = random.next() % 2 == 0 ? "plain" : "jobs"
      let json =
        #"{"event_id":"e1","entity_id":"c1","event_time_us":1767225600000000,"profile":{"attributes":{"#
        + "\"\(name)\":[\(values.map(\.json).joined(separator: ","))]}}}"
      for bytes in [Array(json.utf8), Arena().profile(name, values)] {
        let bench = try DecoderBench(try Self.program())
        #expect(bench.decode(bytes, key: "c1") == nil, "seed \(seed), round \(round): \(json)")
        let found = try Self.elements(bench)
        #expect(
          found.size == UInt64(values.count) && found.elements == Self.expected(values),
          "seed \(seed): \(json)")
      }
    }
  }

  @Test("a field that an element names twice makes the record undecodable")
  func twice() throws {
    let bench = try DecoderBench(try Self.program())
    let head =
      #"{"event_id":"e1","entity_id":"c1","event_time_us":1767225600000000,"profile":{"attributes":{"#
    #expect(
      bench.decode(Array((head + #""jobs":[{"year":1},{"year":2,"year":3}]}}}"#).utf8), key: "c1")
        == .undecodable)
    #expect(bench.decode(Array((head + #""jobs":[{"year":1},{"year":2}]}}}"#).utf8), key: "c1") == nil)
    #expect(bench.decode(Array((head + #""jobs":[{"other":2,"other":3}]}}}"#).utf8), key: "c1") == nil)
  }
}
