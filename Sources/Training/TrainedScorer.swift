internal import Features
internal import Scorer
internal import XGBoost

/// Scores rows as a model that has just been trained will be served. One thread.
final class TrainedScorer {
  private let booster: Booster
  private let processor: Postprocessor?
  private let groups: Int
  private let columns: Int

  /// A scorer by the trees of a file and what is made of their margins. Throws where these do not belong together.
  init(_ ensemble: TreeEnsemble, _ postprocessing: Postprocessing?, _ columns: [ColumnDescription]) throws {
    booster = try Booster(reference: ensemble)
    groups = ensemble.groups
    self.columns = columns.count
    processor = try postprocessing.map {
      try Postprocessor($0, groups: ensemble.groups, outputs: ensemble.outputs, columns: columns)
    }
  }

  /// Writes the outputs of rows that lie one after the other; NaN where the library fails, which it does not with rows of this width.
  func score(_ rows: UnsafePointer<Float>, _ count: Int, into outputs: UnsafeMutablePointer<Float>) {
    do throws(XGBoostError) {
      try booster.predict(
        rows, rows: count, columns: columns, outputs: groups,
        kind: processor?.takesMargins == true ? .margin : .value, into: outputs)
      processor?.apply(to: outputs, stride: groups, rows: rows, columns: columns, count: count)
    } catch {
      outputs.update(repeating: .nan, count: count * groups)
    }
  }
}
