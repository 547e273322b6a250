/// What a model says, and so how it is trained and what its outputs are.
public enum ModelKind: Equatable, Sendable {
  /// A number, or whatever the model's objective gives.
  case regression
  /// The probability of a label 1, calibrated. `recall`: the share of the ones that its threshold shall find; nil: it has no threshold.
  case binary(recall: Double?)
  /// The probability of each class, in this order; labels are the classes' words.
  case classes([String])
  /// Quantiles, ascending, each between 0 and 1. `group`: the feature by whose value intervals are corrected apart; nil: by none.
  case quantiles([Double], group: FeatureMention?)
  /// How unlike all others a row is, between 0 and 1: it needs no label.
  case anomaly
}
