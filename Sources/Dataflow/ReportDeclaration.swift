/// What a model's report says beside its figures.
public struct ReportDeclaration: Equatable, Sendable {
  /// Features by whose values people are told apart.
  public var groups: [GroupDeclaration] = []
  /// The outcome that is good for whom it is about; nil: not declared.
  public var favourable: FavourableOutcome?
  /// What the model is for, in the operator's words; nil: not declared.
  public var intendedUse: String?
  /// What it is not for, or cannot do, in the operator's words; nil: not declared.
  public var limits: String?

  /// Nothing said.
  public init() {}
}

/// A feature by which a report's figures are told apart.
public struct GroupDeclaration: Equatable, Sendable {
  /// Which one.
  public var feature: FeatureMention
  /// Where numbers are cut, ascending: a group holds those from a bound on that are below the next; empty: each category is a group.
  public var bounds: [Double]

  /// Groups by a feature.
  public init(feature: FeatureMention, bounds: [Double] = []) {
    self.feature = feature
    self.bounds = bounds
  }
}

/// The outcome that is good for whom it is about: a rule on an output, and in the same way on a label.
public enum FavourableOutcome: Equatable, Sendable {
  /// From this value on.
  case atLeast(Float)
  /// Below this value.
  case below(Float)
  /// From the model's own threshold on; a label 1.
  case atLeastThreshold
  /// Below the model's own threshold; a label 0.
  case belowThreshold
  /// This class is the likeliest one.
  case oneClass(String)
}
