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
    /// What is made of its margins; nil: what its objective says.
    var postprocessing: Postprocessing?
  }
  private let served: ServedModels
  private let models: [Model]
  private let columns: [String]
  private let labels: [[String]]
  private let top: Int

  /// Loads a pipeline's models; `top` features are named for each margin. Throws what loading throws, and `Failure` for a
  /// model whose covers explain nothing.
  init(_ pipeline: LoadedPipeline, _ settings: Settings, top: Int) throws {
    served = try pipeline.loadModels(settings)
    columns = pipeline.program.columnNames
    labels = pipeline.program.columnLabels
    self.top = top
    let loading = pipeline.modelLoading(
      pipeline.modelFiles(settings), acceptsChangedFeatures: settings.acceptsChangedFeatures)
    models = try served.models.map { model in
      let loaded = try loading.load(model)
      return Model(
        name: model.name, outputs: model.outputs, explainer: try Explainer(loaded.ensemble),
        postprocessing: loaded.postprocessor?.postprocessing)
    }
  }

  /// One margin: its name, the score if it is an output of its own, what was expected, and what moved it.
  private struct Margin {
    var name: String
    var score: Float
    var margin: Float
    /// What was made of the margins beside what the objective says; empty: nothing.
    var made: String
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
      let made = model.postprocessing.map { text(of: $0, row) } ?? ""
      let hasOwnOutputs = forest.outputs[index] == forest.groups[index]
      model.explainer.top(top, row, rows: 1, scratch: model.explainer.makeScratch()) { _, group, top in
        found.append(
          Margin(
            name: hasOwnOutputs ? model.outputs[group] : "\(model.outputs[0]) class \(group)",
            score: scores[output + (hasOwnOutputs ? group : 0)], margin: sums[margin + group],
            made: made, expected: model.explainer.expectedMargins[group], top: top))
      }
      output += forest.outputs[index]
      margin += forest.groups[index]
    }
    return found
  }

  /// A postprocessing in words, with the group of a row whose intervals are corrected by groups.
  private func text(of postprocessing: Postprocessing, _ row: UnsafePointer<Float>) -> String {
    guard let shifts = postprocessing.shifts, let feature = shifts.feature,
      let column = columns.firstIndex(where: { $0.utf8.elementsEqual(feature.utf8) })
    else { return postprocessing.summary }
    let code = Int(exactly: row[column])
    guard let code, shifts.groups["\(code)"] != nil else {
      return postprocessing.summary + ", this row as all of no group"
    }
    let word = labels[column].indices.contains(code) ? labels[column][code] : "\(code)"
    return postprocessing.summary + ", this row as \(word)"
  }

  /// For readers.
  func lines(of row: UnsafePointer<Float>) -> [String] {
    let width = columns.map(\.count).max() ?? 0
    return margins(of: row).flatMap { margin in
      [
        "\(margin.name) \(margin.score): margin \(margin.margin)\(margin.made.isEmpty ? "" : " (\(margin.made))"), "
          + "expected \(margin.expected), moved most by"
      ]
        + margin.top.map {
          "  \(columns[$0.column].padding(toLength: width, withPad: " ", startingAt: 0))  "
            + String(format: "%+.6f", $0.value)
        }
    }
  }

  /// `{"churn":{"score":…,"margin":…,"expected":…,"top":[{"feature":…,"contribution":…}]}}`, with
  /// `"postprocessing":"…"` where something else than the objective's is made of margins.
  func json(of row: UnsafePointer<Float>) -> String {
    let members = margins(of: row).map { margin in
      let top = margin.top.map {
        "{\"feature\":\(Terminal.quote(columns[$0.column])),\"contribution\":\(FeaturesOf.number($0.value))}"
      }
      return "\(Terminal.quote(margin.name)):{\"score\":\(FeaturesOf.number(margin.score)),\"margin\":"
        + "\(FeaturesOf.number(margin.margin)),\"expected\":\(FeaturesOf.number(margin.expected)),"
        + (margin.made.isEmpty ? "" : "\"postprocessing\":\(Terminal.quote(margin.made)),")
        + "\"top\":[\(top.joined(separator: ","))]}"
    }
    return "{\(members.joined(separator: ","))}"
  }
}
