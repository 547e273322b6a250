import Events

/// Length of a series' tiles.
enum Hop: UInt8, Comparable {
  case lifetime, hour, day, week

  static func < (left: Hop, right: Hop) -> Bool { left.rawValue < right.rawValue }

  /// Microseconds; 0 for lifetime.
  var micros: EventTime {
    switch self {
    case .lifetime: 0
    case .hour: Span.hour
    case .day: Span.day
    case .week: 7 * Span.day
    }
  }

  var text: String { self == .lifetime ? "lifetime" : durationText(micros) }

  /// The hop of a window.
  init(window: EventTime) {
    self = window <= 2 * Span.day ? .hour : window <= 60 * Span.day ? .day : .week
  }
}

/// What tells entries of one tile apart.
enum SubKey: UInt8 {
  case none, code, hour, hash, attribute

  /// Bits that it takes in stored keys.
  var bits: UInt64 {
    switch self {
    case .none: 0
    case .hour: 5
    case .code, .attribute: 16
    case .hash: 44
    }
  }

  var text: String {
    switch self {
    case .none: "none"
    case .code: "category code"
    case .hour: "hour of the day"
    case .hash: "44-bit hash, or below 64: sketch register"
    case .attribute: "profile attribute number"
    }
  }
}

/// What an entry holds; `halfLife` tells decays apart.
struct Component: Hashable, Comparable {
  /// In the order in which entries hold them.
  enum Kind: UInt8 {
    case count, sum, minimum, maximum, firstTime, firstValue, lastTime, lastValue, rank, real, decay
  }

  var kind: Kind
  /// Microseconds; 0 except for `decay`.
  var halfLife: EventTime = 0

  static func < (left: Component, right: Component) -> Bool {
    (left.kind.rawValue, left.halfLife) < (right.kind.rawValue, right.halfLife)
  }

  var text: String {
    switch kind {
    case .count: "count"
    case .sum: "sum"
    case .minimum: "min"
    case .maximum: "max"
    case .firstTime: "first time (us)"
    case .firstValue: "first value"
    case .lastTime: "last time (us)"
    case .lastValue: "last value"
    case .rank: "rank (0: exact)"
    case .real: "value (IEEE 754 bits)"
    case .decay: "decayed \(durationText(halfLife)) (IEEE 754 bits)"
    }
  }
}

/// Identity of a tile series: which events, what of them, told apart how, in which tiles.
struct SeriesKey: Hashable {
  /// Group of the event type; -1: any event; the profile's group for the profile.
  var group: Int
  /// Number of the filter; -1: none.
  var filter: Int
  /// Attribute's number in its group; -1: none.
  var attribute: Int
  var sub: SubKey
  var hop: Hop
}

/// A series while features are being compiled.
struct SeriesDraft {
  var key: SeriesKey
  /// Selection or source, canonical.
  var text: String
  var components: Set<Component> = []
  /// The furthest that a reader looks back, microseconds.
  var reach: EventTime = 0

  /// Canonical text: decides the series' number.
  var description: String {
    let keep = key.hop == .lifetime ? "" : " keep \(durationText(reach))"
    let sub: String
    switch key.sub {
    case .none: sub = ""
    case .code: sub = " by code"
    case .hour: sub = " by hour"
    case .hash: sub = " by hash"
    case .attribute: sub = " by attribute"
    }
    return "\(text)\(sub) hop \(key.hop.text)\(keep)"
  }
}

/// A series as row code sees it. In memory a key is (tile << 44) | sub, in stored states (tile << subBits) | sub. Offsets count words from the entry's key; 0: there is no such component.
struct SeriesLayout {
  var hop: EventTime = 0
  var reach: EventTime = 0
  /// Words of an entry, the key included.
  var stride = 1
  /// First bound that a sub-key cannot reach.
  var subEnd: UInt64 = 1
  var sub = SubKey.none
  /// Bits of a sub-key in stored keys.
  var subBits: UInt64 = 0
  var count = 0
  var sum = 0
  var minimum = 0
  var maximum = 0
  var firstTime = 0
  var firstValue = 0
  var lastTime = 0
  var lastValue = 0
  var rank = 0
  var real = 0
  /// First of the decays; their half-lives stand in the program's list from `halfLife`.
  var decay = 0
  var decayCount = 0
  var halfLife = 0
  /// What a first or last value must be below; 0: anything.
  var valueEnd: Int64 = 0
  /// Most entries that the series can ever hold; 0: grows with time.
  var entriesMax = 0
  /// Code of a vocabulary's `other`, the last one, when sub-keys are its codes.
  var otherCode: UInt64?
  /// Largest value that an event can have, in units of the last decimal.
  var magnitude: Int64 = 1
  /// Entries at which words of a category are folded into `other`, to keep within `state_max`; 0: never.
  var foldsAt = 0
}
