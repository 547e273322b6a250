internal import CXGBoost

extension Booster {
  /// Number of columns of a row.
  public var featureCount: Int {
    get throws(XGBoostError) {
      var count: bst_ulong = 0
      try check(XGBoosterGetNumFeature(handle, &count), "read number of features")
      return Int(count)
    }
  }

  /// Number of boosting rounds: trees, when a round makes one.
  public var rounds: Int {
    get throws(XGBoostError) {
      var count: CInt = 0
      try check(XGBoosterBoostedRounds(handle, &count), "read number of rounds")
      return Int(count)
    }
  }

  /// Names of the columns in order; empty when the model has none.
  public func featureNames() throws(XGBoostError) -> [String] { try featureInfo("feature_name") }

  /// Names the columns.
  public func setFeatureNames(_ names: [String]) throws(XGBoostError) {
    try setFeatureInfo("feature_name", names)
  }

  /// An attribute that is saved with the model; nil: it has none of that name.
  public func attribute(_ name: String) throws(XGBoostError) -> String? {
    var value: UnsafePointer<CChar>?
    var found: CInt = 0
    try check(XGBoosterGetAttr(handle, name, &value, &found), "read attribute \(name)")
    return found == 0 ? nil : value.map { String(cString: $0) }
  }

  /// Sets an attribute; nil removes it.
  public func setAttribute(_ name: String, _ value: String?) throws(XGBoostError) {
    try check(XGBoosterSetAttr(handle, name, value), "set attribute \(name)")
  }

  /// What each used feature contributed: the mean gain of its splits, largest first, ties by name.
  ///
  /// Features that no tree uses are absent. Names are the model's, else f0, f1, ….
  public func gains() throws(XGBoostError) -> [FeatureGain] {
    var count: bst_ulong = 0
    var names: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    var dimensions: bst_ulong = 0
    var shape: UnsafePointer<bst_ulong>?
    var scores: UnsafePointer<Float>?
    try check(
      XGBoosterFeatureScore(
        handle, "{\"importance_type\":\"gain\"}", &count, &names, &dimensions, &shape, &scores),
      "read feature importance")
    var gains: [FeatureGain] = []
    for index in 0..<Int(count) {
      guard let name = names?[index], let score = scores?[index] else { continue }
      gains.append(FeatureGain(name: String(cString: name), gain: score))
    }
    return gains.sorted {
      $0.gain == $1.gain ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : $0.gain > $1.gain
    }
  }

  private func featureInfo(_ field: String) throws(XGBoostError) -> [String] {
    var count: bst_ulong = 0
    var values: UnsafeMutablePointer<UnsafePointer<CChar>?>?
    try check(XGBoosterGetStrFeatureInfo(handle, field, &count, &values), "read \(field)")
    return (0..<Int(count)).map { index in values?[index].map { String(cString: $0) } ?? "" }
  }

  private func setFeatureInfo(_ field: String, _ values: [String]) throws(XGBoostError) {
    let code = withCStrings(values) { XGBoosterSetStrFeatureInfo(handle, field, $0, bst_ulong(values.count)) }
    try check(code, "set \(field)")
  }
}

/// How much a feature contributes to a model.
public struct FeatureGain: Equatable, Sendable {
  /// Feature name.
  public var name: String
  /// Mean loss reduction of the splits on it, in the objective's units.
  public var gain: Float

  /// A feature's gain.
  public init(name: String, gain: Float) {
    self.name = name
    self.gain = gain
  }
}
