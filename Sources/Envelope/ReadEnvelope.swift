internal import CEvents

/// An event's protobuf form as protobuf-c reads it, for readers: nothing is checked beyond the wire format.
public struct ReadEnvelope: Equatable, Sendable {
  /// A value as it was sent.
  public enum Value: Equatable, Sendable {
    case null
    case flag(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case list([Value])
    /// An element of a list with fields.
    case fields([Field])
  }

  /// A field of an element.
  public struct Field: Equatable, Sendable {
    /// Its name.
    public let name: String
    /// Its value.
    public let value: Value
  }

  /// What kind of event it says it is.
  public enum Kind: String, Sendable { case profile, engagement, tick, erasure, promotion }

  /// The event's id; bytes that are no UTF-8 are replaced, and a text ends at a zero byte.
  public private(set) var eventID: String
  /// The entity's id, likewise.
  public private(set) var entityID: String
  /// Microseconds since 1970, as sent.
  public private(set) var time: Int64
  /// Who sent the event, as the producer says.
  public private(set) var source: String
  /// Version of the envelope.
  public private(set) var schemaVersion: UInt32
  /// The last kind that was given; nil: none.
  public private(set) var kind: Kind?
  /// The engagement's type; nil: no engagement.
  public private(set) var type: String?
  /// The profile's mode by its name, or its number where it has none; nil: no profile.
  public private(set) var mode: String?
  /// What a promotion orders: number, set and pipeline, as sent; nil: it is none.
  public private(set) var promotion: String?
  /// Attributes in the order in which they were sent; the same name may come twice.
  public private(set) var attributes: [(name: String, value: Value)] = []
  /// Fields of the event that the contract does not name.
  public private(set) var unknownFields: Int

  /// Reads `bytes`; nil: they are malformed, or carry nothing of an event.
  public init?(_ bytes: [UInt8]) {
    guard let message = tally__event__unpack(nil, bytes.count, bytes) else { return nil }
    defer { tally__event__free_unpacked(message, nil) }
    let event = message.pointee
    eventID = Self.text(event.event_id)
    entityID = Self.text(event.entity_id)
    time = event.event_time_us
    source = Self.text(event.source)
    schemaVersion = event.schema_version
    unknownFields = Int(event.base.n_unknown_fields)
    switch event.kind_case {
    case TALLY__EVENT__KIND_PROFILE:
      kind = .profile
      guard let profile = event.profile?.pointee else { return nil }
      switch profile.mode {
      case TALLY__PROFILE__MODE__SNAPSHOT: mode = "SNAPSHOT"
      case TALLY__PROFILE__MODE__CHANGE: mode = "CHANGE"
      default: mode = "\(profile.mode.rawValue)"
      }
      read(profile.attributes, profile.n_attributes)
    case TALLY__EVENT__KIND_ENGAGEMENT:
      kind = .engagement
      guard let engagement = event.engagement?.pointee else { return nil }
      type = Self.text(engagement.type)
      read(engagement.attributes, engagement.n_attributes)
    case TALLY__EVENT__KIND_TICK: kind = .tick
    case TALLY__EVENT__KIND_ERASURE: kind = .erasure
    case TALLY__EVENT__KIND_PROMOTION:
      kind = .promotion
      guard let order = event.promotion?.pointee else { return nil }
      promotion =
        "number \(order.number), set \(Self.quoted(Self.text(order.set))), "
        + "pipeline \(Self.quoted(Self.text(order.pipeline)))"
    default: kind = nil
    }
    if kind == nil && eventID.isEmpty && entityID.isEmpty { return nil }
  }

  private mutating func read(
    _ list: UnsafeMutablePointer<UnsafeMutablePointer<Tally__Attribute>?>?, _ count: Int
  ) {
    guard let list else { return }
    for index in 0..<count {
      guard let attribute = list[index]?.pointee else { continue }
      attributes.append((Self.text(attribute.name), Self.value(attribute)))
    }
  }

  private static func value(_ attribute: Tally__Attribute) -> Value {
    switch attribute.value_case {
    case TALLY__ATTRIBUTE__VALUE_BOOL_VALUE: .flag(attribute.bool_value != 0)
    case TALLY__ATTRIBUTE__VALUE_INT_VALUE: .integer(attribute.int_value)
    case TALLY__ATTRIBUTE__VALUE_DOUBLE_VALUE: .real(attribute.double_value)
    case TALLY__ATTRIBUTE__VALUE_STRING_VALUE: .text(text(attribute.string_value))
    case TALLY__ATTRIBUTE__VALUE_LIST_VALUE: .list(elements(attribute.list_value))
    default: .null
    }
  }

  private static func elements(_ list: UnsafeMutablePointer<Tally__List>?) -> [Value] {
    guard let list = list?.pointee, let elements = list.elements else { return [] }
    return (0..<list.n_elements).compactMap { elements[$0]?.pointee }.map { element in
      switch element.value_case {
      case TALLY__ELEMENT__VALUE_BOOL_VALUE: .flag(element.bool_value != 0)
      case TALLY__ELEMENT__VALUE_INT_VALUE: .integer(element.int_value)
      case TALLY__ELEMENT__VALUE_DOUBLE_VALUE: .real(element.double_value)
      case TALLY__ELEMENT__VALUE_STRING_VALUE: .text(text(element.string_value))
      case TALLY__ELEMENT__VALUE_FIELDS: .fields(fields(element.fields))
      default: .null
      }
    }
  }

  private static func fields(_ fields: UnsafeMutablePointer<Tally__Fields>?) -> [Field] {
    guard let fields = fields?.pointee, let list = fields.fields else { return [] }
    return (0..<fields.n_fields).compactMap { list[$0]?.pointee }.map { field in
      let value: Value =
        switch field.value_case {
        case TALLY__FIELD__VALUE_BOOL_VALUE: .flag(field.bool_value != 0)
        case TALLY__FIELD__VALUE_INT_VALUE: .integer(field.int_value)
        case TALLY__FIELD__VALUE_DOUBLE_VALUE: .real(field.double_value)
        case TALLY__FIELD__VALUE_STRING_VALUE: .text(text(field.string_value))
        default: .null
        }
      return Field(name: text(field.name), value: value)
    }
  }

  private static func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }

  /// Field by field.
  public static func == (one: ReadEnvelope, other: ReadEnvelope) -> Bool {
    one.lines == other.lines
  }

  /// One line a field, texts quoted, control characters escaped: a terminal only shows it.
  public var lines: [String] {
    var lines = [
      "event_id: \(Self.quoted(eventID))", "entity_id: \(Self.quoted(entityID))", "event_time_us: \(time)",
      "source: \(Self.quoted(source))", "schema_version: \(schemaVersion)",
      "kind: \(kind?.rawValue ?? "none")",
    ]
    if let type { lines.append("type: \(Self.quoted(type))") }
    if let mode { lines.append("mode: \(mode)") }
    if let promotion { lines.append("promotion: \(promotion)") }
    for (name, value) in attributes { lines.append("  \(Self.quoted(name)): \(Self.shown(value))") }
    if unknownFields > 0 { lines.append("fields that proto/events.proto does not name: \(unknownFields)") }
    return lines
  }

  private static func shown(_ value: Value) -> String {
    switch value {
    case .null: "null"
    case .flag(let value): "\(value)"
    case .integer(let value): "\(value)"
    case .real(let value): "\(value)"
    case .text(let value): quoted(value)
    case .list(let values): "[\(values.map(shown).joined(separator: ", "))]"
    case .fields(let fields):
      "{\(fields.map { "\(quoted($0.name)): \(shown($0.value))" }.joined(separator: ", "))}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator:
        out += "\\u{\(String(scalar.value, radix: 16))}"
      default:
        if scalar == "\"" || scalar == "\\" { out += "\\" }
        out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}
