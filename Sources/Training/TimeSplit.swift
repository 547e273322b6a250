public import Events

/// A split by time: models learn from what was known early, and are judged by later rows of other entities.
public struct TimeSplit: Equatable, Sendable {
  /// Labels from this time on judge; microseconds UTC.
  public var cut: EventTime
  /// What lies between the last label that is learnt and the cut, microseconds: at least as long as labels look ahead.
  public var gap: EventTime

  /// A split; `gap` is not negative.
  public init(cut: EventTime, gap: EventTime) {
    precondition(gap >= 0)
    self.cut = cut
    self.gap = gap
  }

  /// What a row is for, whose entity's part is known: so no entity is on both sides.
  func part(of row: TrainingRow, _ entity: TrainingPart) -> TrainingPart {
    switch entity {
    case .train: row.labelTime < cut - gap ? .train : .unused
    case .validation: row.labelTime >= cut ? .validation : .unused
    case .test, .unused: entity
    }
  }
}
