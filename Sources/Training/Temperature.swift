internal import Foundation

/// One number that all margins of a model of classes are divided by, so that its probabilities are neither too bold nor too timid
/// (Guo and others 2017, temperature scaling).
enum Temperature {
  /// What is allowed: 1 / temperature.
  private static let bounds = 1e-3...1e3
  private static let steps = 100
  /// What turns powers of e into powers of 2.
  static let log2OfE = 1.442_695_040_888_963_4

  /// The inverse of the temperature that is best by log loss for rows of margins, [row][class], and classes' numbers.
  ///
  /// The loss is convex in it, so halving by the sign of its slope finds the best.
  static func inverse(_ margins: [Float], _ labels: [Float], classes: Int) -> Double {
    var (low, high) = (log(bounds.lowerBound), log(bounds.upperBound))
    for _ in 0..<steps {
      let middle = (low + high) / 2
      if slope(margins, labels, classes, at: exp(middle)) > 0 { high = middle } else { low = middle }
    }
    return exp((low + high) / 2)
  }

  /// The derivative of the summed log loss by the inverse temperature.
  private static func slope(
    _ margins: [Float], _ labels: [Float], _ classes: Int, at inverse: Double
  ) -> Double {
    var sum = 0.0
    for (row, label) in labels.enumerated() {
      let cells = margins[row * classes..<(row + 1) * classes]
      let most = Double(cells.max() ?? 0)
      var (weights, weighted) = (0.0, 0.0)
      for cell in cells {
        let weight = exp((Double(cell) - most) * inverse)
        weights += weight
        weighted += weight * Double(cell)
      }
      sum += weighted / weights - Double(margins[row * classes + Int(label)])
    }
    return sum
  }
}
