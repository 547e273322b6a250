import Events
public import Tables

/// Compares a table's rows with what the log gives, entities by entities.
public struct ScoreComparison {
  /// How it ended, once `settle` was called.
  public private(set) var result: Comparison
  /// Rows that the table should have, where it has none or, in `latest_scores`, an older one: to be told apart by `settle`.
  public private(set) var absent: [ScorePlace] = []
  /// Those of `absent` that have an older row in their place.
  private var outdated: Set<ScorePlace> = []

  private let table: ScoreTable.Name
  private let recomputed: Recomputation
  private let definition: String
  private let logFrom: [Int32: Int64]
  /// Lowest offset of a row that was found, by partition.
  private var lowest: [Int32: Int64] = [:]

  /// `definition`: of rows that this pipeline writes; others are counted apart, and so are those of models that the log does not name. `logFrom`: first
  /// offset that was read of a partition.
  public init(
    _ table: ScoreTable.Name, _ recomputed: Recomputation, definition: String,
    logFrom: [Int32: Int64]
  ) {
    self.table = table
    self.recomputed = recomputed
    self.definition = definition
    self.logFrom = logFrom
    result = Comparison(table.rawValue)
  }

  /// Compares all rows of some entities; `ids` are all of those, also who has no row, each once.
  public mutating func add(_ rows: [StoredScore], of ids: [[UInt8]]) {
    let byEntity = Dictionary(grouping: rows) { Array($0.entityID.utf8) }
    for id in ids {
      let rows = byEntity[id] ?? []
      for row in rows { lowest[row.partition] = min(lowest[row.partition] ?? .max, row.offset) }
      let entity = recomputed.entities[id]
      if let entity, !recomputed.isComparable(entity) { continue }
      switch table {
      case .scores: compareScores(rows, entity)
      case .latest: compareLatest(rows, entity)
      }
    }
  }

  private mutating func compareScores(_ rows: [StoredScore], _ entity: SampledEntity?) {
    var expected: [ScorePlace: Int] = [:]
    for (index, score) in (entity?.scores ?? []).enumerated() { expected[score.place] = index }
    for row in rows {
      guard let entity, let index = expected.removeValue(forKey: row.place) else {
        unexpected(row)
        continue
      }
      compare(row, entity.scores[index], entity.bits(of: index, width: recomputed.cells.scoresCount))
    }
    absent += expected.keys
  }

  private mutating func compareLatest(_ rows: [StoredScore], _ entity: SampledEntity?) {
    // The table's primary key: one row at most.
    guard let row = rows.first else {
      if let latest = entity?.latest { absent.append(latest.score.place) }
      return
    }
    guard let latest = entity?.latest else { return unexpected(row) }
    guard row.place == latest.score.place || row.definition != definition else {
      // What was not read of another partition may well be later than what was read of this one.
      guard row.partition == latest.score.partition || row.offset >= logFrom[row.partition] ?? 0 else {
        return result.note(Comparison.olderThanLog)
      }
      outdated.insert(latest.score.place)
      return absent.append(latest.score.place)
    }
    compare(row, latest.score, latest.bits[...])
  }

  private mutating func unexpected(_ row: StoredScore) {
    if row.offset < logFrom[row.partition] ?? 0 {
      result.note(Comparison.olderThanLog)
    } else if row.definition != definition {
      result.note("of another definition")
    } else {
      result.isUnexpected(at: row.place)
    }
  }

  private mutating func compare(
    _ row: StoredScore, _ score: ExpectedScore, _ bits: ArraySlice<UInt32>
  ) {
    guard row.definition == definition else { return result.note("of another definition") }
    let isOfSet = row.modelVersions == recomputed.modelVersions(of: score)
    // Of models that were served before promotions were in the log.
    guard isOfSet || recomputed.isOfLog(row.modelVersions) else { return result.note("of other models") }
    var found: [ColumnDifference] = []
    if !isOfSet { found.append(ColumnDifference("model_versions")) }
    if Hash128(of: row.eventID) != score.eventID { found.append(ColumnDifference("event_id")) }
    if row.eventTime != score.eventTime {
      found.append(ColumnDifference("event_time", magnitude: Self.distance(row.eventTime, score.eventTime)))
    }
    if row.asOf != score.asOf {
      found.append(ColumnDifference("as_of", magnitude: Self.distance(row.asOf, score.asOf)))
    }
    for (column, bits) in bits.enumerated() {
      let expected = recomputed.cells.cell(column, bits)
      let stored = column < row.cells.count ? row.cells[column] : .null
      guard stored != expected else { continue }
      var magnitude: Double?
      if case .number(let one) = stored, case .number(let other) = expected { magnitude = abs(one - other) }
      found.append(ColumnDifference(recomputed.cells.names[column], magnitude: magnitude))
    }
    if found.isEmpty { result.isEqual() } else { result.differs(found, at: row.place) }
  }

  private static func distance(_ one: Int64, _ other: Int64) -> Double { abs(Double(one) - Double(other)) }

  /// Whether an absent row lies before all that were found on its partition: then it matters where the table's rows begin.
  public var asksForFirstOffsets: Bool { absent.contains { $0.offset < lowest[$0.partition] ?? .max } }

  /// Tells the absent rows apart: those before the table's first (a table that was added later has none), those that were
  /// refused when they came for what was no fault of theirs, and those that are missing.
  public mutating func settle(firstOffsets: [Int32: Int64], refused: [LetterAddress: String]) {
    for place in absent.sorted() {
      let letter = refused[LetterAddress(partition: place.partition, offset: place.offset)]
      if let first = firstOffsets[place.partition], place.offset < first {
        result.note("from before the table's first row")
      } else if letter == "corrupt-state" || letter == "entity-moved" {
        result.note("a dead letter then (\(letter ?? ""))")
      } else if outdated.contains(place) {
        result.differs([ColumnDifference("offset")], at: place)
      } else {
        result.isMissing(at: place)
      }
    }
    absent = []
  }
}

extension StoredScore {
  fileprivate var place: ScorePlace { ScorePlace(partition: partition, offset: offset) }
}

extension ExpectedScore {
  fileprivate var place: ScorePlace { ScorePlace(partition: partition, offset: offset) }
}
