internal import Dataflow
internal import Features
internal import Foundation

/// A linear model of the same rows, and what it says of those held back.
///
/// Numbers are foretold as they are. Probabilities are foretold as 0 and 1 and kept between, those of classes one by one and made to
/// add up. Quantiles lie at the same distance from the foretold number in all rows, by the residuals of the rows that were learnt from.
struct RidgeBaseline {
  /// Rows held back: [row][output].
  let outputs: [Float]
  let quality: ModelQuality
  /// A probability is not nearer to 0 and 1.
  private static let leastProbability: Float = 1e-3

  /// nil: the model learns no label, or there is nothing to fit.
  init?(_ model: ModelDeclaration, _ roles: TrainingRoles, _ columns: [ColumnDescription]) {
    guard model.kind != .anomaly, !roles.held.labels.isEmpty else { return nil }
    let labels = roles.held.labels
    if case .classes(let classes) = model.kind {
      let targets = roles.learn.labels.flatMap { label in
        classes.indices.map { Int(label) == $0 ? 1.0 : 0.0 }
      }
      guard let ridge = Ridge(roles.learn, columns: columns, targets: classes.count, values: targets) else {
        return nil
      }
      let raw = ridge.predict(roles.held).map { max(Float($0), Self.leastProbability) }
      outputs = stride(from: 0, to: raw.count, by: classes.count).flatMap { start in
        let cells = raw[start..<start + classes.count]
        let sum = cells.reduce(0, +)
        return cells.map { $0 / sum }
      }
      quality = ModelQuality(labels: labels, shares: outputs, classes: classes.count)
      return
    }
    guard
      let ridge = Ridge(
        roles.learn, columns: columns, targets: 1, values: roles.learn.labels.map { Double($0) })
    else { return nil }
    let numbers = ridge.predict(roles.held).map { Float($0) }
    switch model.kind {
    case .quantiles(let levels, _):
      let fitted = ridge.predict(roles.learn)
      var residuals = zip(roles.learn.labels, fitted).map { Float(Double($0) - $1) }
      let shifts = levels.map { level in
        residuals.withUnsafeMutableBufferPointer { WeightedQuantile.of($0, level: level) }
      }
      outputs = numbers.flatMap { number in shifts.map { number + $0 } }
      quality = ModelQuality(labels: labels, quantiles: outputs, levels: levels)
    default:
      let least = Self.leastProbability
      outputs = model.isBinary ? numbers.map { min(max($0, least), 1 - least) } : numbers
      quality = ModelQuality(labels: labels, predictions: outputs, isBinary: model.isBinary)
    }
  }
}
