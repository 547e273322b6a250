import Features
import XGBoost

/// Whether a model was trained with features that mean what the pipeline's mean.
enum FeatureMeaningCheck {
  /// What a comparison found.
  enum Finding: Equatable {
    /// All are the same.
    case same
    /// The model does not say: it was not made by `tally train`.
    case unknown
    /// Names of the features that differ.
    case different([String])
  }

  /// Compares what the model's attributes say with the pipeline.
  static func compare(_ attributes: [String: String], _ pipeline: FeatureHashes) -> Finding {
    guard let text = attributes[FeatureHashes.modelAttribute] else { return .unknown }
    let names = FeatureHashes(text).map { pipeline.differences(from: $0) } ?? pipeline.entries.map(\.name)
    return names.isEmpty ? .same : .different(names)
  }
}
