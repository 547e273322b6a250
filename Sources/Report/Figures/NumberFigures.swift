internal import Foundation

/// Figures of numbers: RMSE, MAE, R², MAPE, mean error, share within ±5.
struct NumberFigures: FigureFamily {
  /// How far an output may be from its label to be counted as near, in the label's unit.
  static let near = 5.0

  let names = [
    FigureName("rmse", "RMSE"), FigureName("mae", "MAE"), FigureName("r2", "R²"),
    FigureName("mape", "MAPE", .share), FigureName("bias", "mean error"),
    FigureName("within_5", "share within ±5", .share),
  ]
  /// Rows that MAPE leaves out: their label is 0.
  let zeroLabels: Int
  private let sums: GroupSums

  private enum Place: Int, CaseIterable {
    case count, error, absolute, squared, label, labelSquared, ratio, ratioCount, near
  }

  /// Of labels and outputs by row, all finite.
  init(labels: [Double], outputs: [Double], _ resampling: Resampling) {
    // Centred, so that squares of large labels do not cancel.
    let centre = labels.isEmpty ? 0 : labels.reduce(0, +) / Double(labels.count)
    zeroLabels = labels.count { $0 == 0 }
    sums = GroupSums(resampling, width: Place.allCases.count) { row, sum in
      let error = outputs[row] - labels[row]
      let label = labels[row] - centre
      sum[Place.count.rawValue] = 1
      sum[Place.error.rawValue] = error
      sum[Place.absolute.rawValue] = error.magnitude
      sum[Place.squared.rawValue] = error * error
      sum[Place.label.rawValue] = label
      sum[Place.labelSquared.rawValue] = label * label
      if labels[row] != 0 {
        sum[Place.ratio.rawValue] = (error / labels[row]).magnitude
        sum[Place.ratioCount.rawValue] = 1
      }
      sum[Place.near.rawValue] = error.magnitude <= Self.near ? 1 : 0
    }
  }

  var visits: Int { sums.visits }

  func values(_ counts: [Int32]) -> [Double] {
    let total = sums.total(counts)
    func of(_ place: Place) -> Double { total[place.rawValue] }
    let count = of(.count)
    guard count > 0 else { return names.map { _ in .nan } }
    let spread = of(.labelSquared) - of(.label) * of(.label) / count
    // Labels that do not vary leave what rounding leaves.
    let varies = spread > 1e-12 * max(of(.labelSquared), .leastNormalMagnitude)
    return [
      (of(.squared) / count).squareRoot(), of(.absolute) / count,
      varies ? 1 - of(.squared) / spread : .nan,
      of(.ratioCount) > 0 ? of(.ratio) / of(.ratioCount) : .nan, of(.error) / count, of(.near) / count,
    ]
  }
}

/// Figures of quantiles: pinball loss, how many labels lie below each, coverage and width of intervals, crossings.
struct QuantileFigures: FigureFamily {
  /// Two outputs with as much outside on one side as on the other.
  struct Pair: Equatable {
    var low: Int
    var high: Int
    /// The share that the interval promises.
    var nominal: Double
  }

  let names: [FigureName]
  let pairs: [Pair]
  /// Rows whose outputs do not ascend.
  let crossings: Int
  private let levels: [Double]
  private let sums: GroupSums

  /// Of labels by row and outputs [row][level], all finite.
  init(labels: [Double], outputs: [Double], levels: [Double], _ resampling: Resampling) {
    let width = levels.count
    let pairs = Self.pairs(levels)
    self.levels = levels
    self.pairs = pairs
    names =
      [FigureName("pinball", "pinball loss")]
      + levels.map { FigureName("below_\(Self.word($0))", "labels up to quantile \(Self.word($0))", .share) }
      + pairs.flatMap { pair in
        let word = Self.word(pair.nominal * 100)
        return [
          FigureName("coverage_\(word)", "coverage of the \(word) % interval", .share),
          FigureName("width_\(word)", "width of the \(word) % interval"),
        ]
      }
    crossings = labels.indices.count { row in
      (1..<max(width, 1)).contains { outputs[row * width + $0] < outputs[row * width + $0 - 1] }
    }
    sums = GroupSums(resampling, width: 2 + width + 2 * pairs.count) { row, sum in
      let label = labels[row]
      sum[0] = 1
      for (place, level) in levels.enumerated() {
        let error = label - outputs[row * width + place]
        sum[1] += max(level * error, (level - 1) * error)
        sum[2 + place] = error <= 0 ? 1 : 0
      }
      for (place, pair) in pairs.enumerated() {
        let (low, high) = (outputs[row * width + pair.low], outputs[row * width + pair.high])
        sum[2 + width + 2 * place] = low <= label && label <= high ? 1 : 0
        sum[3 + width + 2 * place] = high - low
      }
    }
  }

  static func pairs(_ levels: [Double]) -> [Pair] {
    (0..<levels.count / 2).map { low in
      let high = levels.count - 1 - low
      return Pair(low: low, high: high, nominal: ((levels[high] - levels[low]) * 1e6).rounded() / 1e6)
    }
  }

  /// `90`, `2.5`: a level as names have it.
  static func word(_ level: Double) -> String {
    NumberText.short((level * 1e4).rounded() / 1e4, digits: 6)
  }

  var visits: Int { sums.visits }

  func values(_ counts: [Int32]) -> [Double] {
    let total = sums.total(counts)
    guard total[0] > 0 else { return names.map { _ in .nan } }
    return [total[1] / total[0] / Double(max(levels.count, 1))] + total.dropFirst(2).map { $0 / total[0] }
  }
}
