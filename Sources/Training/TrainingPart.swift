/// What a training row is for.
public enum TrainingPart: String, CaseIterable, Sendable {
  /// Learnt from.
  case train
  /// Of other entities than those learnt from: training stops early by it, and the figures are of it.
  case validation
  /// For whoever evaluates later: training does not look at it.
  case test
  /// On the wrong side of a split by time, or in its gap: training does not look at it.
  case unused
}
