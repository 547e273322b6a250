/// What a column of the training data was, as a model file says it.
public enum FeatureType: String, CaseIterable, Sendable {
  /// Codes of categories.
  case category = "c"
  /// Real numbers.
  case float
  /// Whole numbers.
  case int
  /// Truth values.
  case indicator = "i"
  /// Numbers.
  case quantity = "q"
}
