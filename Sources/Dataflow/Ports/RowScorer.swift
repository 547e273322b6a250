/// Scores whole batches: `rows` of features in, `outputs` (one column per model) out. One thread.
public protocol RowScorer: AnyObject {
  /// Output names, in column order.
  var outputNames: [String] { get }
  /// Version of each output's model: 16 hex digits of its file's hash or a registry's name for it.
  var modelVersions: [String] { get }
  /// Fills `outputs` (resized to the same number of rows). Throws `PortError`.
  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws
}
