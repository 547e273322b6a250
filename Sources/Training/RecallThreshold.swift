internal import Foundation

/// The output from which on a model of two classes says yes, so that it finds a declared share of the ones.
struct RecallThreshold {
  /// How sure it is that the recall on new rows is what was declared: one-sided, of a normal distribution.
  static let confidence = 0.9
  private static let deviations = 1.2816
  /// Entities with a label 1 below which the choice is largely chance.
  static let positiveEntitiesFew = 50

  /// The threshold.
  let value: Float

  /// Chooses on rows that the trees have not seen; nil: none of them has a label 1.
  ///
  /// Rows of one entity resemble each other, so what counts for the doubt is the number of entities with a label 1.
  init?(recall: Double, outputs: [Float], labels: [Float], entities: [Int]) {
    let positives = labels.indices.filter { labels[$0] > 0.5 }
    guard !positives.isEmpty else { return nil }
    let count = Double(Set(positives.map { entities[$0] }).count)
    let wanted = min(recall + Self.deviations * (recall * (1 - recall) / count).squareRoot(), 1)
    let scores = positives.map { outputs[$0] }.sorted(by: >)
    let found = min(max(Int((wanted * Double(scores.count)).rounded(.up)), 1), scores.count)
    value = scores[found - 1]
  }

  /// What a threshold, one a row, comes to: shares of the ones that are found, and of the yeses that are ones; nil: there are none.
  static func figures(
    outputs: [Float], labels: [Float], thresholds: [Float]
  ) -> (recall: Double?, precision: Double?) {
    var (found, ones, said) = (0.0, 0.0, 0.0)
    for (index, label) in labels.enumerated() {
      let isYes = outputs[index] >= thresholds[index]
      if isYes { said += 1 }
      if label > 0.5 {
        ones += 1
        if isYes { found += 1 }
      }
    }
    return (ones > 0 ? found / ones : nil, said > 0 ? found / said : nil)
  }
}
