public import Events

extension SyntheticEvent {
  /// Appends the event as the `tally.Event` of `events.proto`.
  public func appendProtobuf(to writer: inout WireWriter) {
    var mark = writer.open(1)
    appendEventID(to: &writer.bytes)
    writer.close(mark)
    mark = writer.open(2)
    appendEntityID(to: &writer.bytes)
    writer.close(mark)
    writer.field(3, varint: UInt64(bitPattern: time))
    writer.field(4, static: SyntheticWords.source)
    writer.field(5, varint: 1)
    var visitor = WireAttributes(writer: WireWriter(), number: 2)
    swap(&visitor.writer, &writer)
    if let type = Self.typeName(raw.kind) {
      mark = visitor.writer.open(11)
      visitor.writer.field(1, static: type)
    } else {
      mark = visitor.writer.open(10)
      if !isSnapshot { visitor.writer.field(1, varint: 1) }
    }
    visit(&visitor)
    visitor.writer.close(mark)
    swap(&visitor.writer, &writer)
  }
}

extension WireWriter {
  /// A string field of constant text.
  mutating func field(_ number: Int, static text: StaticString) {
    field(number, bytes: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }
}

private struct WireAttributes: AttributeVisitor {
  var writer: WireWriter
  /// Field number of an attribute in its message.
  let number: Int

  mutating func flag(_ name: StaticString, _ value: Bool) {
    let mark = open(name)
    writer.field(2, varint: value ? 1 : 0)
    writer.close(mark)
  }

  mutating func integer(_ name: StaticString, _ value: Int64) {
    let mark = open(name)
    writer.field(3, zigzag: value)
    writer.close(mark)
  }

  mutating func real(_ name: StaticString, _ value: Int64, decimals: Int) {
    let mark = open(name)
    writer.field(4, double: Double(value) / Double(Decimal.powers[decimals]))
    writer.close(mark)
  }

  mutating func text(_ name: StaticString, _ value: StaticString) {
    let mark = open(name)
    writer.field(5, static: value)
    writer.close(mark)
  }

  mutating func text(_ name: StaticString, bytes: [UInt8]) {
    let mark = open(name)
    bytes.withUnsafeBytes { writer.field(5, bytes: $0) }
    writer.close(mark)
  }

  mutating func null(_ name: StaticString) { writer.close(open(name)) }

  private mutating func open(_ name: StaticString) -> Int {
    let mark = writer.open(number)
    writer.field(1, static: name)
    return mark
  }
}
