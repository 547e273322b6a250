import Events

extension SyntheticEvent {
  /// Appends the event in the JSON form of `events.proto`, without a line break.
  public func appendJSON(to bytes: inout [UInt8]) {
    Self.append("{\"event_id\":\"", to: &bytes)
    appendEventID(to: &bytes)
    Self.append("\",\"entity_id\":\"", to: &bytes)
    appendEntityID(to: &bytes)
    Self.append("\",\"event_time_us\":", to: &bytes)
    Decimal.append(time, to: &bytes)
    Self.append(",\"source\":\"synthetic\",\"schema_version\":1,", to: &bytes)
    if let type = Self.typeName(raw.kind) {
      Self.append("\"engagement\":{\"type\":\"", to: &bytes)
      Self.append(type, to: &bytes)
    } else {
      Self.append("\"profile\":{\"mode\":\"", to: &bytes)
      Self.append(isSnapshot ? "SNAPSHOT" : "CHANGE", to: &bytes)
    }
    Self.append("\",\"attributes\":{", to: &bytes)
    var visitor = JSONAttributes(bytes: [])
    swap(&visitor.bytes, &bytes)
    visit(&visitor)
    swap(&visitor.bytes, &bytes)
    Self.append("}}}", to: &bytes)
  }
}

private struct JSONAttributes: AttributeVisitor {
  var bytes: [UInt8]
  private var isFirst = true

  init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func open(_ name: StaticString) {
    if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
    bytes.append(UInt8(ascii: "\""))
    SyntheticEvent.append(name, to: &bytes)
    SyntheticEvent.append("\":", to: &bytes)
  }

  mutating func flag(_ name: StaticString, _ value: Bool) {
    open(name)
    SyntheticEvent.append(value ? "true" : "false", to: &bytes)
  }

  mutating func integer(_ name: StaticString, _ value: Int64) {
    open(name)
    Decimal.append(value, to: &bytes)
  }

  mutating func real(_ name: StaticString, _ value: Int64, decimals: Int) {
    open(name)
    Decimal.append(value, decimals: decimals, to: &bytes)
  }

  mutating func text(_ name: StaticString, _ value: StaticString) {
    open(name)
    bytes.append(UInt8(ascii: "\""))
    SyntheticEvent.append(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func text(_ name: StaticString, bytes value: [UInt8]) {
    open(name)
    bytes.append(UInt8(ascii: "\""))
    bytes.append(contentsOf: value)
    bytes.append(UInt8(ascii: "\""))
  }

  mutating func null(_ name: StaticString) {
    open(name)
    SyntheticEvent.append("null", to: &bytes)
  }
}
