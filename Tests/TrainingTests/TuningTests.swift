import Dataflow
import TestThreads
import Testing

@testable import Training

@Suite(.onThreads) struct TuningTests {
  private func declared() -> TrainingDeclaration {
    var training = TrainingDeclaration()
    training.depth = 5
    training.tuning = [
      "depth": TuningRange(3...10, isWhole: true), "eta": TuningRange(0.01...0.3, isLogarithmic: true),
      "lambda": TuningRange(0.1...10, isLogarithmic: true),
    ]
    return training
  }

  /// Steps worked out by hand: 27 recipes on 1/27 of the rows, 9 on 1/9, 3 on 1/3, 1 on all.
  @Test func stepsAreThirds() {
    let steps = Tuning(declared(), count: 27, seed: 1).steps
    #expect(steps.map(\.recipes) == [27, 9, 3, 1])
    let wanted = [1 / 27.0, 1 / 9.0, 1 / 3.0, 1.0]
    for (step, share) in zip(steps, wanted) { #expect(abs(step.share - share) < 1e-15) }
    #expect(Tuning(declared(), count: 1, seed: 1).steps.map(\.share) == [1])
    #expect(Tuning(declared(), count: 2, seed: 1).steps.map(\.recipes) == [2])
    #expect(Tuning(declared(), count: 1000, seed: 1).steps.map(\.recipes) == [1000, 333, 111, 37])
  }

  @Test func recipesFollowFromTheSeedAndStayWithinTheRanges() {
    let ranges = declared().tuning
    func drawn(_ seed: UInt64) -> [Tuning.Trial] {
      Tuning(declared(), count: 200, seed: seed).run { trial, _ throws(Never) in Double(trial.number) }
    }
    let trials = drawn(7)
    #expect(drawn(7) == trials)
    #expect(drawn(8) != trials)
    var depths: Set<Int> = []
    for trial in trials where trial.number > 0 {
      for (name, value) in trial.values {
        #expect(ranges[name]?.bounds.contains(value) ?? false, "\(name) \(value)")
      }
      depths.insert(trial.recipe.depth ?? 0)
      #expect(
        trial.recipe.eta == trial.values["eta"] && trial.recipe.parameters["lambda"] == trial.values["lambda"]
      )
    }
    #expect(depths == Set(3...10))
    let low = trials.count { $0.values["eta"].map { $0 < 0.0548 } ?? false }
    #expect((60...140).contains(low), "half of the logarithm lies below the geometric mean: \(low) of 199")
  }

  /// The best on all rows comes first, and what does not learn goes on to nowhere.
  @Test func theBestGoOn() {
    var calls: [Double: Int] = [:]
    let trials = Tuning(declared(), count: 27, seed: 3).run { trial, share throws(Never) in
      calls[share, default: 0] += 1
      return trial.number % 5 == 0 ? .nan : Double((trial.number * 7) % 26)
    }
    #expect(calls.values.sorted() == [2, 3, 9, 27])
    #expect(calls[1] == 2, "the declared recipe, too, learns from all rows")
    let best = (1..<27).filter { $0 % 5 != 0 }.min { ($0 * 7) % 26 < ($1 * 7) % 26 }
    #expect(trials[0].number == best && trials[0].share == 1)
    #expect(trials.suffix(5).allSatisfy { $0.score == nil })
    #expect(trials.count == 27)
  }
}
