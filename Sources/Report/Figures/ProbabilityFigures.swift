internal import Foundation

/// Figures of probabilities of a label 1: AUC, PR-AUC (average precision), log loss, Brier score, calibration error; and precision and recall
/// where the answer is yes from a threshold on.
struct ProbabilityFigures: FigureFamily {
  /// Bins of equally many rows, in which outputs are compared with labels.
  static let binsMost = 15

  let names = [
    FigureName("auc", "AUC"), FigureName("pr_auc", "PR-AUC"), FigureName("log_loss", "log loss"),
    FigureName("brier", "Brier score"), FigureName("ece", "calibration error (ECE)", isBiased: true),
    FigureName("precision", "precision", .share), FigureName("recall", "recall", .share),
    FigureName("positive_share", "share of yes", .share),
  ]
  /// Rows from the greatest output down.
  private let order: [Int32]
  private let groups: [Int32]
  private let isOne: [Bool]
  private let outputs: [Double]
  private let losses: [Double]
  private let bins: [Int32]
  private let binCount: Int
  private let threshold: Double

  /// Of labels 0 and 1, and outputs by row, all finite.
  init(isOne labels: [Bool], outputs: [Double], threshold: Double, _ resampling: Resampling) {
    let order = outputs.indices.sorted {
      outputs[$0] == outputs[$1] ? $0 < $1 : outputs[$0] > outputs[$1]
    }
    self.order = order.map { Int32($0) }
    groups = order.map { resampling.groups[$0] }
    isOne = order.map { labels[$0] }
    let sorted = order.map { outputs[$0] }
    self.outputs = sorted
    losses = order.map { row in
      let probability = min(max(outputs[row], 1e-7), 1 - 1e-7)
      return -log(labels[row] ? probability : 1 - probability)
    }
    bins = Self.bins(sorted)
    binCount = Int(bins.last ?? 0) + 1
    self.threshold = threshold
  }

  /// The bin of each of some sorted values: as even as values that are the same allow, which stay together.
  static func bins(_ sorted: [Double]) -> [Int32] {
    var bins = [Int32](repeating: 0, count: sorted.count)
    let share = Double(sorted.count) / Double(binsMost)
    var bin: Int32 = 0
    var start = 0
    for place in sorted.indices {
      let isNew = place > 0 && sorted[place] != sorted[place - 1]
      if isNew && Double(place) >= share * Double(bin + 1) && place > start {
        bin += 1
        start = place
        // A block of equal values may be as large as several bins.
        while Double(place) >= share * Double(bin + 1) && Int(bin) < binsMost - 1 { bin += 1 }
      }
      bins[place] = bin
    }
    return bins
  }

  var visits: Int { outputs.count }

  func values(_ counts: [Int32]) -> [Double] {
    var (ones, zeros, loss, brier) = (0.0, 0.0, 0.0, 0.0)
    var (hits, yes) = (0.0, 0.0)
    var (pairs, precisions) = (0.0, 0.0)
    var (blockOnes, blockZeros) = (0.0, 0.0)
    var ofBins = [(weight: Double, output: Double, ones: Double)](repeating: (0, 0, 0), count: binCount)
    for place in outputs.indices {
      let output = outputs[place]
      let weight = Double(counts[Int(groups[place])])
      if weight != 0 {
        let label = isOne[place] ? 1.0 : 0
        blockOnes += weight * label
        blockZeros += weight * (1 - label)
        loss += weight * losses[place]
        brier += weight * (output - label) * (output - label)
        if output >= threshold {
          yes += weight
          hits += weight * label
        }
        ofBins[Int(bins[place])].weight += weight
        ofBins[Int(bins[place])].output += weight * output
        ofBins[Int(bins[place])].ones += weight * label
      }
      guard place + 1 == outputs.count || outputs[place + 1] != output else { continue }
      // Ones so far are ranked above the zeros of this block; equal ones count half.
      pairs += blockZeros * (ones + blockOnes / 2)
      ones += blockOnes
      zeros += blockZeros
      if blockOnes > 0 { precisions += blockOnes * ones / (ones + zeros) }
      (blockOnes, blockZeros) = (0, 0)
    }
    let count = ones + zeros
    guard count > 0 else { return names.map { _ in .nan } }
    let gap = ofBins.reduce(0) { $0 + ($1.output - $1.ones).magnitude }
    return [
      ones > 0 && zeros > 0 ? pairs / (ones * zeros) : .nan, ones > 0 ? precisions / ones : .nan,
      loss / count, brier / count, gap / count, yes > 0 ? hits / yes : .nan, ones > 0 ? hits / ones : .nan,
      yes / count,
    ]
  }

  /// What outputs say and how it was, bin by bin, from the least output up: what a reliability diagram shows. `entities`: of each row.
  static func reliability(
    isOne: [Bool], outputs: [Double], entities: [Int32]
  ) -> [(output: Double, rate: Rate)] {
    let order = outputs.indices.sorted { outputs[$0] == outputs[$1] ? $0 < $1 : outputs[$0] < outputs[$1] }
    let bins = bins(order.map { outputs[$0] })
    var found: [(output: Double, rate: Rate)] = []
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count && bins[end] == bins[start] { end += 1 }
      let rows = order[start..<end]
      let mean = rows.reduce(0) { $0 + outputs[$1] } / Double(rows.count)
      found.append((mean, Rate(rows.map { isOne[$0] }, entities: rows.map { entities[$0] })))
      start = end
    }
    return found
  }
}
