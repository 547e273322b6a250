internal import Features
internal import Scorer

/// Makes outputs of margins of a sample's rows by the very steps of serving.
struct ServedOutputs {
  /// Margins and outputs of a row.
  let width: Int
  let columns: [ColumnDescription]
  let sample: Sample

  /// Outputs of some of the rows, [row][output]. `margins`: of all rows, [row][group]. Throws where they are not of such a model.
  func of(_ margins: [Float], _ rows: [Int], by postprocessing: Postprocessing) throws(PostprocessingError)
    -> [Float]
  {
    let processor = try Postprocessor(postprocessing, groups: width, outputs: width, columns: columns)
    var outputs = rows.flatMap { margins[$0 * width..<($0 + 1) * width] }
    let cells = rows.flatMap { sample.values[$0 * sample.columns..<($0 + 1) * sample.columns] }
    processor.apply(to: &outputs, stride: width, rows: cells, columns: sample.columns, count: rows.count)
    return outputs
  }
}
