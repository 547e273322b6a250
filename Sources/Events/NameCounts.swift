/// How often a name was met.
public struct NameCount: Equatable, Sendable {
  /// The name, or `NameCounts.other`.
  public var name: String
  /// How often.
  public var count: UInt64

  package init(_ name: String, _ count: UInt64) {
    self.name = name
    self.count = count
  }
}

/// A name that was dropped: its bytes, as long as the record is, and `SymbolTable.hash` of them.
public struct DroppedName {
  /// UTF-8 of the name; valid as long as the counter that holds it.
  public let bytes: UnsafeRawBufferPointer
  /// Its hash.
  public let hash: UInt64

  /// A name with its hash.
  @inlinable
  public init(bytes: UnsafeRawBufferPointer, hash: UInt64) {
    self.bytes = bytes
    self.hash = hash
  }

  /// `bytes` must stay valid as long as the key is used.
  public init(_ bytes: UnsafeRawBufferPointer) { self.init(bytes: bytes, hash: SymbolTable.hash(bytes)) }
}

/// What of decoded events a pipeline does not declare, by name: what was dropped. Values are never looked at.
public struct NameCounts: Equatable, Sendable {
  /// Stands for the names beyond the first `namesMax`, and for those that are not safe to show.
  public static let other = "other"
  /// Names that are told apart, of event types and of attributes.
  public static let namesMax = 64
  /// Longest name that is shown, bytes: what is longer looks like data.
  public static let nameBytesMax = 64

  /// Events decoded: engagements and profiles.
  public var events: UInt64 = 0
  /// Events by undeclared type. Their attributes are not counted.
  public var types: [NameCount] = []
  /// Undeclared attributes of events of declared types and of profiles.
  public var attributes: [NameCount] = []
  /// Declared attributes with values that are not allowed and count as missing, or as the nearer bound: events with such a one.
  public var replaced: [NameCount] = []
  /// Declared event types that no event had, in order of declaration.
  public var unseen: [String] = []

  /// Attributes for which the mapping has found nothing in the records that it has looked at so far, in order of declaration.
  public var unmatched: [String] = []
  /// Records in which it has looked: the first `mappedRecordsMax` of every worker.
  public var mappedRecords: UInt64 = 0
  /// Mapped records after which it is told which attributes stand nowhere.
  public static let mappedRecordsMax = 10_000

  /// Nothing.
  public init() {}

  /// Whether anything was dropped or replaced.
  public var hasDropped: Bool { !types.isEmpty || !attributes.isEmpty || !replaced.isEmpty }

  /// What has been dropped since `earlier`, whose counts are nowhere greater.
  public func since(_ earlier: NameCounts) -> NameCounts {
    var rest = NameCounts()
    rest.events = events - earlier.events
    rest.types = Self.difference(types, earlier.types)
    rest.attributes = Self.difference(attributes, earlier.attributes)
    rest.replaced = Self.difference(replaced, earlier.replaced)
    return rest
  }

  private static func difference(_ now: [NameCount], _ earlier: [NameCount]) -> [NameCount] {
    now.compactMap { entry in
      let before = earlier.first { $0.name == entry.name }?.count ?? 0
      return entry.count > before ? NameCount(entry.name, entry.count - before) : nil
    }
  }

  /// Whether a name may be shown: 1 to 64 of `A`–`Z`, `a`–`z`, `0`–`9`, `_`, `.` and `-`. Anything else may be data.
  public static func isShown(_ name: UnsafeRawBufferPointer) -> Bool {
    guard name.count > 0, name.count <= nameBytesMax else { return false }
    for byte in name {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
        continue
      default: return false
      }
    }
    return true
  }
}
