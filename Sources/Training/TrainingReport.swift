public import Registry
public import XGBoost

/// What training a model came to.
public struct TrainingReport: Equatable, Sendable {
  /// Name of the model.
  public var model: String
  /// Rows learnt from.
  public var trainingRows: Int
  /// Rows held back.
  public var heldBackRows: Int
  /// Entities learnt from.
  public var trainingEntities: Int
  /// Entities held back.
  public var heldBackEntities: Int
  /// Trees of the model: up to the round that was best on the held-back rows.
  public var trees: Int
  /// Rounds that were run.
  public var rounds: Int
  /// What decided on the model beside its rows: XGBoost's parameters, rounds at most, early stopping, share held back, class weights.
  public var parameters: [String: String]
  /// Quality on the held-back rows; `notes` says what else they were used for.
  public var quality: ModelQuality
  /// Features that contribute most, by mean gain.
  public var topFeatures: [FeatureGain]
  /// What makes the figures doubtful, for readers; names models, labels and features only.
  public var warnings: [String] = []
  /// Rows that training stopped by, apart from those held back; 0: it stopped by these, or there was nothing to stop.
  public var stopRows = 0
  /// Quality of a linear model (ridge) of the same rows on the held-back ones; nil: there is none.
  public var baseline: ModelQuality?
  /// What the figures are of, in sentences.
  public var notes: [String] = []
  /// Where the model was written.
  public var path: String
  /// Version of the file.
  public var version: ModelVersion
}
