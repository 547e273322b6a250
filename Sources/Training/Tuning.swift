public import Dataflow
internal import Events
internal import Foundation

/// Successive halving (Jamieson and Talwalkar 2016): many recipes learn from few rows, the best third of them from three times as many,
/// and so on until what is left has learnt from all.
///
/// The recipes follow from the seed. It deploys nothing: it says what was tried and how good it was.
public struct Tuning: Sendable {
  /// A recipe that is tried.
  public struct Trial: Equatable, Sendable {
    /// Number, from 0, which is the recipe as it is declared.
    public let number: Int
    /// Values drawn, by parameter; empty: what is declared.
    public let values: [String: Double]
    /// The declared recipe with these values.
    public let recipe: TrainingDeclaration
    /// Share of the rows that it learnt from last.
    public internal(set) var share = 0.0
    /// What came of it there, lower is better; nil: it was not tried, or not a number.
    public internal(set) var score: Double?
  }

  /// Of three recipes one goes on.
  private static let keptOf = 3
  private static let rungsMost = 4
  /// Significant digits of the values that are drawn: more say nothing, and are not the same on all machines.
  private static let digits = 3

  private let trials: [Trial]

  /// `count` recipes, that which is declared among them, of values within the ranges that it declares.
  public init(_ declared: TrainingDeclaration, count: Int, seed: UInt64) {
    precondition(count > 0)
    var random = SplitMix64(seed: seed)
    trials = (0..<count).map { number in
      guard number > 0 else { return Trial(number: 0, values: [:], recipe: declared) }
      var values: [String: Double] = [:]
      for (name, range) in declared.tuning.sorted(by: { $0.key < $1.key }) {
        values[name] = Self.draw(range, Double(random.next() >> 11) * 0x1p-53)
      }
      return Trial(number: number, values: values, recipe: Self.recipe(declared, values))
    }
  }

  /// How many recipes learn, from which share of the rows, one step after the other.
  public var steps: [(recipes: Int, share: Double)] {
    var counts = [trials.count]
    while counts.count < Self.rungsMost, let last = counts.last, last >= Self.keptOf {
      counts.append(last / Self.keptOf)
    }
    return counts.enumerated().map { index, count in
      (count, pow(Double(Self.keptOf), Double(index + 1 - counts.count)))
    }
  }

  /// Trainings in all: the declared recipe learns from all rows in the end, to be compared with, whether it was good or not.
  public var trainings: Int { steps.reduce(0) { $0 + $1.recipes } + 1 }

  /// Tries the recipes; best first: those that came furthest, among them by their score.
  ///
  /// `score` trains a recipe on a share of the rows and says how good it is on rows that it has not learnt from, lower is better.
  public func run<Problem: Error>(
    score: (Trial, _ share: Double) throws(Problem) -> Double
  ) throws(Problem) -> [Trial] {
    var all = trials
    var left = Array(all.indices)
    func measure(_ index: Int, _ share: Double) throws(Problem) {
      let found = try score(all[index], share)
      all[index].share = share
      all[index].score = found.isFinite ? found : nil
    }
    for step in steps {
      left = Array(left.prefix(step.recipes))
      for index in left { try measure(index, step.share) }
      left.sort { Self.isBetter(all[$0], all[$1]) }
    }
    if all[0].share < 1 { try measure(0, 1) }
    return all.sorted(by: Self.isBetter)
  }

  private static func isBetter(_ one: Trial, _ other: Trial) -> Bool {
    let (first, second) = (one.score ?? .infinity, other.score ?? .infinity)
    return (other.share, first, one.number) < (one.share, second, other.number)
  }

  /// A value of a range; `place`: where in it, from 0 to 1.
  static func draw(_ range: TuningRange, _ place: Double) -> Double {
    let (least, most) = (range.bounds.lowerBound, range.bounds.upperBound)
    if range.isWhole && !range.isLogarithmic {
      return min(most, (least + place * (most - least + 1)).rounded(.down))
    }
    let drawn =
      range.isLogarithmic ? least * pow(most / least, place) : least + place * (most - least)
    let value = range.isWhole ? drawn.rounded() : rounded(drawn)
    return min(max(value, least), most)
  }

  private static func rounded(_ value: Double) -> Double {
    Double(String(format: "%.\(digits)g", value)) ?? value
  }

  private static func recipe(
    _ declared: TrainingDeclaration, _ values: [String: Double]
  ) -> TrainingDeclaration {
    var recipe = declared
    for (name, value) in values {
      switch name {
      case "trees": recipe.trees = Int(value)
      case "depth": recipe.depth = Int(value)
      case "early_stopping": recipe.earlyStopping = Int(value)
      case "eta": recipe.eta = value
      default: recipe.parameters[name] = value
      }
    }
    return recipe
  }
}
