internal import Dataflow
internal import Report
internal import XGBoost

/// Some rows of a set, one after the other, with one of their labels.
struct Sample {
  let values: [Float]
  let labels: [Float]
  let columns: Int

  init(_ set: TrainingSet, label: Int, rows: [Int]) {
    columns = set.columnNames.count
    var values: [Float] = []
    values.reserveCapacity(rows.count * columns)
    for row in rows {
      values.append(contentsOf: UnsafeBufferPointer(start: set.features.row(row), count: columns))
    }
    self.values = values
    labels = rows.map { set.labels.row($0)[label] }
  }

  /// The labels' mean.
  func mean(weights: ClassWeights?) -> Float {
    guard let weights else { return Float(labels.reduce(0) { $0 + Double($1) } / Double(labels.count)) }
    let ones = Double(labels.count { $0 == 1 })
    let zeros = Double(labels.count) - ones
    return Float(ones * weights.one / (ones * weights.one + zeros * weights.zero))
  }

  func matrix(weights: ClassWeights?, threads: Int) throws(XGBoostError) -> Matrix {
    let matrix = try Matrix(
      values: values, rows: labels.count, columns: columns, labels: labels, threads: threads)
    if let weights { try matrix.setWeights(labels.map { Float($0 == 1 ? weights.one : weights.zero) }) }
    return matrix
  }
}

extension Sample: FeatureRows {
  var count: Int { labels.count }

  func copyRow(_ index: Int, to cells: UnsafeMutablePointer<Float>) {
    for column in 0..<columns { cells[column] = values[index * columns + column] }
  }
}

extension TrainingSet {
  /// A sample of some of the rows, with what is known of these.
  func evaluated(_ selection: [Int], _ sample: Sample) -> EvaluatedRows {
    EvaluatedRows(
      features: sample, labels: sample.labels, entities: selection.map { rows[$0].entity },
      moments: selection.map { rows[$0].asOf })
  }
}
