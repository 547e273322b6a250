public import Dataflow
public import Events
public import Features

/// Feature rows with their labels, each made at a moment at which Tally would have scored.
public final class TrainingSet {
  /// Feature names, in column order.
  public let columnNames: [String]
  /// The features, in column order: numbers, where nothing else is known.
  public let columns: [ColumnDescription]
  /// What the features mean, for the models that are trained on them; nil: not known.
  public let featureHashes: FeatureHashes?
  /// Label names, in column order.
  public let labelNames: [String]
  /// Feature rows.
  public let features: FloatMatrix
  /// Labels of the rows; NaN: not known.
  public let labels: FloatMatrix
  /// What else is known of the rows.
  public private(set) var rows: [TrainingRow] = []

  package init(
    columnNames: [String], labelNames: [String], featureHashes: FeatureHashes? = nil,
    columns described: [ColumnDescription]? = nil
  ) {
    precondition(described.map { $0.count == columnNames.count } ?? true)
    self.columnNames = columnNames
    columns = described ?? columnNames.map { ColumnDescription(name: $0) }
    self.featureHashes = featureHashes
    self.labelNames = labelNames
    features = FloatMatrix(columns: columnNames.count, capacityRows: 1 << 10)
    labels = FloatMatrix(columns: labelNames.count, capacityRows: 1 << 10)
  }

  /// Adds a row; `fill` writes its features.
  public func append(
    _ row: TrainingRow, labels values: some Collection<Float>, fill: (UnsafeMutablePointer<Float>) -> Void
  ) {
    precondition(values.count == labelNames.count)
    rows.append(row)
    fill(features.appendRow())
    let cells = labels.appendRow()
    for (index, value) in values.enumerated() { cells[index] = value }
  }

  /// The rows but those of these entities among the first so many.
  func without(_ erased: [Hash128: Int]) -> TrainingSet {
    filtered { $0 >= erased[rows[$0].entity] ?? 0 }
  }

  private func filtered(_ isKept: (Int) -> Bool) -> TrainingSet {
    let rest = TrainingSet(
      columnNames: columnNames, labelNames: labelNames, featureHashes: featureHashes, columns: columns)
    for (index, row) in rows.enumerated() where isKept(index) {
      let values = (0..<labelNames.count).map { labels.row(index)[$0] }
      rest.append(row, labels: values) { cells in
        cells.update(from: features.row(index), count: columnNames.count)
      }
    }
    return rest
  }

  /// The rows of which one of these labels is known.
  public func known(_ names: [String]) -> TrainingSet {
    let places = labelNames.indices.filter { names.contains(labelNames[$0]) }
    return filtered { row in places.contains { !labels.row(row)[$0].isNaN } }
  }

  /// Splits the rows that have a label (nil: all rows) into those to learn from and those held back, whole entities at a
  /// time.
  ///
  /// Which way an entity goes is a function of its id and the seed, unless its rows say it, so it stays when others come and go. Rows
  /// are in the order of `TrainingRow.order`.
  public func split(
    label: Int?, heldBackShare: Double, seed: UInt64, time: TimeSplit? = nil
  ) -> TrainingSplit {
    var split = TrainingSplit()
    let ordered = rows.indices.sorted {
      rows[$0].order == rows[$1].order ? $0 < $1 : rows[$0].order < rows[$1].order
    }
    for row in ordered where label.map({ !labels.row(row)[$0].isNaN }) ?? true {
      switch rows[row].part ?? Self.part(of: rows[row], heldBackShare: heldBackShare, seed: seed, time: time)
      {
      case .train: split.training.append(row)
      case .validation: split.heldBack.append(row)
      case .test, .unused: break
      }
    }
    return split
  }

  /// Number of different entities among rows.
  func entityCount(_ selection: [Int]) -> Int { Set(selection.map { rows[$0].entity }).count }

  /// What a row is for, where it does not say so itself.
  public static func part(
    of row: TrainingRow, heldBackShare: Double, seed: UInt64, time: TimeSplit?
  ) -> TrainingPart {
    let entity = part(of: row.entity, heldBackShare: heldBackShare, seed: seed)
    return time?.part(of: row, entity) ?? entity
  }

  /// What an entity's rows are for, where nothing else says so.
  public static func part(of entity: Hash128, heldBackShare: Double, seed: UInt64) -> TrainingPart {
    var words = (entity.low, entity.high, seed)
    let mixed = withUnsafeBytes(of: &words) { Hash128(of: $0) }
    return Double(mixed.low >> 11) * 0x1p-53 < heldBackShare ? .validation : .train
  }
}

/// A row's place in time and among entities.
public struct TrainingRow: Equatable, Sendable {
  /// Hash of the entity's id.
  public var entity: Hash128
  /// The entity's watermark at which the features were read.
  public var asOf: EventTime
  /// Moment of the label: after `asOf`.
  public var labelTime: EventTime
  /// Position of the label in the labels file: an order that the log's partitions do not change.
  public var order: Int

  /// What the row is for; nil: as the entity's id says.
  public var part: TrainingPart?

  /// A row's place.
  public init(entity: Hash128, asOf: EventTime, labelTime: EventTime, order: Int) {
    self.entity = entity
    self.asOf = asOf
    self.labelTime = labelTime
    self.order = order
  }
}

/// Positions of rows in a training set.
public struct TrainingSplit: Equatable, Sendable {
  /// Rows to learn from.
  public var training: [Int] = []
  /// Rows of other entities, to stop at the right time and to tell how good the model is.
  public var heldBack: [Int] = []

  /// No rows.
  public init() {}
}
