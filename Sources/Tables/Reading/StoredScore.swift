/// A cell of a stored row, as a database gives it back.
public enum StoredCell: Equatable, Sendable {
  /// Nothing: also what is not a number.
  case null
  /// A number; true is 1, false 0.
  case number(Double)
  /// A category's word or a decision's label.
  case text(String)

  /// Equal bit for bit, but for the sign of zero, which SQLite does not keep; words by their bytes.
  public static func == (one: StoredCell, other: StoredCell) -> Bool {
    switch (one, other) {
    case (.null, .null): true
    case (.number(let one), .number(let other)):
      one.bitPattern == other.bitPattern || (one == 0 && other == 0)
    case (.text(let one), .text(let other)): one.utf8.elementsEqual(other.utf8)
    default: false
    }
  }
}

/// A row of `scores` or `latest_scores`. Times are microseconds UTC.
public struct StoredScore: Equatable, Sendable {
  /// Whose it is.
  public var entityID: String
  /// The event that it was given for.
  public var eventID: String
  /// The event's time.
  public var eventTime: Int64
  /// The entity's watermark after the event.
  public var asOf: Int64
  /// Partition of the event's record.
  public var partition: Int32
  /// Offset of the event's record.
  public var offset: Int64
  /// Which models said so.
  public var modelVersions: String
  /// Hash of the feature set.
  public var definition: String
  /// Outputs, then decisions, then, in `latest_scores`, the features that the table carries.
  public var cells: [StoredCell]

  /// A row with every field given.
  public init(
    entityID: String, eventID: String, eventTime: Int64, asOf: Int64, partition: Int32, offset: Int64,
    modelVersions: String, definition: String, cells: [StoredCell]
  ) {
    self.entityID = entityID
    self.eventID = eventID
    self.eventTime = eventTime
    self.asOf = asOf
    self.partition = partition
    self.offset = offset
    self.modelVersions = modelVersions
    self.definition = definition
    self.cells = cells
  }
}
