internal import Features
internal import Scorer
internal import XGBoost

/// How much each feature moves a model.
struct Importance {
  /// Rows that are explained, for a model of one margin.
  static let rowsMost = 2_000

  struct Feature: Equatable {
    let column: Int
    let name: String
    /// Mean gain of the splits on it; nil: it is in none.
    let gain: Double?
    /// Mean of |SHAP| over rows and margins, on the margins' scale; nil: not known.
    let shap: Double?
  }

  /// Features that count for anything, by mean |SHAP|, else gain, greatest first.
  let features: [Feature]
  /// Rows that were explained; 0: none.
  let explainedRows: Int

  init(_ evaluation: Evaluation) {
    let gains = Dictionary(evaluation.gains.map { ($0.name, Double($0.gain)) }) { first, _ in first }
    let shap = Self.shap(evaluation)
    explainedRows = shap?.rows ?? 0
    features = evaluation.columns.enumerated()
      .map { index, column in
        Feature(column: index, name: column.name, gain: gains[column.name], shap: shap?.means[index])
      }
      .filter { $0.gain != nil || ($0.shap ?? 0) > 0 }
      .sorted { first, second in
        let own = (first.shap ?? 0, first.gain ?? 0)
        let other = (second.shap ?? 0, second.gain ?? 0)
        return own == other ? first.column < second.column : own > other
      }
  }

  /// nil: there are no trees, no rows, or trees that cannot be explained.
  private static func shap(_ evaluation: Evaluation) -> (rows: Int, means: [Double])? {
    let columns = evaluation.columns.count
    guard let ensemble = evaluation.ensemble, ensemble.featureCount == columns,
      let explainer = try? Explainer(ensemble)
    else { return nil }
    let groups = explainer.groups
    let rows = ColumnSample.evenly(max(rowsMost / groups, 100), of: evaluation.heldBack.features.count)
    guard !rows.isEmpty else { return nil }
    let values = evaluation.heldBack.features.flat(rows, columns: columns)
    let scratch = explainer.makeScratch()
    let width = (columns + 1) * groups
    var means = [Double](repeating: 0, count: columns)
    let block = 64
    var output = [Float](repeating: 0, count: width * block)
    for first in stride(from: 0, to: rows.count, by: block) {
      let count = min(block, rows.count - first)
      values.withUnsafeBufferPointer { all in
        guard let base = all.baseAddress else { return }
        output.withUnsafeMutableBufferPointer { target in
          guard let into = target.baseAddress else { return }
          explainer.contributions(base + first * columns, rows: count, scratch: scratch, into: into)
        }
      }
      for place in 0..<count * groups {
        for column in 0..<columns {
          means[column] += Double(output[place * (columns + 1) + column].magnitude)
        }
      }
    }
    return (rows.count, means.map { $0 / Double(rows.count * groups) })
  }
}
