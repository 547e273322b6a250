import Events

/// What an entity's stored state takes at most, and how `state_max` keeps it there.
///
/// Only categories' words grow a state beyond what windows and declarations bound: a series that tells words apart has an entry
/// for each word of each tile. Where all of them would pass the bound, each such series gets a share of the bytes that
/// the rest leaves, and at that many entries its rarest words are folded into `other` (`EntityState.fold`).
struct StateBudget {
  /// Events of one entity in one tile up to which the worst case holds: what three bytes can count.
  static let countMax = 1 << 20
  private static let countBytes = 3
  /// Of entries for which a folding series must have room, for each of its tiles: `other`, and a word beside it.
  private static let leastPerTile = 2

  /// Most bytes of a stored state.
  private(set) var worstBytes: Int
  /// For each series the entries at which it folds; 0: never.
  private(set) var foldsAt: [Int]

  /// The worst case without a bound.
  init(_ builder: ProgramBuilder) {
    worstBytes = Self.headBytes + builder.layouts.indices.reduce(0) { $0 + Self.bytes(of: $1, builder) }
    foldsAt = builder.layouts.map { _ in 0 }
  }

  /// Keeps it within a bound. Throws when nothing that can be folded would do.
  init(_ builder: ProgramBuilder, within bound: StateBound) throws(DeclarationError) {
    self.init(builder)
    guard worstBytes > bound.bytes else { return }
    var open = builder.layouts.indices.filter { Self.isFoldable($0, builder) }
    var left = bound.bytes - worstBytes + open.reduce(0) { $0 + Self.bytes(of: $1, builder) }
    let least = open.reduce(0) { $0 + Self.leastBytes(of: $1, builder) }
    guard left >= least else {
      throw DeclarationError(
        bound.position, found: "state_max: \(byteCountText(bound.bytes))",
        allowed:
          "at least \(bound.bytes - left + least)B: these features may need that much for an entity even when all but the "
          + "most frequent words of categories count as other")
    }
    // Equal shares; who needs less leaves the rest to the others, who needs more to begin with gets that.
    worstBytes = bound.bytes - left
    while !open.isEmpty {
      let share = left / open.count
      if let small = open.first(where: { Self.bytes(of: $0, builder) <= share }) {
        settle(small, bytes: Self.bytes(of: small, builder), &open, &left)
      } else if let large = open.first(where: { Self.leastBytes(of: $0, builder) > share }) {
        fold(large, bytes: Self.leastBytes(of: large, builder), builder, &open, &left)
      } else {
        fold(open[0], bytes: share, builder, &open, &left)
      }
    }
  }

  private mutating func settle(_ series: Int, bytes: Int, _ open: inout [Int], _ left: inout Int) {
    open.removeAll { $0 == series }
    left -= bytes
    worstBytes += bytes
  }

  private mutating func fold(
    _ series: Int, bytes: Int, _ builder: ProgramBuilder, _ open: inout [Int], _ left: inout Int
  ) {
    let layout = builder.layouts[series]
    let tiles = layout.tilesMax
    let room = bytes - Self.frameBytes - tiles * Self.crossingBytes(layout)
    foldsAt[series] = room / Self.entryBytes(builder.series[series], layout)
    settle(series, bytes: bytes, &open, &left)
  }

  /// Whether its sub-keys are words, all but one of which can be folded.
  private static func isFoldable(_ series: Int, _ builder: ProgramBuilder) -> Bool {
    builder.layouts[series].otherCode != nil
  }

  private static func leastBytes(of series: Int, _ builder: ProgramBuilder) -> Int {
    let layout = builder.layouts[series]
    let entries = min(leastPerTile * layout.tilesMax, layout.tilesMax * layout.subsMax)
    return bytes(of: builder.series[series], layout, entries: entries)
  }

  private static func bytes(of series: Int, _ builder: ProgramBuilder) -> Int {
    let layout = builder.layouts[series]
    return bytes(of: builder.series[series], layout, entries: layout.tilesMax * layout.subsMax)
  }

  /// Of a series with this many entries in all its tiles.
  private static func bytes(of draft: SeriesDraft, _ layout: SeriesLayout, entries: Int) -> Int {
    frameBytes + layout.tilesMax * crossingBytes(layout) + entries * entryBytes(draft, layout)
  }

  /// Version, partition, two times, number of events, ids.
  private static let headBytes = 2 + 6 + 9 + 9 + 11 + 3 + 16 * EntityState.recentMax
  /// Tags and lengths of a series and its two lists; the first key.
  private static let frameBytes = 3 * 6 + 4 + 10

  /// What the first key of a tile takes at most beyond a key in its middle: the step over what tiles before have left free.
  private static func crossingBytes(_ layout: SeriesLayout) -> Int {
    layout.hop == 0 ? 0 : Wire.size(1 << layout.subBits + layout.subEnd) - keyBytes(layout) + 1
  }

  /// A step within a tile.
  private static func keyBytes(_ layout: SeriesLayout) -> Int { Wire.size(layout.subEnd) }

  private static func entryBytes(_ draft: SeriesDraft, _ layout: SeriesLayout) -> Int {
    keyBytes(layout) + draft.components.reduce(0) { $0 + bytes(of: $1.kind, layout) }
  }

  private static func bytes(of kind: Component.Kind, _ layout: SeriesLayout) -> Int {
    switch kind {
    case .count: countBytes
    case .rank: 1
    case .minimum, .maximum, .firstValue, .lastValue: Wire.size(Wire.zigzag(layout.magnitude))
    case .sum: Wire.size(Wire.zigzag(ExactMath.saturatingProduct(layout.magnitude, Int64(countMax))))
    case .firstTime, .lastTime: Wire.size(Wire.zigzag(EventTimeBounds.end))
    case .real, .decay: 10
    }
  }
}

extension SeriesLayout {
  /// Most tiles that a reader reaches, the one under way included.
  var tilesMax: Int { hop == 0 ? 1 : Int((reach + hop - 1) / hop) + 1 }

  /// Most entries of one tile.
  var subsMax: Int {
    switch sub {
    case .none: 1
    // A tile of an hour has one.
    case .hour: hop == Span.hour ? 1 : 24
    case .hash: max(DistinctSketch.registers, DistinctSketch.exactMax)
    case .attribute: entriesMax
    case .code: Int(subEnd)
    }
  }
}

/// What an entity's stored state takes at most.
public struct StateWorst: Equatable, Sendable {
  /// Bytes, however the events come, as long as no count passes `countMax`.
  public let bytes: Int
  /// Events of an entity in one tile up to which that holds.
  public let countMax = StateBudget.countMax
  /// Bytes by `state_max`; nil: no bound was declared.
  public let bound: Int?
  /// Numbers of the series whose rarest words are folded into `other` to keep within it.
  public let folding: [Int]

  init(_ budget: StateBudget, bound: StateBound?) {
    bytes = budget.worstBytes
    self.bound = bound?.bytes
    folding = budget.foldsAt.indices.filter { budget.foldsAt[$0] > 0 }
  }
}

/// Bytes in the largest unit that divides them.
private func byteCountText(_ bytes: Int) -> String {
  for (unit, size) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
  where bytes > 0 && bytes % size == 0 { return "\(bytes / size)\(unit)" }
  return "\(bytes)B"
}
