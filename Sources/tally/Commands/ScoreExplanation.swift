import Configuration
import Dataflow
import Features
import Foundation
import Scorer
import XGBoost

/// The scores of one row, and which features move them: `tally features --explain`.
struct ScoreExplanation {
  private struct Model {
    var name: String
    var outputs: [String]
    var explainer: Explainer
  }
  private let served: ServedModels
  private let models: [Model]
  private let columns: [String]
  private let top: Int

  /// Loads a pipeline's models; `top` features are named for each margin. Throws what loading throws, and `Failure` for a
  /// model whose covers explain nothing.
  init(_ pipeline: LoadedPipeline, _ settings: Settings, top: Int) throws {
    served = try pipeline.loadModels(settings)
    columns = pipeline.program.columnNames
    self.top = top
    let loading = pipeline.modelLoading(
      pipeline.modelFiles(settings), acceptsChangedFeatures: settings.acceptsChangedFeatures)
    models = try served.models.map { model in
      let ensemble = try loading.load(model).ensemble
      return Model(name: model.name, outputs: model.outputs, explainer: try Explainer(ensemble))
    }
  }

  /// One margin: its name, the score if it is an output of its own, what was expected, and what moved it.
  private struct Margin {
    var name: String
    var score: Float
    var margin: Float
    var expected: Float
    var top: [Explainer.Contribution]
  }

  private func margins(of row: UnsafePointer<Float>) -> [Margin] {
    let forest = served.forest
    let scratch = forest.makeScratch()
    var scores = [Float](repeating: 0, count: forest.outputCount)
    var sums = [Float](repeating: 0, count: forest.groups.reduce(0, +))
    served.score(row, rows: 1, scratch: scratch, into: &scores)
    forest.margins(row, rows: 1, scratch: scratch, into: &sums)
    var found: [Margin] = []
    var (output, margin) = (0, 0)
    for (index, model) in models.enumerated() {
      // A model of classes has one output, the class, and a margin for each.
      let hasOwnOutputs = forest.outputs[index] == forest.groups[index]
      model.explainer.top(top, row, rows: 1, scratch: model.explainer.makeScratch()) { _, group, top in
        found.append(
          Margin(
            name: hasOwnOutputs ? model.outputs[group] : "\(model.outputs[0]) class \(group)",
            score: scores[output + (hasOwnOutputs ? group : 0)], margin: sums[margin + group],
            expected: model.explainer.expectedMargins[group], top: top))
      }
      output += forest.outputs[index]
      margin += forest.groups[index]
    }
    return found
  }

  /// For readers.
  func lines(of row: UnsafePointer<Float>) -> [String] {
    let width = columns.map(\.count).max() ?? 0
    return margins(of: row).flatMap { margin in
      ["\(margin.name) \(margin.score): margin \(margin.margin), expected \(margin.expected), moved most by"]
        + margin.top.map {
          "  \(columns[$0.column].padding(toLength: width, withPad: " ", startingAt: 0))  "
            + String(format: "%+.6f", $0.value)
        }
    }
  }

  /// `{"churn":{"score":…,"margin":…,"expected":…,"top":[{"feature":…,"contribution":…}]}}`.
  func json(of row: UnsafePointer<Float>) -> String {
    let members = margins(of: row).map { margin in
      let top = margin.top.map {
        "{\"feature\":\(Terminal.quote(columns[$0.column])),\"contribution\":\(FeaturesOf.number($0.value))}"
      }
      return "\(Terminal.quote(margin.name)):{\"score\":\(FeaturesOf.number(margin.score)),\"margin\":"
        + "\(FeaturesOf.number(margin.margin)),\"expected\":\(FeaturesOf.number(margin.expected)),"
        + "\"top\":[\(top.joined(separator: ","))]}"
    }
    return "{\(members.joined(separator: ","))}"
  }
}
