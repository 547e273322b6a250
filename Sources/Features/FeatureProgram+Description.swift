public import Events

/// A tile series, for readers: what `tally check --state` prints.
public struct SeriesDescription: Equatable, Sendable {
  /// Its number in stored states.
  public let number: Int
  /// For example `session.duration_min where device == "mobile" hop 1d keep 30d`.
  public let text: String
  /// Components of an entry, in order.
  public let components: [String]
  /// What tells entries of one tile apart.
  public let subKey: String
}

/// What a column's values are.
public enum ColumnKind: Equatable, Sendable {
  /// Numbers.
  case number
  /// 1 or 0.
  case flag
  /// Whole numbers from 0 to one less than this many.
  case codes(Int)
  /// Codes of a vocabulary's words in their order; one more for all other words.
  case category([String])
}

/// A column, for readers and for what models say of it.
public struct ColumnDescription: Equatable, Sendable {
  /// Feature name.
  public let name: String
  /// Canonical text of its expression.
  public let expressionText: String
  /// `number`, `flag`, `category` or `rank`.
  public let type: String
  /// Words for its codes; empty for numbers.
  public let labels: [String]
  /// What its values are.
  public let kind: ColumnKind
  /// 16 hex digits of what it means, see `FeatureHashes`.
  public let meaning: String

  /// A column of this name and kind.
  public init(name: String, kind: ColumnKind = .number, labels: [String] = []) {
    self.name = name
    self.kind = kind
    self.labels = labels
    expressionText = name
    type = "number"
    meaning = ""
  }

  init(_ feature: FeatureDraft) {
    name = feature.declaration.name
    expressionText = feature.expression
    labels = feature.labels
    switch feature.value.type {
    case .number: type = feature.labels.isEmpty ? "number" : "category"
    case .flag: type = feature.labels.isEmpty ? "flag" : "category"
    case .category: type = "category"
    case .rank: type = "rank"
    }
    kind =
      switch feature.value.type {
      case .number, .rank: feature.value.codes.map { .codes($0) } ?? .number
      case .flag: .flag
      case .category(let words): .category(words)
      }
    meaning = String(feature.meaning.hex.prefix(16))
  }
}

/// A window in use.
public struct WindowDescription: Equatable, Sendable {
  /// Length, microseconds.
  public let span: EventTime
  /// Hop of its tiles, microseconds.
  public let hop: EventTime

  /// For example `30d, hop 1d`.
  public var text: String { "\(durationText(span)), hop \(durationText(hop))" }
}

/// What an entity's stored state is expected to take.
public struct StateEstimate: Equatable, Sendable {
  /// Bytes of a typical entity's stored state.
  public let bytes: Int
  /// What that assumes.
  public let assumption: String

  /// Entries times their bytes. A key costs 2 bytes (a hash 7 in a new tile, 6 in the same), a count 1, a whole
  /// number 4, a time 8, a real 9.
  init(_ builder: ProgramBuilder) {
    assumption =
      "an entity active on half of the days, in two hours of such a day, with up to three words of a category and "
      + "five texts a tile; every selection met each time"
    var total = 2 + 3 + 9 + 3 + 3 + 16 * EntityState.recentMax
    for (number, draft) in builder.series.enumerated() {
      let layout = builder.layouts[number]
      let tiles = Self.tiles(draft)
      let subs = Self.subs(draft, layout)
      let values = draft.components.reduce(0) { $0 + Self.size($1.kind) }
      let key = draft.key.sub == .hash ? 6 : 2
      total += 8 + tiles * subs * (key + values)
    }
    bytes = total
  }

  private static func tiles(_ draft: SeriesDraft) -> Int {
    let days = Int(draft.reach / Span.day) + 1
    switch draft.key.hop {
    case .lifetime: return 1
    case .hour: return days + 1
    case .day: return (days + 1) / 2
    case .week: return days / 7 + 1
    }
  }

  private static func subs(_ draft: SeriesDraft, _ layout: SeriesLayout) -> Int {
    let isLifetime = draft.key.hop == .lifetime
    switch draft.key.sub {
    case .none: return 1
    case .code: return isLifetime ? Int(layout.subEnd) : min(Int(layout.subEnd), 3)
    case .hour: return isLifetime ? 24 : 2
    case .hash: return isLifetime ? DistinctSketch.registers : 5
    case .attribute: return layout.entriesMax
    }
  }

  private static func size(_ kind: Component.Kind) -> Int {
    switch kind {
    case .count, .rank: 1
    case .sum, .minimum, .maximum, .firstValue, .lastValue: 4
    case .firstTime, .lastTime: 8
    case .real, .decay: 9
    }
  }
}

extension ProgramBuilder {
  /// Descriptions of all series, by number.
  var descriptions: [SeriesDescription] {
    series.enumerated().map { number, draft in
      SeriesDescription(
        number: number, text: draft.description, components: draft.components.sorted().map(\.text),
        subKey: draft.key.sub.text)
    }
  }
}
