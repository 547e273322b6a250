internal import Features
internal import Scorer
internal import XGBoost

/// Scores rows as a model that has just been trained will be served. One thread.
final class TrainedScorer {
  private let booster: Booster
  private let postprocessing: Postprocessing?
  private let groups: Int
  private let columns: [ColumnDescription]

  /// A scorer by the trees of a file and what is made of their margins.
  init(
    _ ensemble: TreeEnsemble, _ postprocessing: Postprocessing?, _ columns: [ColumnDescription]
  ) throws(XGBoostError) {
    booster = try Booster(reference: ensemble)
    groups = ensemble.groups
    self.postprocessing = postprocessing
    self.columns = columns
  }

  /// Writes the outputs of rows that lie one after the other; NaN where the library fails, which it does not with rows of this width.
  func score(
    _ rows: UnsafePointer<Float>, _ count: Int, into outputs: UnsafeMutablePointer<Float>
  ) {
    let takesMargins = postprocessing.map { $0.link != .objective } ?? false
    do {
      try booster.predict(
        rows, rows: count, columns: columns.count, outputs: groups, kind: takesMargins ? .margin : .value,
        into: outputs)
      guard let postprocessing else { return }
      let sample = Sample(values: rows, count: count, columns: columns.count)
      let margins = Array(UnsafeBufferPointer(start: outputs, count: count * groups))
      let made = try ServedOutputs(width: groups, columns: columns, sample: sample).of(
        margins, Array(0..<count), by: postprocessing)
      for (place, value) in made.enumerated() { outputs[place] = value }
    } catch {
      outputs.update(repeating: .nan, count: count * groups)
    }
  }
}
