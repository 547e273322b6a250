public import Features

/// How a model is trained; what is nil or empty is left to others: the command line goes before the pipeline, the pipeline before the
/// defaults.
public struct TrainingDeclaration: Equatable, Sendable {
  /// Trees at most.
  public var trees: Int?
  /// Levels of a tree at most.
  public var depth: Int?
  /// Learning rate.
  public var eta: Double?
  /// Trees without improvement on the held-back rows after which training ends.
  public var earlyStopping: Int?
  /// Parameters of XGBoost that are numbers, by its name for them.
  public var parameters: [String: Double] = [:]
  /// Features whose effect only goes one way.
  public var monotone: [MonotoneFeature] = []
  /// Groups of features that may meet on a tree's path; empty: all may.
  public var interactions: [[FeatureMention]] = []
  /// What a row of each class weighs, in models of two classes; nil: 1.
  public var classWeights: ClassWeights?
  /// What a row weighs, above 0: the number of an expression of `JudgementDeclaration.weights`, whose place among a row's carried values
  /// `ResultProgram.weights` says; nil: all rows weigh 1.
  public var weight: Int?
  /// What `--tune` may try, by the parameter's name in the pipeline.
  public var tuning: [String: TuningRange] = [:]

  /// Nothing said.
  public init() {}
}

/// A feature that a pipeline names, and where.
public struct FeatureMention: Equatable, Sendable {
  /// Its name.
  public var name: String
  /// Where it is named.
  public var position: SourcePosition

  /// A mention.
  public init(name: String, position: SourcePosition) {
    self.name = name
    self.position = position
  }
}

/// A feature whose effect only goes one way.
public struct MonotoneFeature: Equatable, Sendable {
  /// Which one.
  public var feature: FeatureMention
  /// Whether the output never falls where it grows; else the output never rises.
  public var isIncreasing: Bool

  /// A constraint.
  public init(feature: FeatureMention, isIncreasing: Bool) {
    self.feature = feature
    self.isIncreasing = isIncreasing
  }
}

/// Values of a parameter that tuning may try.
public struct TuningRange: Equatable, Sendable {
  /// Least and most.
  public var bounds: ClosedRange<Double>
  /// Whether its logarithm is drawn evenly.
  public var isLogarithmic: Bool
  /// Whether only whole numbers are tried.
  public var isWhole: Bool

  /// A range.
  public init(_ bounds: ClosedRange<Double>, isLogarithmic: Bool = false, isWhole: Bool = false) {
    self.bounds = bounds
    self.isLogarithmic = isLogarithmic
    self.isWhole = isWhole
  }
}

/// What rows weigh by their label.
public struct ClassWeights: Equatable, Sendable {
  /// Of a label 0.
  public var zero: Double
  /// Of a label 1.
  public var one: Double

  /// Weights above 0.
  public init(zero: Double, one: Double) {
    self.zero = zero
    self.one = one
  }
}

/// What parameters of training may be, on the command line, too.
public enum TrainingBounds {
  /// Trees.
  public static let trees = 1...100_000
  /// Levels of a tree: with more, training takes memory for 2^depth nodes a tree at worst.
  public static let depth = 1...20
  /// Learning rates.
  public static let eta = 1e-6...1.0
  /// Trees without improvement.
  public static let earlyStopping = 1...100_000
}
