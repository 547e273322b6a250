internal import Dataflow
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

  var mean: Float { Float(labels.reduce(0) { $0 + Double($1) } / Double(labels.count)) }

  func matrix(threads: Int) throws(XGBoostError) -> Matrix {
    try Matrix(values: values, rows: labels.count, columns: columns, labels: labels, threads: threads)
  }
}
