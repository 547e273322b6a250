internal import Dataflow
internal import Report
internal import XGBoost

/// Some rows of a set, one after the other, with one of their labels.
struct Sample {
  let values: [Float]
  /// Empty: the model learns no label.
  let labels: [Float]
  /// What rows weigh by the declared expression; nil: the same.
  let weights: [Float]?
  let columns: Int
  let count: Int

  /// `label` and `weight`: columns of the set's labels.
  init(_ set: TrainingSet, label: Int?, weight: Int? = nil, rows: [Int]) {
    columns = set.columnNames.count
    count = rows.count
    var values: [Float] = []
    values.reserveCapacity(rows.count * columns)
    for row in rows {
      values.append(contentsOf: UnsafeBufferPointer(start: set.features.row(row), count: columns))
    }
    self.values = values
    labels = label.map { label in rows.map { set.labels.row($0)[label] } } ?? []
    weights = weight.map { weight in rows.map { set.labels.row($0)[weight] } }
  }

  /// Whether all labels are the same.
  var isOfOneClass: Bool { labels.allSatisfy { $0 == labels[0] } }

  /// What rows weigh in training: by their label's class and by the declared expression; nil: all the same.
  func weights(_ classes: ClassWeights?) -> [Float]? {
    guard let classes else { return weights }
    return labels.indices.map { row in
      Float(labels[row] == 1 ? classes.one : classes.zero) * (weights?[row] ?? 1)
    }
  }

  /// The labels' weighted mean.
  func mean(weights: [Float]?) -> Float {
    guard let weights else { return Float(labels.reduce(0) { $0 + Double($1) } / Double(labels.count)) }
    var (sum, total) = (0.0, 0.0)
    for (label, weight) in zip(labels, weights) {
      sum += Double(label) * Double(weight)
      total += Double(weight)
    }
    return Float(sum / total)
  }

  func matrix(weights: [Float]?, threads: Int) throws(XGBoostError) -> Matrix {
    let matrix = try Matrix(
      values: values, rows: count, columns: columns, labels: labels, threads: threads)
    if let weights { try matrix.setWeights(weights) }
    return matrix
  }
}

extension Sample: FeatureRows {
  func copyRow(_ index: Int, to cells: UnsafeMutablePointer<Float>) {
    for column in 0..<columns { cells[column] = values[index * columns + column] }
  }
}

extension TrainingSet {
  /// A sample of some of the rows, with what is known of these.
  func evaluated(_ selection: [Int], _ sample: Sample) -> EvaluatedRows {
    EvaluatedRows(
      features: sample, labels: sample.labels, entities: selection.map { rows[$0].entity },
      moments: selection.map { rows[$0].asOf }, weights: sample.weights)
  }
}
