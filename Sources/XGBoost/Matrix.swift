internal import CXGBoost

/// A copy of dense rows and their labels in libxgboost's form (a DMatrix), to train with and to evaluate on.
///
/// Owns its handle; one thread at a time.
public struct Matrix: ~Copyable {
  /// The library's handle; never a booster's, though both are `void *` in C.
  let handle: DMatrixHandle
  /// Number of rows.
  public let rows: Int
  /// Number of columns.
  public let columns: Int

  /// Copies `rows * columns` values, row by row, NaN being missing, with one label a row.
  public init(
    values: UnsafePointer<Float>, rows: Int, columns: Int, labels: [Float], threads: Int = 1
  ) throws(XGBoostError) {
    precondition(labels.count == rows)
    var made: DMatrixHandle?
    try check(
      XGDMatrixCreateFromMat_omp(
        values, bst_ulong(rows), bst_ulong(columns), .nan, &made, CInt(threads)), "copy rows")
    guard let made else { throw XGBoostError(operation: "copy rows", cause: "no handle") }
    let code = labels.withUnsafeBufferPointer {
      XGDMatrixSetFloatInfo(made, "label", $0.baseAddress, bst_ulong($0.count))
    }
    if code != 0 {
      let error = XGBoostError.last("set labels")
      XGDMatrixFree(made)
      throw error
    }
    handle = made
    self.rows = rows
    self.columns = columns
  }

  /// Takes over a handle.
  init(owning handle: DMatrixHandle, rows: Int, columns: Int) {
    self.handle = handle
    self.rows = rows
    self.columns = columns
  }

  /// Where each row's margins begin, [row][group], instead of the model's base score.
  public func setBaseMargins(_ margins: [Float]) throws(XGBoostError) {
    let code = margins.withUnsafeBufferPointer {
      XGDMatrixSetFloatInfo(handle, "base_margin", $0.baseAddress, bst_ulong($0.count))
    }
    try check(code, "set base margins")
  }

  /// What each row weighs, above 0.
  public func setWeights(_ weights: [Float]) throws(XGBoostError) {
    let code = weights.withUnsafeBufferPointer {
      XGDMatrixSetFloatInfo(handle, "weight", $0.baseAddress, bst_ulong($0.count))
    }
    try check(code, "set weights")
  }

  /// Tells which columns are categories: "c", else "float".
  public func setFeatureTypes(_ types: [String]) throws(XGBoostError) {
    let code = withCStrings(types) {
      XGDMatrixSetStrFeatureInfo(handle, "feature_type", $0, bst_ulong(types.count))
    }
    try check(code, "set feature types")
  }

  /// Names the columns.
  public func setFeatureNames(_ names: [String]) throws(XGBoostError) {
    let code = withCStrings(names) {
      XGDMatrixSetStrFeatureInfo(handle, "feature_name", $0, bst_ulong(names.count))
    }
    try check(code, "set feature names")
  }

  deinit { XGDMatrixFree(handle) }
}
