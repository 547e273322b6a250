/// Scores whole batches: `rows` of features in, `outputs` (one column per model) out. One thread.
public protocol RowScorer: AnyObject {
  /// Output names, in column order.
  var outputNames: [String] { get }
  /// Version of each output's model: 16 hex digits of its file's hash or a registry's name for it.
  var modelVersions: [String] { get }
  /// For each output, the value from which on its model says yes; NaN: it has chosen none. Of the models of the last batch, since others
  /// may take their place; empty: no model has one.
  var thresholds: [Float] { get }
  /// Fills `outputs` (resized to the same number of rows). Throws `PortError`.
  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws
}

extension RowScorer {
  /// No model has chosen a threshold.
  public var thresholds: [Float] { [] }
}
