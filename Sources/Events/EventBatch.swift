/// The decoded events of one batch and the arena that their bytes lie in.
///
/// Reused from batch to batch: after warm-up nothing is allocated. One thread. A decoder calls `begin`, adds
/// attributes and bytes, then `commit`; a later `begin` without `commit` forgets what was added.
public final class EventBatch {
  /// The pipeline's names.
  public let symbols: SymbolTable
  /// Events in the order of the log.
  public let events = ReusedBuffer<Event>(capacity: 1 << 10)
  /// Attributes of all events.
  public let attributes = ReusedBuffer<Attribute>(capacity: 1 << 12)
  /// What the elements of all lists hold, list by list.
  public let elements = ReusedBuffer<Attribute>(capacity: 1 << 8)
  /// Values of profiles that readers took without attributes.
  public let profiles = ReusedBuffer<Double>(capacity: 1 << 10)
  /// All bytes: ids and texts.
  public let bytes = ReusedBuffer<UInt8>(capacity: 1 << 16)
  /// Names of the event under way that no symbol has, so that its attributes were dropped; valid as long as the record is.
  public private(set) var droppedNames: [DroppedName] = []
  /// The promotions among the events, each with its event's position.
  private var promotions: [(event: Int, promotion: Promotion)] = []
  private var committedAttributes = 0
  private var committedElements = 0
  private var committedBytes = 0
  private var committedProfiles = 0

  /// An empty batch that resolves names through `symbols`.
  public init(symbols: SymbolTable) { self.symbols = symbols }

  deinit {
    events.deallocate()
    attributes.deallocate()
    elements.deallocate()
    profiles.deallocate()
    bytes.deallocate()
  }

  /// Forgets all events; capacity stays, as far as it is not out of proportion.
  public func removeAll() {
    events.removeAll()
    attributes.removeAll()
    elements.removeAll()
    profiles.removeAll()
    bytes.removeAll()
    if !promotions.isEmpty { promotions.removeAll(keepingCapacity: true) }
    committedAttributes = 0
    committedElements = 0
    committedBytes = 0
    committedProfiles = 0
  }

  /// Whether the event under way has `droppedNames`.
  public var hasDroppedNames: Bool { !droppedNames.isEmpty }

  /// Starts an event, forgetting one that was not committed.
  public func begin() {
    attributes.cut(to: committedAttributes)
    elements.cut(to: committedElements)
    bytes.cut(to: committedBytes)
    profiles.cut(to: committedProfiles)
    if !droppedNames.isEmpty { droppedNames.removeAll(keepingCapacity: true) }
  }

  /// Copies `raw` into the arena.
  @inlinable
  public func append(_ raw: UnsafeRawBufferPointer) -> ByteSlice {
    let start = Int32(bytes.count)
    if let base = raw.baseAddress {
      bytes.append(from: base.assumingMemoryBound(to: UInt8.self), count: raw.count)
    }
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
    appendAttribute(number: number, kind: kind, bits: bits, text: text, word: text)
  }

  /// Adds an attribute of the name with this number. `text`: of a text the bytes that are kept. `word`: what is looked up among the
  /// pipeline's symbols; nil: nothing.
  @inlinable
  public func appendAttribute(
    number: Int32, kind: AttributeKind, bits: UInt64, text: UnsafeRawBufferPointer,
    word: UnsafeRawBufferPointer?
  ) {
    attributes.append(attribute(number, kind, bits, text, word))
  }

  /// Adds what an element of a list holds, before the list itself is added. `number`: of its field's name, or `unknown`.
  @inlinable
  public func appendElement(
    number: Int32, kind: AttributeKind, bits: UInt64, text: UnsafeRawBufferPointer,
    word: UnsafeRawBufferPointer?
  ) {
    elements.append(attribute(number, kind, bits, text, word))
  }

  /// Adds a profile of so many values, all NaN, to the event under way; its values, valid until something is added.
  public func beginProfile(width: Int) -> UnsafeMutablePointer<Double> {
    profiles.extend(by: width, with: .nan)
  }

  /// Forgets the profile of the event under way.
  public func forgetProfile() { profiles.cut(to: committedProfiles) }

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

  @inlinable
  func attribute(
    _ number: Int32, _ kind: AttributeKind, _ bits: UInt64, _ text: UnsafeRawBufferPointer,
    _ word: UnsafeRawBufferPointer?
  ) -> Attribute {
    guard kind == .text else {
      return Attribute(name: number, kind: kind, bits: bits, text: .empty, symbol: SymbolTable.unknown)
    }
    return Attribute(
      name: number, kind: kind, bits: bits, text: append(text),
      symbol: word.map { symbols.lookup($0) } ?? SymbolTable.unknown)
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
        attributesCount: Int32(attributes.count - committedAttributes),
        profileStart: profiles.count > committedProfiles ? Int32(committedProfiles) : -1))
    committedAttributes = attributes.count
    committedElements = elements.count
    committedBytes = bytes.count
    committedProfiles = profiles.count
    return events.count - 1
  }

  /// Says what the promotion orders that was committed last.
  public func note(_ promotion: Promotion) { promotions.append((events.count - 1, promotion)) }

  /// What the promotion at a position of `events` orders; nil: it is none.
  public func promotion(at event: Int32) -> Promotion? {
    promotions.first { $0.event == Int(event) }?.promotion
  }

  /// Calls `body` with the bytes of a slice; the pointer is valid only inside.
  @inlinable
  public func withBytes<Result>(of slice: ByteSlice, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    precondition(slice.start >= 0 && Int(slice.start) + Int(slice.count) <= bytes.count)
    return body(UnsafeRawBufferPointer(start: bytes.base + Int(slice.start), count: Int(slice.count)))
  }

  /// The text of a slice; allocates: not for row code.
  public func string(_ slice: ByteSlice) -> String {
    withBytes(of: slice) { String(decoding: $0, as: UTF8.self) }
  }
}
