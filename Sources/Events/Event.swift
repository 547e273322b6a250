/// What an event is.
public enum EventKind: UInt8, Sendable, BitwiseCopyable {
  /// Something the entity did or met.
  case engagement
  /// The whole profile: absent attributes are no longer known.
  case profileSnapshot
  /// Some of the profile's attributes.
  case profileChange
  /// Time goes on for an entity that is silent: moves its as-of time and is scored.
  case tick
  /// Everything known of the entity goes: state, rows and dead letters.
  case erasure
  /// Another set of models scores from the next record of its partition on; it belongs to no entity.
  case promotion
}

/// One decoded event: numbers and runs of bytes in its batch's arena.
public struct Event: Sendable, BitwiseCopyable {
  /// What it is.
  public var kind: EventKind
  /// Number of the event type in the pipeline's symbols; `unknown` for one that no feature names.
  public var type: Int32
  /// Event id.
  public var eventID: ByteSlice
  /// Entity id.
  public var entityID: ByteSlice
  /// Producer's name of itself.
  public var source: ByteSlice
  /// Event time, microseconds UTC.
  public var time: EventTime
  /// 128-bit hash of the event id.
  public var idHash: Hash128
  /// Range in the batch's attributes: first.
  public var attributesStart: Int32
  /// Range in the batch's attributes: count.
  public var attributesCount: Int32
  /// Where its profile's values begin in the batch's `profiles`, if a reader took them without attributes; else -1.
  public var profileStart: Int32

  /// An event with every field given.
  public init(
    kind: EventKind, type: Int32, eventID: ByteSlice, entityID: ByteSlice, source: ByteSlice,
    time: EventTime, idHash: Hash128, attributesStart: Int32, attributesCount: Int32, profileStart: Int32 = -1
  ) {
    self.kind = kind
    self.type = type
    self.eventID = eventID
    self.entityID = entityID
    self.source = source
    self.time = time
    self.idHash = idHash
    self.attributesStart = attributesStart
    self.attributesCount = attributesCount
    self.profileStart = profileStart
  }
}

/// What an attribute holds.
public enum AttributeKind: UInt8, Sendable, BitwiseCopyable {
  /// Nothing: the attribute is removed or not known.
  case null
  /// Bits are 0 or 1.
  case flag
  /// Bits are those of an `Int64`.
  case integer
  /// A finite real number.
  case real
  /// Text.
  case text
  /// An object or a list.
  case composite
  /// A whole number beyond 64 bits.
  case beyond
  /// A number beyond a double, infinity, or no number (NaN).
  case infinite
  /// Text that is none: not UTF-8, or half of a surrogate pair.
  case garbled
  /// A list whose elements were read: bits say how many it has, and `text` where what they hold lies in the batch's elements.
  case list
}

/// One attribute that the pipeline's symbols name; others are checked and dropped while decoding. What an element of a list holds is one,
/// too: of the name of its field, or without a name.
public struct Attribute: Sendable, BitwiseCopyable {
  /// Number of its name in the pipeline's symbols; `unknown`: a list's element without a name.
  public var name: Int32
  /// What it holds.
  public var kind: AttributeKind
  /// `flag`: 0 or 1; `integer`: two's complement; `real`: IEEE 754 bits; `list`: elements; else 0.
  public var bits: UInt64
  /// `text`: its bytes. `list`: the run of the batch's elements.
  public var text: ByteSlice
  /// `text`: its number in the pipeline's symbols, or `unknown`.
  public var symbol: Int32

  /// An attribute with every field given.
  @inlinable
  public init(name: Int32, kind: AttributeKind, bits: UInt64, text: ByteSlice, symbol: Int32) {
    self.name = name
    self.kind = kind
    self.bits = bits
    self.text = text
    self.symbol = symbol
  }
}
