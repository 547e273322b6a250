public import Dataflow
import Events
import Tables

/// A score as the log gives it.
struct ExpectedScore {
  var partition: Int32
  var offset: Int64
  var eventTime: EventTime
  var asOf: EventTime
  var eventID: Hash128
  /// Number of the models' versions among those of the recomputation.
  var models = 0
}

/// How a context's numbers look in a table: outputs, then decisions, then the features that it carries.
public struct ScoreCells: Sendable {
  /// What a column holds.
  public enum Kind: Sendable {
    case output
    case decision
    case feature
  }

  /// Names of all columns, in order.
  public let names: [String]
  let kinds: [Kind]
  /// Columns that `scores` has; `latest_scores` has all.
  let scoresCount: Int
  /// Words of each column's codes; empty: numbers.
  private let labels: [[String]]
  private let features: [Int]

  /// The columns of a context.
  public init(_ context: ScoreContext) {
    features = context.tableFeatures
    names = context.outputNames + context.decisionNames + features.map { context.featureNames[$0] }
    kinds =
      context.outputNames.map { _ in .output } + context.decisionNames.map { _ in .decision }
      + features.map { _ in .feature }
    labels =
      context.outputNames.map { _ in [] } + context.decisionLabels
      + features.map { number in
        // The code behind the last word means none of the words.
        context.featureLabels[number].isEmpty ? [] : context.featureLabels[number] + ["other"]
      }
    scoresCount = context.outputNames.count + context.decisionNames.count
  }

  /// A row's numbers as bits, in column order.
  func bits(
    outputs: UnsafePointer<Float>, decisions: ArraySlice<Int32>, features row: UnsafePointer<Float>,
    into bits: inout [UInt32]
  ) {
    for column in 0..<(scoresCount - decisions.count) { bits.append(outputs[column].bitPattern) }
    for code in decisions { bits.append(UInt32(bitPattern: code)) }
    for column in features { bits.append(row[column].bitPattern) }
  }

  /// What a database gives back for a column's bits.
  func cell(_ column: Int, _ bits: UInt32) -> StoredCell {
    let words = labels[column]
    if kinds[column] == .decision {
      let code = Int(Int32(bitPattern: bits))
      if words.isEmpty { return .number(code == 0 ? 0 : 1) }
      return words.indices.contains(code) ? .text(words[code]) : .null
    }
    let value = Float(bitPattern: bits)
    if value.isNaN { return .null }
    if words.isEmpty { return .number(Double(value)) }
    guard let code = Int(exactly: value), words.indices.contains(code) else { return .null }
    return .text(words[code])
  }
}
