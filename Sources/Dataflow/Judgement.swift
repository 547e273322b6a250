public import Features

/// What is made of feature rows: the models' outputs where the pipeline wants them, then numbers and decisions. One thread.
///
/// A worker and verification take these steps through here.
public final class Judgement {
  /// Outputs of the models; numbers that are made of them follow.
  private let modelOutputs: Int
  private let results: ResultProgram
  /// Who makes outputs: of as many models as the first one.
  public var scorer: any RowScorer
  private let decider: any Decider
  /// Rows that models score, where not all are, and their outputs; or all outputs, where numbers follow.
  private let chosen: FloatMatrix
  private let scores: FloatMatrix
  private var places: [Int] = []

  /// `columns`: of feature rows.
  public init(columns: Int, results: ResultProgram, scorer: any RowScorer, decider: any Decider) {
    self.results = results
    self.scorer = scorer
    self.decider = decider
    modelOutputs = scorer.outputNames.count
    chosen = FloatMatrix(columns: results.scoreWhen == nil ? 0 : columns, capacityRows: 1)
    scores = FloatMatrix(columns: modelOutputs, capacityRows: 1)
  }

  /// Fills `outputs` and appends to `decisions`. Returns how many rows no model has scored. Throws what the scorer throws.
  public func judge(
    _ features: FloatMatrix, carried: RowMatrix<Double>, into outputs: FloatMatrix, _ decisions: inout [Int32]
  ) throws -> Int {
    var without = 0
    if results.scoreWhen != nil {
      without = try scoreChosen(features, carried, into: outputs)
    } else if outputs.columns == modelOutputs {
      try scorer.score(features, into: outputs)
    } else {
      try scorer.score(features, into: scores)
      outputs.resize(rows: features.rows)
      for row in 0..<features.rows { spread(scores.row(row), to: outputs.row(row), outputs.columns) }
    }
    decider.decide(outputs, carried: carried, thresholds: scorer.thresholds, into: &decisions)
    return without
  }

  private func scoreChosen(
    _ features: FloatMatrix, _ carried: RowMatrix<Double>, into outputs: FloatMatrix
  ) throws -> Int {
    places.removeAll(keepingCapacity: true)
    chosen.removeAll()
    for row in 0..<features.rows where results.isScored(carried.row(row)) {
      places.append(row)
      chosen.appendRow().update(from: features.row(row), count: features.columns)
    }
    outputs.resize(rows: features.rows)
    outputs.base.update(repeating: .nan, count: outputs.rows * outputs.columns)
    if !places.isEmpty {
      try scorer.score(chosen, into: scores)
      for (index, row) in places.enumerated() {
        spread(scores.row(index), to: outputs.row(row), outputs.columns)
      }
    }
    return features.rows - places.count
  }

  private func spread(
    _ scores: UnsafePointer<Float>, to row: UnsafeMutablePointer<Float>, _ columns: Int
  ) {
    row.update(from: scores, count: modelOutputs)
    (row + modelOutputs).update(repeating: .nan, count: columns - modelOutputs)
  }
}
