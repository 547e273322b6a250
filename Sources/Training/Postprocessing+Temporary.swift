internal import Features
internal import Foundation
internal import Scorer

extension CalibrationCurve {
  func value(at margin: Float) -> Float {
    if margin <= margins[0] { return values[0] }
    if margin >= margins[margins.count - 1] { return values[values.count - 1] }
    var (low, high) = (0, margins.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if margins[middle] <= margin { low = middle } else { high = middle }
    }
    let share = (margin - margins[low]) / (margins[high] - margins[low])
    return min(max(values[low] + share * (values[high] - values[low]), values[low]), values[high])
  }
}

struct ServedOutputs {
  let width: Int
  let columns: [ColumnDescription]
  let sample: Sample

  func of(_ margins: [Float], _ rows: [Int], by post: Postprocessing) throws -> [Float] {
    rows.flatMap { row -> [Float] in
      let cells = margins[row * width..<(row + 1) * width]
      var out: [Float]
      switch post.link {
      case .objective: out = Array(cells)
      case .curve(let curve): out = [curve.value(at: cells[cells.startIndex])]
      case .shares(let scale):
        let most = cells.max() ?? 0
        let weights = cells.map { exp2(scale * (Double($0) - Double(most))) }
        out = weights.map { Float($0 / weights.reduce(0, +)) }
      case .anomaly(let scale): out = cells.map { Float(exp2(-scale * Double($0))) }
      }
      guard post.sorts else { return out }
      out.sort()
      guard let shifts = post.shifts else { return out }
      let column = shifts.feature.flatMap { name in columns.firstIndex { $0.name == name } }
      let group = column.flatMap { Int(exactly: sample.features(row)[$0]) }
      let own = group.flatMap { shifts.groups[String($0)] } ?? shifts.pooled
      return zip(out, own).map { $0 + $1 }.sorted()
    }
  }
}

extension Postprocessing {
  var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
