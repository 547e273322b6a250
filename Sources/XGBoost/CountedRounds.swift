/// How many of a model's rounds count, when its training was stopped early.
struct CountedRounds {
  private let rounds: Int
  /// The attribute, counted from 0; nil: none.
  private let best: String?

  /// Reads the attributes; `ends` has a number of trees for each round.
  init(_ attributes: [String: String], ends: [Int]) {
    rounds = ends.count
    best = attributes["best_iteration"]
  }

  /// The number of rounds; throws for a file in which the choice makes a difference and is not made.
  func counted(_ choice: CountedTrees?) throws(ModelFormatError) -> Int {
    if choice == .all { return rounds }
    guard let best else {
      guard choice == nil else {
        throw ModelFormatError(
          text: "\"trees: best\", but the file has no best_iteration: its training was not stopped early")
      }
      return rounds
    }
    guard let last = Int(best), (0..<rounds).contains(last) else {
      throw ModelFormatError(
        text:
          "best_iteration \(shortened(best)) is none of the file's \(rounds) rounds, which are counted from 0: "
          + "\"trees: all\" for the model in the pipeline (tally forest: --trees) uses all")
    }
    guard choice == .best || last == rounds - 1 else {
      throw ModelFormatError(
        text: """
          best_iteration is \(last) of 0…\(rounds - 1): scikit-learn's wrappers predict with the rounds up to it, \
          Booster.predict with all. Say "trees: best" or "trees: all" for the model in the pipeline (tally forest: --trees)
          """)
    }
    return last + 1
  }
}
