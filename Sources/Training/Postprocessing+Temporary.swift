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

extension ConformalShifts {
  func shifts(of value: Float) -> [Float] { Int(exactly: value).flatMap { groups[String($0)] } ?? pooled }
}

extension Postprocessing {
  static func shares(_ margins: ArraySlice<Float>, scale: Double) -> [Float] {
    let most = margins.max() ?? 0
    let weights = margins.map { exp2(scale * (Double($0) - Double(most))) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  static func anomaly(_ margin: Float, scale: Double) -> Float { Float(exp2(-scale * Double(margin))) }

  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}
