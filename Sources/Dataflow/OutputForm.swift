/// What a model's outputs and labels are.
public enum OutputForm: Equatable, Sendable {
  /// One number, and a number for a label.
  case number
  /// The probability of a label 1.
  case probability
  /// The probability of each class, and a class' number for a label.
  case classes([String])
  /// Quantiles of a number, by their levels.
  case quantiles([Double])
  /// How unusual a row is, without a label.
  case anomaly
}

extension ModelDeclaration {
  /// What its outputs and labels are.
  public var form: OutputForm {
    switch kind {
    case .binary: .probability
    case .classes(let names): .classes(names)
    case .quantiles(let levels, _): .quantiles(levels)
    case .anomaly: .anomaly
    case .regression: objective == "binary:logistic" ? .probability : .number
    }
  }
}
