internal import Foundation

/// How good predictions are, on rows that the model has not learnt from.
public struct ModelQuality: Equatable, Sendable {
  /// Root of the mean squared error, in the label's unit.
  public var rmse: Double
  /// Mean absolute error, in the label's unit.
  public var mae: Double
  /// Share of the variance that is explained; nil: the labels do not vary.
  public var rSquared: Double?
  /// For 0/1 labels: the chance that a 1 is ranked above a 0 (ties count half); nil: only one of them is
  /// there.
  public var auc: Double?
  /// For 0/1 labels: mean negative log likelihood, natural logarithm; nil: labels of another kind.
  public var logLoss: Double?

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
    auc = isBinary ? Self.auc(labels, predictions) : nil
    logLoss = isBinary ? Self.logLoss(labels, predictions) : nil
  }
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

  /// Probabilities are kept 10⁻⁷ away from 0 and 1.
  private static func logLoss(_ labels: [Float], _ predictions: [Float]) -> Double {
    var sum = 0.0
    for (label, prediction) in zip(labels, predictions) {
      let probability = min(max(Double(prediction), 1e-7), 1 - 1e-7)
      sum -= label > 0.5 ? log(probability) : log(1 - probability)
    }
    return sum / Double(labels.count)
  }
}
