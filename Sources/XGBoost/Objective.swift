#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What a model was trained for, and so what is made of a row's margins.
public enum Objective: String, CaseIterable, Sendable {
  case squaredError = "reg:squarederror"
  case squaredLogError = "reg:squaredlogerror"
  case pseudoHuberError = "reg:pseudohubererror"
  case absoluteError = "reg:absoluteerror"
  case quantileError = "reg:quantileerror"
  case logisticRegression = "reg:logistic"
  case binaryLogistic = "binary:logistic"
  case binaryLogitRaw = "binary:logitraw"
  case poisson = "count:poisson"
  case gamma = "reg:gamma"
  case tweedie = "reg:tweedie"
  case softprob = "multi:softprob"
  case softmax = "multi:softmax"

  /// What is made of margins. Formulas: XGBoost 1.7, src/common/math.h and src/objective.
  public enum Transform: Sendable, BitwiseCopyable {
    /// Nothing.
    case identity
    /// 1 / (1 + e⁻ˣ).
    case logistic
    /// eˣ.
    case exponential
    /// Each group's share of the sum of eˣ.
    case softprob
    /// The number of the largest group.
    case softmax
    /// The groups' margins, ascending.
    case sorted
  }

  /// What is made of the margins.
  public var transform: Transform {
    switch self {
    case .squaredError, .squaredLogError, .pseudoHuberError, .absoluteError, .quantileError, .binaryLogitRaw:
      .identity
    case .logisticRegression, .binaryLogistic: .logistic
    case .poisson, .gamma, .tweedie: .exponential
    case .softprob: .softprob
    case .softmax: .softmax
    }
  }

  /// The margin before any tree, from a model file's base score, which is on the scale of the output.
  public func baseMargin(_ score: Float) -> Float {
    switch self {
    case .logisticRegression, .binaryLogistic: -logf(1 / score - 1)
    case .poisson, .gamma, .tweedie: logf(score)
    default: score
    }
  }

  /// Whether several groups of trees, one for each class, make a row's outputs.
  var isMultiClass: Bool { self == .softprob || self == .softmax }
  /// Whether libxgboost 1.7 knows it.
  var isKnownToLibrary: Bool { self != .quantileError }
}
