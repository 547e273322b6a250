/// Why offsets of a partition are left out of states and scores.
public enum LeftOutCause: String, CaseIterable, Sendable {
  /// The log no longer had them when the partition was taken up again, and an operator accepted that: `run --accept-gap`.
  case deleted
  /// Their bytes cannot be made records, whoever reads them.
  case unreadable
  /// An operator ordered it: `tally skip`.
  case skipped

  /// Whether an operator decided it: then the log alone does not tell, and the decision must be kept.
  public var isOrder: Bool { self != .unreadable }
}

/// A range of a partition's offsets that is left out.
public struct LeftOut: Equatable, Sendable {
  /// First offset.
  public var from: Int64
  /// Offset behind the last one.
  public var until: Int64
  /// Why.
  public var cause: LeftOutCause

  /// A range; `until` lies behind `from`.
  public init(from: Int64, until: Int64, cause: LeftOutCause) {
    precondition(from >= 0 && until > from)
    self.from = from
    self.until = until
    self.cause = cause
  }

  /// Number of offsets.
  public var count: Int64 { until - from }

  /// `500-999:deleted`, with the last offset.
  public var text: String { "\(from)-\(until - 1):\(cause.rawValue)" }
}

/// Everything that is left out of a partition: ascending, without overlap.
public struct LeftOutRanges: Equatable, Sendable {
  /// Orders that a partition can have: they go with each committed offset, whose text a broker bounds (4,096 bytes by default).
  public static let ordersMax = 64
  /// Unreadable ranges that are listed; of older ones only the number of offsets is kept.
  public static let unreadableMax = 64

  /// The ranges; those side by side of one cause are one.
  public private(set) var ranges: [LeftOut] = []
  /// Offsets of unreadable ranges that are no longer listed.
  public private(set) var forgotten: Int64 = 0

  /// Nothing.
  public init() {}

  /// Ranges in any order; what overlaps is what came first.
  public init(_ ranges: [LeftOut], forgotten: Int64 = 0) {
    self.forgotten = forgotten
    for range in ranges { add(range) }
  }

  /// Whether nothing is left out.
  public var isEmpty: Bool { ranges.isEmpty && forgotten == 0 }

  /// What operators decided.
  public var orders: LeftOutRanges {
    LeftOutRanges(ranges.filter { $0.cause.isOrder })
  }

  /// Whether there is no room for a further order.
  public var isFull: Bool { ranges.count { $0.cause.isOrder } >= Self.ordersMax }

  /// Adds a range, as far as it is not left out yet.
  public mutating func add(_ range: LeftOut) {
    var from = range.from
    var pieces: [LeftOut] = []
    for other in ranges where other.until > range.from && other.from < range.until {
      if other.from > from { pieces.append(LeftOut(from: from, until: other.from, cause: range.cause)) }
      from = max(from, other.until)
    }
    if from < range.until { pieces.append(LeftOut(from: from, until: range.until, cause: range.cause)) }
    guard !pieces.isEmpty else { return }
    let sorted = (ranges + pieces).sorted { $0.from < $1.from }
    ranges.removeAll(keepingCapacity: true)
    for next in sorted {
      if let last = ranges.last, last.until == next.from, last.cause == next.cause {
        ranges[ranges.count - 1].until = next.until
      } else {
        ranges.append(next)
      }
    }
    forgetOldest()
  }

  /// Adds what another has of the same partition.
  public mutating func add(_ other: LeftOutRanges) {
    // What one of them has forgotten, the other may list still: it is not counted twice.
    let (own, others) = (listedFrom, other.listedFrom)
    let known = max(own, others)
    if others > own {
      ranges = ranges.compactMap { Self.clip($0, from: known) }
      forgotten = other.forgotten
    } else if others == own {
      forgotten = max(forgotten, other.forgotten)
    }
    for range in other.ranges {
      if let rest = Self.clip(range, from: known) { add(rest) }
    }
  }

  /// Unreadable offsets below this are counted in `forgotten`: they are found in ascending order.
  private var listedFrom: Int64 {
    forgotten == 0 ? 0 : ranges.first { $0.cause == .unreadable }?.from ?? 0
  }

  /// Of an unreadable range what lies at `known` or behind it; orders as they are.
  private static func clip(_ range: LeftOut, from known: Int64) -> LeftOut? {
    guard range.cause == .unreadable, range.from < known else { return range }
    return range.until > known ? LeftOut(from: known, until: range.until, cause: .unreadable) : nil
  }

  /// A text, or a stored record, may say any number.
  private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
    let (sum, isOver) = one.addingReportingOverflow(other)
    return isOver ? .max : sum
  }

  private mutating func forgetOldest() {
    while ranges.count(where: { $0.cause == .unreadable }) > Self.unreadableMax, forgetOne() {}
  }

  /// Keeps only the number of offsets of the oldest unreadable range. Returns false when it is the last: where the listing begins tells
  /// what is counted already.
  mutating func forgetOne() -> Bool {
    guard ranges.count(where: { $0.cause == .unreadable }) > 1,
      let oldest = ranges.firstIndex(where: { $0.cause == .unreadable })
    else { return false }
    forgotten = Self.sum(forgotten, ranges[oldest].count)
    ranges.remove(at: oldest)
    return true
  }

  /// Takes offsets out of the orders; `cause`: only out of those.
  public mutating func remove(orders offsets: Range<Int64>, _ cause: LeftOutCause? = nil) {
    ranges = ranges.flatMap { range in
      let isMeant = range.cause.isOrder && (cause == nil || range.cause == cause)
      guard isMeant, range.from < offsets.upperBound, range.until > offsets.lowerBound else { return [range] }
      var rest: [LeftOut] = []
      if range.from < offsets.lowerBound {
        rest.append(LeftOut(from: range.from, until: offsets.lowerBound, cause: range.cause))
      }
      if range.until > offsets.upperBound {
        rest.append(LeftOut(from: offsets.upperBound, until: range.until, cause: range.cause))
      }
      return rest
    }
  }

  /// Whether an offset is left out.
  public func contains(_ offset: Int64) -> Bool {
    ranges.contains { $0.from <= offset && offset < $0.until }
  }

  /// Whether all offsets of a range are left out.
  public func covers(_ range: LeftOut) -> Bool { end(from: range.from) >= range.until }

  /// The first offset from `offset` on that is not left out.
  public func end(from offset: Int64) -> Int64 {
    var next = offset
    for range in ranges where range.from <= next && next < range.until { next = range.until }
    return next
  }

  /// How many offsets below `limit` are left out.
  public func count(below limit: Int64, because cause: LeftOutCause? = nil) -> Int64 {
    let listed = ranges.reduce(Int64(0)) { sum, range in
      guard cause == nil || range.cause == cause, range.from < limit else { return sum }
      return sum + min(range.until, limit) - range.from
    }
    return Self.sum(listed, cause == nil || cause == .unreadable ? forgotten : 0)
  }

  /// `500-999:deleted,1200-1200:unreadable,+12:unreadable`, with last offsets; the part with `+` counts what is no longer listed.
  /// Empty: nothing.
  public var text: String {
    var parts = ranges.map(\.text)
    if forgotten > 0 { parts.append("+\(forgotten):\(LeftOutCause.unreadable.rawValue)") }
    return parts.joined(separator: ",")
  }

  /// Reads `text`; nil: it is none that was ever written, byte for byte.
  public init?(text: some StringProtocol) {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) where !text.isEmpty {
      let halves = part.split(separator: ":", omittingEmptySubsequences: false)
      guard halves.count == 2, let cause = LeftOutCause(rawValue: String(halves[1])) else { return nil }
      if halves[0].utf8.first == UInt8(ascii: "+") {
        guard forgotten == 0, cause == .unreadable, let count = Int64(halves[0].dropFirst()), count > 0 else {
          return nil
        }
        forgotten = count
        continue
      }
      let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count == 2, let from = Int64(ends[0]), let last = Int64(ends[1]), from >= 0,
        last >= from, last < .max
      else { return nil }
      add(LeftOut(from: from, until: last + 1, cause: cause))
    }
    guard self.text.utf8.elementsEqual(text.utf8) else { return nil }
  }
}
