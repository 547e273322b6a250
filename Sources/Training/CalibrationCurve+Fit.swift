internal import Foundation
internal import Scorer

extension CalibrationCurve {
  /// Positives below which two numbers are fitted (Platt), and not a step for each stretch of margins.
  static let isotonicPositivesMin = 1_000
  /// Most knots of a curve.
  static let knotsMax = 512
  /// Knots of a fitted sigmoid: straight lines between them are within 10⁻⁴ of it.
  private static let sigmoidKnots = 193

  /// The curve that makes probabilities of a label 1 of margins, on rows that the trees have not seen: both classes among them.
  static func fitted(_ margins: [Float], _ labels: [Float]) -> CalibrationCurve {
    isSigmoid(labels) ? sigmoid(margins, labels) : isotonic(margins, labels)
  }

  /// Whether labels are so few that two numbers are fitted.
  static func isSigmoid(_ labels: [Float]) -> Bool {
    let positives = labels.reduce(0) { $0 + ($1 > 0.5 ? 1 : 0) }
    return min(positives, labels.count - positives) < isotonicPositivesMin
  }

  /// Platt scaling (Platt 1999, with Lin, Lin and Weng's Newton steps, 2007): 1 / (1 + e^−(a·margin + b)), drawn as straight lines.
  static func sigmoid(_ margins: [Float], _ labels: [Float]) -> CalibrationCurve {
    let positives = Double(labels.reduce(0) { $0 + ($1 > 0.5 ? 1 : 0) })
    let negatives = Double(labels.count) - positives
    let (one, zero) = ((positives + 1) / (positives + 2), 1 / (negatives + 2))
    let targets = labels.map { $0 > 0.5 ? one : zero }
    let least = margins.min() ?? 0
    let most = margins.max() ?? 0
    let (slope, intercept) = plattNumbers(
      margins, targets, share: (positives + 1) / (positives + negatives + 2))
    guard slope > 0, least < most else {
      // The margins say nothing, or the contrary: all rows have the common share.
      return CalibrationCurve(
        margins: [least], values: [Float((positives + 1) / (positives + negatives + 2))])
    }
    // A little beyond what was seen; the curve ends there.
    let room = (most - least) * 0.1
    let (first, last) = (least - room, most + room)
    var knots: [Float] = []
    var values: [Float] = []
    for index in 0..<sigmoidKnots {
      let margin = first + (last - first) * (Float(index) / Float(sigmoidKnots - 1))
      let value = Float(1 / (1 + exp(-(slope * Double(margin) + intercept))))
      guard margin > knots.last ?? -.infinity else { continue }
      knots.append(margin)
      values.append(max(value, values.last ?? 0))
    }
    return CalibrationCurve(margins: knots, values: values)
  }

  private static func plattNumbers(
    _ margins: [Float], _ targets: [Double], share: Double
  ) -> (slope: Double, intercept: Double) {
    var (slope, intercept) = (0.0, log(share / (1 - share)))
    func loss(_ slope: Double, _ intercept: Double) -> Double {
      var sum = 0.0
      for (margin, target) in zip(margins, targets) {
        let score = slope * Double(margin) + intercept
        sum += max(score, 0) - target * score + log1p(exp(-score.magnitude))
      }
      return sum
    }
    var current = loss(slope, intercept)
    for _ in 0..<plattStepsMax {
      var (gradientSlope, gradientIntercept) = (0.0, 0.0)
      var (slopeSlope, slopeIntercept, interceptIntercept) = (1e-12, 0.0, 1e-12)
      for (margin, target) in zip(margins, targets) {
        let value = Double(margin)
        let probability = 1 / (1 + exp(-(slope * value + intercept)))
        let weight = probability * (1 - probability)
        gradientSlope += (probability - target) * value
        gradientIntercept += probability - target
        slopeSlope += weight * value * value
        slopeIntercept += weight * value
        interceptIntercept += weight
      }
      let determinant = slopeSlope * interceptIntercept - slopeIntercept * slopeIntercept
      guard determinant > 0, max(gradientSlope.magnitude, gradientIntercept.magnitude) > 1e-9 else { break }
      let stepSlope = (interceptIntercept * gradientSlope - slopeIntercept * gradientIntercept) / determinant
      let stepIntercept = (slopeSlope * gradientIntercept - slopeIntercept * gradientSlope) / determinant
      var length = 1.0
      var next = loss(slope - stepSlope, intercept - stepIntercept)
      while next > current && length > 1e-10 {
        length /= 2
        next = loss(slope - length * stepSlope, intercept - length * stepIntercept)
      }
      guard next < current else { break }
      slope -= length * stepSlope
      intercept -= length * stepIntercept
      current = next
    }
    return (slope, intercept)
  }

  private static let plattStepsMax = 100

  /// Centred isotonic regression (Oron and Flournoy 2017): the mean label of each stretch of margins on which it may not fall, at the
  /// stretch's mean margin, and straight lines between them, so that rows keep their order.
  ///
  /// The outermost stretches may have labels of one class: their values stay as far from 0 and 1 as their number of rows allows
  /// (Laplace's rule of succession).
  static func isotonic(_ margins: [Float], _ labels: [Float]) -> CalibrationCurve {
    let order = margins.indices.sorted {
      margins[$0] == margins[$1] ? $0 < $1 : margins[$0] < margins[$1]
    }
    var blocks: [Block] = []
    var place = 0
    while place < order.count {
      // Equal margins are one point.
      let margin = margins[order[place]]
      var block = Block(least: margin, most: margin)
      while place < order.count, margins[order[place]] == margin {
        block.count += 1
        block.marginSum += Double(margin)
        block.labelSum += labels[order[place]] > 0.5 ? 1 : 0
        place += 1
      }
      while let last = blocks.last, last.value >= block.value {
        block.join(last)
        blocks.removeLast()
      }
      blocks.append(block)
    }
    while blocks.count > knotsMax - 2 { blocks = joined(blocks) }
    return curve(through: blocks)
  }

  /// Joins every two neighbours.
  private static func joined(_ blocks: [Block]) -> [Block] {
    stride(from: 0, to: blocks.count, by: 2).map { index in
      var block = blocks[index]
      if index + 1 < blocks.count { block.join(blocks[index + 1]) }
      return block
    }
  }

  private static func curve(through blocks: [Block]) -> CalibrationCurve {
    guard let first = blocks.first, let last = blocks.last else {
      return CalibrationCurve(margins: [0], values: [0])
    }
    let (floor, ceiling) = (1 / (first.count + 2), 1 - 1 / (last.count + 2))
    var points = blocks.map { (margin: $0.marginSum / $0.count, value: min(max($0.value, floor), ceiling)) }
    if points.count > 1 {
      // The lines go on to the outermost margins: half of a stretch lies beyond its mean.
      func line(_ from: Int, _ to: Int, at margin: Float) -> Double {
        let slope = (points[to].value - points[from].value) / (points[to].margin - points[from].margin)
        return points[from].value + slope * (Double(margin) - points[from].margin)
      }
      let start = (margin: Double(first.least), value: max(line(0, 1, at: first.least), floor / 2))
      let end = points.count - 1
      let stop = (
        margin: Double(last.most), value: min(line(end - 1, end, at: last.most), 1 - (1 - ceiling) / 2)
      )
      points = [start] + points + [stop]
    }
    var curve = CalibrationCurve(margins: [], values: [])
    for point in points {
      let margin = Float(point.margin)
      let value = max(Float(point.value), curve.values.last ?? 0)
      if margin > curve.margins.last ?? -.infinity {
        curve.margins.append(margin)
        curve.values.append(value)
      }
    }
    return curve
  }

  /// A stretch of margins.
  private struct Block {
    var least: Float
    var most: Float
    var count = 0.0
    var marginSum = 0.0
    var labelSum = 0.0
    var value: Double { labelSum / count }

    mutating func join(_ other: Block) {
      least = min(least, other.least)
      most = max(most, other.most)
      count += other.count
      marginSum += other.marginSum
      labelSum += other.labelSum
    }
  }
}
