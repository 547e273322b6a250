internal import Dataflow
internal import XGBoost

/// Some rows of a set, with one of their labels. The features stay in the set.
struct Sample {
  let labels: [Float]
  let columns: Int
  private let set: TrainingSet
  private let rows: [Int]

  init(_ set: TrainingSet, label: Int, rows: [Int]) {
    self.set = set
    self.rows = rows
    columns = set.columnNames.count
    labels = rows.map { set.labels.row($0)[label] }
  }

  /// A row's features.
  func features(_ index: Int) -> UnsafePointer<Float> { UnsafePointer(set.features.row(rows[index])) }

  /// The labels' mean.
  func mean(weights: ClassWeights?) -> Float {
    guard let weights else { return Float(labels.reduce(0) { $0 + Double($1) } / Double(labels.count)) }
    let ones = Double(labels.count { $0 == 1 })
    let zeros = Double(labels.count) - ones
    return Float(ones * weights.one / (ones * weights.one + zeros * weights.zero))
  }

  /// For training by histograms.
  func quantised(weights: ClassWeights?, threads: Int) throws(XGBoostError) -> Matrix {
    try Matrix(
      quantising: labels.count, columns: columns, labels: labels, weights: rowWeights(weights),
      threads: threads
    ) { [self] range, target in copy(range, to: target) }
  }

  /// For evaluation and prediction.
  func matrix(weights: ClassWeights?, threads: Int) throws(XGBoostError) -> Matrix {
    var values = [Float](repeating: 0, count: labels.count * columns)
    values.withUnsafeMutableBufferPointer { all in
      if let base = all.baseAddress { copy(0..<labels.count, to: base) }
    }
    let matrix = try Matrix(
      values: values, rows: labels.count, columns: columns, labels: labels, threads: threads)
    if weights != nil { try matrix.setWeights(rowWeights(weights)) }
    return matrix
  }

  private func rowWeights(_ weights: ClassWeights?) -> [Float] {
    weights.map { weights in labels.map { Float($0 == 1 ? weights.one : weights.zero) } } ?? []
  }

  private func copy(_ range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    for (place, index) in range.enumerated() {
      (target + place * columns).update(from: features(index), count: columns)
    }
  }
}
