internal import Dataflow
internal import Features
internal import Scorer
internal import XGBoost

/// What a model says on average when one feature is set to a value in all rows (Friedman 2001).
struct PartialDependence {
  /// Features that are shown.
  static let featuresMost = 6
  /// Values that are tried of a feature.
  static let valuesMost = 24
  /// Rows in which a value is tried.
  static let rowsMost = 500
  /// Rows below which a category's word is not shown.
  static let wordRowsLeast = 30

  let feature: String
  /// Words of the values; nil: they are numbers.
  let words: [String]?
  /// Ascending.
  let values: [Float]
  /// Mean outputs: [output][value]; NaN: an output was no finite number.
  let means: [[Double]]
  /// Twenty quantiles of the feature in the rows that were learnt from; empty for words.
  let rug: [Float]

  /// Of the most important features. `sample`: of the rows that were learnt from.
  static func all(_ evaluation: Evaluation, _ importance: Importance, sample: ColumnSample)
    -> [PartialDependence]
  {
    let columns = evaluation.columns.count
    let rows = ColumnSample.evenly(rowsMost, of: evaluation.heldBack.features.count)
    guard !rows.isEmpty, let score = evaluation.score ?? scoring(evaluation) else { return [] }
    let cells = evaluation.heldBack.features.flat(rows, columns: columns)
    return importance.features.prefix(featuresMost).compactMap { feature in
      PartialDependence(
        evaluation.columns[feature.column], feature.column, sample.columns[feature.column], cells,
        columns: columns,
        outputs: evaluation.model.outputs.count, score)
    }
  }

  private init?(
    _ column: ColumnDescription, _ index: Int, _ sample: [Float], _ cells: [Float], columns: Int,
    outputs: Int,
    _ score: (UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    let known = sample.filter(\.isFinite).sorted()
    feature = column.name
    if let all = column.codeWords {
      var counts = all.map { _ in 0 }
      for value in known {
        if let code = Int(exactly: value), counts.indices.contains(code) { counts[code] += 1 }
      }
      let shown = counts.indices.filter { counts[$0] >= Self.wordRowsLeast }
        .sorted { counts[$0] == counts[$1] ? $0 < $1 : counts[$0] > counts[$1] }
        .prefix(Self.valuesMost).sorted()
      words = shown.map { all[$0] }
      values = shown.map { Float($0) }
      rug = []
    } else {
      words = nil
      // Few rows lie far out, and would take most of the plot.
      let middle = known.dropFirst(known.count / 100).dropLast(known.count / 100).map { $0 }
      let distinct = known.reduce(into: [Float]()) { if $0.last != $1 { $0.append($1) } }
      values =
        distinct.count <= Self.valuesMost
        ? distinct
        : (0..<Self.valuesMost).map { middle[$0 * (middle.count - 1) / (Self.valuesMost - 1)] }
          .reduce(into: [Float]()) { if $0.last != $1 { $0.append($1) } }
      rug = (0...20).map { middle.isEmpty ? 0 : middle[$0 * (middle.count - 1) / 20] }
    }
    guard values.count > 1 else { return nil }
    let rows = cells.count / columns
    var changed = cells
    var found = [Float](repeating: 0, count: rows * outputs)
    var means = [[Double]](repeating: [], count: outputs)
    for value in values {
      for row in 0..<rows { changed[row * columns + index] = value }
      changed.withUnsafeBufferPointer { from in
        found.withUnsafeMutableBufferPointer { into in
          guard let from = from.baseAddress, let into = into.baseAddress else { return }
          score(from, rows, into)
        }
      }
      for output in 0..<outputs {
        let sum = (0..<rows).reduce(0.0) { $0 + Double(found[$1 * outputs + output]) }
        means[output].append((sum / Double(rows)).isFinite ? sum / Double(rows) : .nan)
      }
    }
    self.means = means
  }

  /// By the trees alone; nil: there are none, or they give other outputs than declared.
  private static func scoring(
    _ evaluation: Evaluation
  ) -> ((UnsafePointer<Float>, Int, UnsafeMutablePointer<Float>) -> Void)? {
    guard let ensemble = evaluation.ensemble,
      let forest = try? Forest([ensemble], columns: evaluation.columns.count),
      forest.outputCount == evaluation.model.outputs.count
    else { return nil }
    let scratch = forest.makeScratch()
    return { rows, count, outputs in forest.score(rows, rows: count, scratch: scratch, into: outputs) }
  }
}
