import Dataflow
import Foundation
import Operations
import Training

extension ModelTraining {
  /// Recipes that are shown of each model.
  private static let shownMost = 10

  /// Tries recipes of each model and prints which were best; nothing is written.
  func tune(_ models: [ModelDeclaration], on set: TrainingSet, count: Int) throws {
    for model in models {
      let progress = TerminalReport().begin("tune \(model.name)", total: nil)
      var last = 0
      let trials = try ModelTrainer(options: options).tune(model, on: set, count: count) { done, _ in
        progress.advance(Int64(done - last))
        last = done
      }
      progress.finish("trainings done")
      show(trials, of: model)
    }
    say("nothing was written: put the best values into the pipeline, and train")
  }

  private func show(_ trials: [Tuning.Trial], of model: ModelDeclaration) {
    say(
      "\(model.name): \(trials.count) recipes, best first; the score is what training stops by, lower is better"
    )
    for trial in trials.prefix(Self.shownMost) {
      let score = trial.score.map { String(format: "%.6g", $0) } ?? "none"
      let name = trial.number == 0 ? "as declared" : "no. \(trial.number)"
      let share = String(format: "%3.0f %%", trial.share * 100)
      say("  \(score)  of \(share) of the rows  \(name)\(trial.number == 0 ? "" : ": " + text(trial.values))")
    }
    if trials.count > Self.shownMost { say("  … and \(trials.count - Self.shownMost) more") }
    guard let best = trials.first, best.number > 0, best.score != nil else { return }
    say("  training: {\(text(best.values))}")
  }

  private func text(_ values: [String: Double]) -> String {
    values.sorted { $0.key < $1.key }
      .map { "\($0.key): \($0.value == $0.value.rounded() ? String(Int($0.value)) : String($0.value))" }
      .joined(separator: ", ")
  }
}
