import Events

/// A value of protobuf as an attribute holds it, with the attribute's name. Row code.
struct ProtobufValue {
  private(set) var name = EventDraft.nothing
  private(set) var kind = AttributeKind.null
  private(set) var bits: UInt64 = 0
  private(set) var text = EventDraft.nothing
  /// The message of a list; nil: it is none.
  private(set) var list: UnsafeRawBufferPointer?
  /// The message of an element's fields; nil: it has none.
  private(set) var fields: UnsafeRawBufferPointer?

  /// Reads an `Attribute`, or a `Field`, which has no lists. Returns false when it is malformed.
  mutating func read(_ bytes: UnsafeRawBufferPointer, hasLists: Bool = true) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      // No declared name is not UTF-8.
      case (1, 2): name = reader.delimited()
      case (6, 2) where hasLists:
        guard forget() else { return false }
        list = reader.delimited()
      case (6, _) where hasLists: return false
      case (1, _): return false
      default: guard readScalar(tag, &reader) else { return false }
      }
    }
    finish()
    return !reader.failed
  }

  /// Reads an `Element`. Returns false when it is malformed.
  mutating func read(element bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (6, 2):
        guard forget() else { return false }
        fields = reader.delimited()
      case (6, _): return false
      default: guard readScalar(tag, &reader) else { return false }
      }
    }
    finish()
    return !reader.failed
  }

  init() {}

  private init(name: UnsafeRawBufferPointer) { self.name = name }

  private mutating func readScalar(_ tag: (number: Int, type: Int), _ reader: inout WireReader) -> Bool {
    switch (tag.number, tag.type) {
    case (2, 0): return set(.flag, reader.varint() == 0 ? 0 : 1)
    case (3, 0): return set(.integer, UInt64(bitPattern: reader.zigzag()))
    case (4, 1): return set(.real, reader.fixed64())
    case (5, 2):
      let content = reader.delimited()
      guard set(ProtobufReader.isUTF8(content) ? .text : .garbled, 0) else { return false }
      text = kind == .text ? content : EventDraft.nothing
    case (2...5, _): return false
    default: reader.skip(tag.type)
    }
    return true
  }

  private mutating func set(_ kind: AttributeKind, _ bits: UInt64) -> Bool {
    guard forget() else { return false }
    self.kind = kind
    self.bits = bits
    return true
  }

  /// The last value counts. Returns whether the one before it was well-formed: a message in it would be read by nobody else.
  private mutating func forget() -> Bool {
    if let list, !ProtobufList.isWellFormed(list) { return false }
    if let fields, !ProtobufList.isWellFormed(fields: fields) { return false }
    self = ProtobufValue(name: name)
    return true
  }

  private mutating func finish() {
    if kind == .real && !Double(bitPattern: bits).isFinite { (kind, bits) = (.infinite, 0) }
  }
}

/// A list of protobuf. Row code.
struct ProtobufList {
  /// The batch that gets the elements; nil: none does.
  private let batch: EventBatch?
  private var size = 0
  private var namesFieldTwice = false

  private init(_ batch: EventBatch?) { self.batch = batch }

  /// Adds a list that somebody declares to the batch; one that nobody declares is an attribute like others. Returns false when it is
  /// malformed.
  static func read(
    _ bytes: UnsafeRawBufferPointer, named name: UnsafeRawBufferPointer, into draft: inout EventDraft,
    _ batch: EventBatch
  ) -> Bool {
    let number = batch.symbols.lookup(name)
    let isDeclared = batch.symbols.isOfList(number)
    let first = batch.elements.count
    var list = ProtobufList(isDeclared ? batch : nil)
    guard list.read(bytes) else { return false }
    if list.namesFieldTwice { draft.namesFieldTwice = true }
    if isDeclared {
      batch.appendList(number: number, size: list.size, first: first)
    } else {
      batch.appendAttribute(name: name, kind: .composite, bits: 0)
    }
    return true
  }

  /// Whether a list that nobody reads is one.
  static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var list = ProtobufList(nil)
    return list.read(bytes)
  }

  /// Whether an element's fields that nobody reads are.
  static func isWellFormed(fields bytes: UnsafeRawBufferPointer) -> Bool {
    var list = ProtobufList(nil)
    return list.readFields(bytes)
  }

  private mutating func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      switch (tag.number, tag.type) {
      case (1, 2):
        guard readElement(reader.delimited()) else { return false }
        size += 1
      case (1, _): return false
      default: reader.skip(tag.type)
      }
    }
    return !reader.failed
  }

  private mutating func readElement(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var value = ProtobufValue()
    guard value.read(element: bytes) else { return false }
    if let fields = value.fields { return readFields(fields) }
    batch?.appendElement(
      number: SymbolTable.unknown, kind: value.kind, bits: value.bits, text: value.text, word: value.text)
    return true
  }

  private mutating func readFields(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let first = batch?.elements.count ?? 0
    var reader = WireReader(bytes)
    while !reader.atEnd {
      let tag = reader.tag()
      guard tag.number == 1 else {
        reader.skip(tag.type)
        continue
      }
      var field = ProtobufValue()
      guard tag.type == 2, field.read(reader.delimited(), hasLists: false) else { return false }
      guard let batch else { continue }
      let number = batch.symbols.lookup(field.name)
      guard number != SymbolTable.unknown else { continue }
      if batch.hasElement(number: number, from: first) { namesFieldTwice = true }
      batch.appendElement(
        number: number, kind: field.kind, bits: field.bits, text: field.text,
        word: field.text)
    }
    return !reader.failed
  }
}
