public import Dataflow
public import Events
public import Features
public import XGBoost

/// Rows of features, in memory or elsewhere.
public protocol FeatureRows {
  /// Number of rows.
  var count: Int { get }
  /// Writes a row's cells in column order; NaN is missing.
  func copyRow(_ index: Int, to cells: UnsafeMutablePointer<Float>)
}

/// Rows with what is known of them: arrays by row, in the order of `features`.
public struct EvaluatedRows {
  /// Their features.
  public var features: any FeatureRows
  /// Labels: numbers, 0 and 1, or the number of a class; empty: the model learns no label.
  public var labels: [Float]
  /// Hashes of the entities' ids.
  public var entities: [Hash128]
  /// The moments that the features are of, microseconds.
  public var moments: [EventTime]
  /// What rows weigh in training; nil: all the same.
  public var weights: [Float]?

  /// Rows.
  public init(
    features: any FeatureRows, labels: [Float], entities: [Hash128], moments: [EventTime],
    weights: [Float]? = nil
  ) {
    self.features = features
    self.labels = labels
    self.entities = entities
    self.moments = moments
    self.weights = weights
  }
}

/// A simpler model whose figures stand beside the trained one's.
public struct Baseline: Sendable {
  /// For readers, such as "ridge".
  public var name: String
  /// Its outputs for the rows held back: [row][output], as the model's.
  public var outputs: [Float]

  /// A baseline.
  public init(name: String, outputs: [Float]) {
    self.name = name
    self.outputs = outputs
  }
}

/// A trained model and what it says of rows that it has not learnt from: all that its report is made of.
///
/// A trainer fills it; whatever is left empty is left out of the report.
public struct Evaluation {
  /// Name of the pipeline; set by whoever knows it.
  public var pipeline = ""
  /// The model: its kind says what outputs and labels are, its `report` by which groups they are told apart.
  public var model: ModelDeclaration
  /// The pipeline's columns, in order.
  public var columns: [ColumnDescription]
  /// What the features mean; nil: not known.
  public var featureHashes: FeatureHashes?
  /// The rows that were learnt from.
  public var training: EvaluatedRows
  /// The rows that the figures are of.
  public var heldBack: EvaluatedRows
  /// What the model says of the rows held back, as it is served: [row][output].
  public var outputs: [Float]
  /// Models to compare with.
  public var baselines: [Baseline] = []
  /// The output from which on the answer is yes; nil: the model has none, and one half is taken for probabilities.
  public var threshold: Float?
  /// How training went, round by round.
  public var rounds: [BoostingRound] = []
  /// The round up to which the model's trees are kept, from 0.
  public var bestRound: Int?
  /// All features that the trees split on, by mean gain, greatest first.
  public var gains: [FeatureGain] = []
  /// The trees, in the pipeline's codes: what SHAP values are found of; nil: the model has none.
  public var ensemble: TreeEnsemble?
  /// Scores `count` rows, one after the other, as the model is served; for partial dependence. nil: by `ensemble`.
  public var score:
    ((_ rows: UnsafePointer<Float>, _ count: Int, _ outputs: UnsafeMutablePointer<Float>) -> Void)?
  /// What decided on the model beside its rows, by name.
  public var parameters: [String: String] = [:]
  /// Hash of the rows that were learnt from; nil: not known.
  public var dataDigest: String?
  /// What the figures are of, in sentences: how rows were split, what they were used for.
  public var notes: [String] = []
  /// What makes the figures doubtful, in sentences that name models, labels and features only.
  public var warnings: [String] = []
  /// Decides what is drawn: resampling and samples.
  public var seed: UInt64 = 42

  /// An evaluation without what is optional.
  public init(
    model: ModelDeclaration, columns: [ColumnDescription], training: EvaluatedRows, heldBack: EvaluatedRows,
    outputs: [Float]
  ) {
    precondition(outputs.count == heldBack.features.count * model.outputs.count)
    precondition(heldBack.labels.isEmpty || heldBack.labels.count == heldBack.features.count)
    self.model = model
    self.columns = columns
    self.training = training
    self.heldBack = heldBack
    self.outputs = outputs
  }
}
