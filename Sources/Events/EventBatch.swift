/// The decoded events of one batch and the arena that their bytes lie in.
///
/// Reused from batch to batch: after warm-up nothing is allocated. One thread. A decoder calls `begin`, adds
/// attributes and bytes, then `commit`; a later `begin` without `commit` forgets what was added.
public final class EventBatch {
  /// The pipeline's names.
  public let symbols: SymbolTable
  /// Events in the order of the log.
  public private(set) var events: [Event] = []
  /// Attributes of all events.
  public private(set) var attributes: [Attribute] = []
  /// What the elements of all lists hold, list by list.
  public private(set) var elements: [Attribute] = []
  /// All bytes: ids and texts.
  public private(set) var bytes: [UInt8] = []
  /// Names of the event under way that no symbol has, so that its attributes were dropped; valid as long as the record is.
  public private(set) var droppedNames: [DroppedName] = []
  private var committedAttributes = 0
  private var committedElements = 0
  private var committedBytes = 0

  /// An empty batch that resolves names through `symbols`.
  public init(symbols: SymbolTable) {
    self.symbols = symbols
    bytes.reserveCapacity(1 << 16)
    attributes.reserveCapacity(1 << 12)
    events.reserveCapacity(1 << 10)
  }

  /// Forgets all events; capacity stays, as far as it is not out of proportion.
  public func removeAll() {
    events.empty()
    attributes.empty()
    elements.empty()
    bytes.empty()
    committedAttributes = 0
    committedElements = 0
    committedBytes = 0
  }

  /// Whether the event under way has `droppedNames`.
  public var hasDroppedNames: Bool { !droppedNames.isEmpty }

  /// Starts an event, forgetting one that was not committed.
  public func begin() {
    if attributes.count > committedAttributes {
      attributes.removeLast(attributes.count - committedAttributes)
    }
    if elements.count > committedElements { elements.removeLast(elements.count - committedElements) }
    if bytes.count > committedBytes { bytes.removeLast(bytes.count - committedBytes) }
    if !droppedNames.isEmpty { droppedNames.removeAll(keepingCapacity: true) }
  }

  /// Copies `raw` into the arena.
  public func append(_ raw: UnsafeRawBufferPointer) -> ByteSlice {
    let start = Int32(bytes.count)
    bytes.append(contentsOf: raw)
    return ByteSlice(start: start, count: Int32(raw.count))
  }

  /// Adds an attribute to the event under way; one whose name no symbol has is dropped, and only its name is noted.
  public func appendAttribute(
    name: UnsafeRawBufferPointer, kind: AttributeKind, bits: UInt64,
    text: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    let hash = SymbolTable.hash(name)
    let number = symbols.lookup(name, hash: hash)
    guard number != SymbolTable.unknown else {
      droppedNames.append(DroppedName(bytes: name, hash: hash))
      return
    }
    appendAttribute(number: number, kind: kind, bits: bits, text: text)
  }

  /// Adds an attribute of the name with this number.
  public func appendAttribute(
    number: Int32, kind: AttributeKind, bits: UInt64,
    text: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    attributes.append(attribute(number, kind, bits, text))
  }

  /// Adds what an element of a list holds, before the list itself is added. `number`: of its field's name, or `unknown`.
  public func appendElement(
    number: Int32, kind: AttributeKind, bits: UInt64,
    text: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
  ) {
    elements.append(attribute(number, kind, bits, text))
  }

  /// Whether something of this name was added as of an element, from a position on.
  public func hasElement(number: Int32, from first: Int) -> Bool {
    for index in first..<elements.count where elements[index].name == number { return true }
    return false
  }

  /// Adds a list of `size` elements; what they hold was added from `first` on.
  public func appendList(number: Int32, size: Int, first: Int) {
    let run = ByteSlice(start: Int32(first), count: Int32(elements.count - first))
    attributes.append(
      Attribute(name: number, kind: .list, bits: UInt64(size), text: run, symbol: SymbolTable.unknown))
  }

  private func attribute(
    _ number: Int32, _ kind: AttributeKind, _ bits: UInt64, _ text: UnsafeRawBufferPointer
  ) -> Attribute {
    guard kind == .text else {
      return Attribute(name: number, kind: kind, bits: bits, text: .empty, symbol: SymbolTable.unknown)
    }
    return Attribute(name: number, kind: kind, bits: bits, text: append(text), symbol: symbols.lookup(text))
  }

  /// Ends the event under way. Returns its position in `events`.
  @discardableResult
  public func commit(
    kind: EventKind, type: Int32, eventID: ByteSlice, entityID: ByteSlice, source: ByteSlice, time: EventTime
  ) -> Int {
    let hash = withBytes(of: eventID) { Hash128(of: $0) }
    events.append(
      Event(
        kind: kind, type: type, eventID: eventID, entityID: entityID, source: source, time: time,
        idHash: hash,
        attributesStart: Int32(committedAttributes),
        attributesCount: Int32(attributes.count - committedAttributes)))
    committedAttributes = attributes.count
    committedElements = elements.count
    committedBytes = bytes.count
    return events.count - 1
  }

  /// Calls `body` with the bytes of a slice; the pointer is valid only inside.
  @inlinable
  public func withBytes<Result>(of slice: ByteSlice, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { all in
      body(UnsafeRawBufferPointer(rebasing: all[Int(slice.start)..<Int(slice.start + slice.count)]))
    }
  }

  /// The text of a slice; allocates: not for row code.
  public func string(_ slice: ByteSlice) -> String {
    withBytes(of: slice) { String(decoding: $0, as: UTF8.self) }
  }
}
