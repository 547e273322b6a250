import Dataflow
import Foundation
import Report
import Training
import XGBoost

extension ModelTraining {
  /// Says how good a model is.
  func show(_ report: TrainingReport, _ card: ModelReport, place: String, at paths: [String]) {
    say("\(report.model): \(Self.figures(report.quality))")
    for warning in report.warnings { TerminalReport().warn(warning) }
    for warning in card.warnings where !report.warnings.contains(warning) {
      TerminalReport().warn("model \(report.model): \(warning)")
    }
    for line in card.summary { say("  \(line)") }
    let stopping = report.stopRows > 0 ? "\(report.stopRows) to stop by, " : ""
    say(
      "  \(report.trees) trees; \(report.trainingRows) rows of \(report.trainingEntities) entities to learn from, "
        + "\(stopping)\(report.heldBackRows) of \(report.heldBackEntities) held back for these figures")
    let top = report.topFeatures.map { "\($0.name) \(String(format: "%.3g", $0.gain))" }
    if !top.isEmpty { say("  top features by gain: \(top.joined(separator: ", "))") }
    say("  \(place)")
    if let page = paths.first(where: { $0.hasSuffix(".html") }) { say("  card: \(page)") }
  }

  /// One line a model, where there are several.
  func summarise(_ reports: [TrainingReport]) {
    guard reports.count > 1 else { return }
    let width = reports.map(\.model.count).max() ?? 0
    say("\(reports.count) models, on rows held back; in brackets: ridge")
    for report in reports {
      let name = report.model.padding(toLength: width, withPad: " ", startingAt: 0)
      let figures = Self.leading(report.quality).map { figure in
        let ridge = report.baseline.flatMap { baseline in
          Self.leading(baseline).first { $0.name == figure.name }?.value
        }
        return "\(figure.name) \(Self.text(figure.value))" + (ridge.map { " (\(Self.text($0)))" } ?? "")
      }
      let count = report.warnings.count
      let warnings = count == 0 ? "" : "  \(count) warning\(count == 1 ? "" : "s") above"
      say("  \(name)  \(figures.joined(separator: "  "))\(warnings)")
    }
  }

  /// The figures by which models of a kind are judged first.
  private static func leading(_ quality: ModelQuality) -> [(name: String, value: Double)] {
    let all: [(String, Double?)] =
      quality.pinball != nil
      ? [("pinball", quality.pinball), ("coverage", quality.intervals.first?.coverage)]
      : [
        ("accuracy", quality.accuracy), ("AUC", quality.auc), ("recall", quality.recall),
        ("precision", quality.precision), ("R²", quality.auc == nil ? quality.rSquared : nil),
        ("log loss", quality.logLoss), ("1 % above", quality.top),
      ]
    return all.compactMap { name, value in value.map { (name, $0) } }
  }

  private static func figures(_ quality: ModelQuality) -> String {
    let all: [(String, Double?)] = [
      ("pinball", quality.pinball), ("accuracy", quality.accuracy), ("commonest", quality.commonest),
      ("RMSE", quality.rmse), ("MAE", quality.mae), ("R²", quality.rSquared), ("AUC", quality.auc),
      ("log loss", quality.logLoss), ("Brier", quality.brier), ("recall", quality.recall),
      ("precision", quality.precision), ("threshold", quality.threshold),
      ("one row in a hundred is above", quality.top),
    ]
    var parts = all.compactMap { name, value in value.map { "\(name) \(text($0))" } }
    parts += quality.intervals.map {
      "\(text($0.nominal * 100, 0)) % interval covers \(text($0.coverage * 100, 1)) %, width \(text($0.width))"
    }
    return parts.isEmpty ? "no figures" : parts.joined(separator: "  ")
  }

  private static func text(_ value: Double, _ digits: Int = 4) -> String {
    String(format: "%.\(digits)f", value)
  }
}

/// Shows how far the training of a model is, and how long it may take: it stops early where more trees do not help.
final class TrainingProgress {
  private var progress: Progress
  private var rounds: Int64 = 0

  /// For one model.
  init(_ model: ModelDeclaration, _ options: TrainingOptions) {
    var total = Int64(options.recipe.trees ?? model.training.trees ?? TrainingOptions.treesDefault)
    if case .quantiles(let levels, _) = model.kind { total *= Int64(levels.count) }
    progress = Progress(what: "train: \(model.name)", total: total)
  }

  /// After a round.
  func show(_ round: BoostingRound) {
    rounds += 1
    progress.reach(Int64(round.number + 1))
  }

  /// When the model is there.
  func end() {
    guard rounds > 0 else { return }
    progress.reach(rounds)
    progress.finish("rounds")
  }
}
