internal import Foundation

/// Figures of classes: accuracy, macro F1, log loss.
struct ClassFigures: FigureFamily {
  /// How one class is told from the others.
  struct OneClass: Equatable {
    var name: String
    /// Rows whose label it is.
    var count: Int
    /// Rows whose likeliest class it is.
    var predicted: Int
    /// Rows of which both are so.
    var hits: Int

    var precision: Double { predicted > 0 ? Double(hits) / Double(predicted) : .nan }
    var recall: Double { count > 0 ? Double(hits) / Double(count) : .nan }
    /// The harmonic mean of both; 0 where the class is there and never hit.
    var f1: Double { count + predicted > 0 ? 2 * Double(hits) / Double(count + predicted) : .nan }
  }

  let names = [
    FigureName("accuracy", "accuracy", .share), FigureName("macro_f1", "macro F1"),
    FigureName("log_loss", "log loss"),
  ]
  let classes: [OneClass]
  /// Rows by [label][likeliest class].
  let confusion: [[Int]]
  private let groups: [Int32]
  private let labels: [Int32]
  private let predictions: [Int32]
  private let losses: [Double]
  private let classCount: Int

  /// Of labels, numbers of classes, and outputs [row][class], all finite.
  init(labels: [Int], outputs: [Double], names classNames: [String], _ resampling: Resampling) {
    let width = classNames.count
    let predictions = labels.indices.map { Self.likeliest(outputs[($0 * width)..<(($0 + 1) * width)]) }
    var confusion = classNames.map { _ in [Int](repeating: 0, count: width) }
    for (label, prediction) in zip(labels, predictions) { confusion[label][prediction] += 1 }
    classes = classNames.indices.map { index in
      OneClass(
        name: classNames[index], count: confusion[index].reduce(0, +),
        predicted: confusion.reduce(0) { $0 + $1[index] }, hits: confusion[index][index])
    }
    self.confusion = confusion
    groups = resampling.groups
    self.labels = labels.map { Int32($0) }
    self.predictions = predictions.map { Int32($0) }
    losses = labels.enumerated().map { row, label in
      -log(min(max(outputs[row * width + label], 1e-7), 1 - 1e-7))
    }
    classCount = width
  }

  /// The class with the greatest output; ties: the first.
  static func likeliest(_ outputs: ArraySlice<Double>) -> Int {
    var best = outputs.startIndex
    for place in outputs.indices where outputs[place] > outputs[best] { best = place }
    return best - outputs.startIndex
  }

  var visits: Int { labels.count }

  func values(_ counts: [Int32]) -> [Double] {
    var (count, correct, loss) = (0.0, 0.0, 0.0)
    var hits = [Double](repeating: 0, count: classCount)
    var both = [Double](repeating: 0, count: classCount)
    for row in labels.indices {
      let weight = Double(counts[Int(groups[row])])
      if weight == 0 { continue }
      let (label, prediction) = (Int(labels[row]), Int(predictions[row]))
      count += weight
      loss += weight * losses[row]
      both[label] += weight
      both[prediction] += weight
      if label == prediction {
        correct += weight
        hits[label] += weight
      }
    }
    guard count > 0 else { return names.map { _ in .nan } }
    // Classes that are neither there nor predicted have no F1.
    let known = both.indices.filter { both[$0] > 0 }
    let f1 = known.reduce(0) { $0 + 2 * hits[$1] / both[$1] } / Double(max(known.count, 1))
    return [correct / count, f1, loss / count]
  }
}
