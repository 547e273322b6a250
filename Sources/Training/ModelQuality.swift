internal import Foundation
internal import Scorer

/// How good a model is on rows that it has not learnt from. What does not fit its outputs is nil.
public struct ModelQuality: Equatable, Sendable {
  /// Root of the mean squared error, in the label's unit; of quantiles: of the middle one.
  public var rmse: Double?
  /// Mean absolute error, in the label's unit; of quantiles: of the middle one.
  public var mae: Double?
  /// Share of the variance that is explained; nil, too: the labels do not vary.
  public var rSquared: Double?
  /// For 0/1 labels: the chance that a 1 is ranked above a 0 (ties count half); nil, too: only one of them is
  /// there.
  public var auc: Double?
  /// For 0/1 labels and classes: mean negative log likelihood, natural logarithm.
  public var logLoss: Double?
  /// For 0/1 labels: mean squared difference from the probability.
  public var brier: Double?
  /// At the threshold for a declared recall: share of the ones that are found.
  public var recall: Double?
  /// At that threshold: share of ones among those found.
  public var precision: Double?
  /// The threshold that is served.
  public var threshold: Double?
  /// For classes: share of rows whose likeliest class is theirs.
  public var accuracy: Double?
  /// For classes: the share of the commonest one, which is the accuracy of always naming it.
  public var commonest: Double?
  /// Mean pinball loss of all quantiles, in the label's unit.
  public var pinball: Double?
  /// Of quantiles, for intervals between symmetric ones, the widest first.
  public var intervals: [Interval] = []
  /// Of an isolation forest: the output that one row in a hundred exceeds.
  public var top: Double?

  /// How an interval does.
  public struct Interval: Equatable, Sendable {
    /// Share of labels that it should cover.
    public var nominal: Double
    /// Share that it covers.
    public var coverage: Double
    /// Mean width, in the label's unit.
    public var width: Double
  }

  /// The quality of `predictions` for `labels`; `isBinary` for probabilities of 0/1 labels.
  public init(labels: [Float], predictions: [Float], isBinary: Bool) {
    precondition(labels.count == predictions.count && !labels.isEmpty)
    let count = Double(labels.count)
    let mean = labels.reduce(0) { $0 + Double($1) } / count
    var squared = 0.0
    var absolute = 0.0
    var variance = 0.0
    for (label, prediction) in zip(labels, predictions) {
      let error = Double(prediction) - Double(label)
      squared += error * error
      absolute += error.magnitude
      variance += (Double(label) - mean) * (Double(label) - mean)
    }
    rmse = (squared / count).squareRoot()
    mae = absolute / count
    rSquared = variance > 0 ? 1 - squared / variance : nil
    if isBinary {
      auc = Self.auc(labels, predictions)
      logLoss = Self.logLoss(labels, predictions)
      brier = squared / count
    }
  }

  /// The quality of probabilities, [row][class], for classes' numbers.
  init(labels: [Float], shares: [Float], classes: Int) {
    var (right, loss) = (0, 0.0)
    var counts = [Int](repeating: 0, count: classes)
    for (row, label) in labels.enumerated() {
      let cells = shares[row * classes..<(row + 1) * classes]
      let own = cells[cells.startIndex + Int(label)]
      let likeliest = cells.indices.reduce(cells.startIndex) { cells[$1] > cells[$0] ? $1 : $0 }
      if likeliest - cells.startIndex == Int(label) { right += 1 }
      loss -= log(max(Double(own), Self.leastProbability))
      counts[Int(label)] += 1
    }
    let count = Double(max(labels.count, 1))
    accuracy = Double(right) / count
    logLoss = loss / count
    commonest = Double(counts.max() ?? 0) / count
  }

  /// The quality of quantiles, [row][level], ascending in each row.
  init(labels: [Float], quantiles: [Float], levels: [Double]) {
    func column(_ level: Int) -> [Float] { labels.indices.map { quantiles[$0 * levels.count + level] } }
    let middle = levels.indices.min { (levels[$0] - 0.5).magnitude < (levels[$1] - 0.5).magnitude } ?? 0
    self.init(labels: labels, predictions: column(middle), isBinary: false)
    rSquared = nil
    pinball =
      levels.indices.reduce(0) { $0 + QuantileBoosting.pinball(labels, column($1), levels[$1]) }
      / Double(levels.count)
    for low in levels.indices {
      guard let high = ConformalShifts.partner(of: low, levels), high > low else { continue }
      var (inside, width) = (0, 0.0)
      for (row, label) in labels.enumerated() {
        let (least, most) = (quantiles[row * levels.count + low], quantiles[row * levels.count + high])
        if label >= least && label <= most { inside += 1 }
        width += Double(most) - Double(least)
      }
      intervals.append(
        Interval(
          nominal: levels[high] - levels[low], coverage: Double(inside) / Double(labels.count),
          width: width / Double(labels.count)))
    }
  }

  /// Outputs of an isolation forest: there is nothing to compare them with.
  init(anomaly outputs: [Float]) {
    let sorted = outputs.sorted()
    if !sorted.isEmpty { top = Double(sorted[min(sorted.count * 99 / 100, sorted.count - 1)]) }
  }

  /// Probabilities are kept so far away from 0 and 1.
  private static let leastProbability = 1e-7
}

extension ModelQuality {
  /// The Mann-Whitney statistic, with mean ranks for ties.
  private static func auc(_ labels: [Float], _ predictions: [Float]) -> Double? {
    let order = predictions.indices.sorted { predictions[$0] < predictions[$1] }
    let positives = labels.reduce(0) { $0 + ($1 > 0.5 ? 1 : 0) }
    let negatives = labels.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    var rankSum = 0.0
    var start = 0
    while start < order.count {
      var end = start
      while end < order.count && predictions[order[end]] == predictions[order[start]] { end += 1 }
      let meanRank = Double(start + 1 + end) / 2
      for place in start..<end where labels[order[place]] > 0.5 { rankSum += meanRank }
      start = max(end, start + 1)
    }
    let least = Double(positives) * Double(positives + 1) / 2
    return (rankSum - least) / (Double(positives) * Double(negatives))
  }

  private static func logLoss(_ labels: [Float], _ predictions: [Float]) -> Double {
    var sum = 0.0
    for (label, prediction) in zip(labels, predictions) {
      let probability = min(max(Double(prediction), leastProbability), 1 - leastProbability)
      sum -= label > 0.5 ? log(probability) : log(1 - probability)
    }
    return sum / Double(labels.count)
  }
}
