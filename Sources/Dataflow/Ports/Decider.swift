/// Makes decisions of outputs. One thread.
public protocol Decider: AnyObject {
  /// Decision names (without clamps), in column order.
  var decisionNames: [String] { get }
  /// For each decision: labels by code; empty: a trigger, whose code is 0 or 1.
  var decisionLabels: [[String]] { get }
  /// Fills in numbers that are made of outputs, clamps outputs in place, and appends every row's decision codes. `carried`: what rows
  /// bring along for that. `thresholds`: those of the models that made the outputs, as `RowScorer` has them.
  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32])
}
