internal import Dataflow
internal import Events
internal import Features
internal import XGBoost

/// A model's card: what it is for, how good it is and for whom, what moves it, what it was made of.
struct Card {
  /// Rows below which a word is not shown by itself.
  static let wordRowsLeast = 30
  /// Words, groups and features that a table shows.
  static let wordsMost = 40
  static let importanceMost = 15

  let evaluation: Evaluation
  let facts: ModelFacts
  var model: ModelDeclaration { evaluation.model }

  init(_ evaluation: Evaluation, _ facts: ModelFacts) {
    self.evaluation = evaluation
    self.facts = facts
  }

  var document: Document {
    let name = evaluation.pipeline.isEmpty ? model.name : "\(evaluation.pipeline) / \(model.name)"
    var document = Document(title: name, subtitle: subtitle)
    document.blocks += facts.warnings.map { .warning($0) }
    document.blocks += use + quality + groups + movers + training + data
    return document
  }

  private var subtitle: String {
    let kind =
      switch facts.form {
      case .number: "A number"
      case .probability: "The probability of a yes"
      case .classes(let names): "The probabilities of \(names.count) classes"
      case .quantiles(let levels):
        "Quantiles \(levels.map { QuantileFigures.word($0 * 100) + " %" }.joined(separator: ", "))"
      case .anomaly: "How unusual a row is"
      }
    let label = model.label.map { ", learnt from the label \($0)" } ?? ""
    return "Model card. \(kind)\(label). Outputs: \(model.outputs.joined(separator: ", "))."
  }

  private var use: [Document.Block] {
    [
      .heading("Intended use and limits"),
      .paragraph(
        "Intended use: "
          + (model.report.intendedUse ?? "not declared (report: intended_use in the pipeline's file).")),
      .paragraph(
        "Limits: " + (model.report.limits ?? "not declared (report: limits in the pipeline's file).")),
    ]
  }

  // MARK: Training

  private var training: [Document.Block] {
    var blocks: [Document.Block] = [.heading("Training")]
    if let svg = LinePlots.learningCurve(
      evaluation.rounds, best: evaluation.bestRound, label: "Learning curve of \(model.name)")
    {
      let kept = evaluation.bestRound.map { " Trees are kept up to round \($0), the dashed line." } ?? ""
      let marks = ColumnSample.evenly(8, of: evaluation.rounds.count).map { evaluation.rounds[$0] }
      blocks.append(
        .figures([
          Document.Figure(
            caption: "Learning curve: \(evaluation.rounds[0].metric) round by round.\(kept)", svg: svg,
            table: Document.Table(
              columns: ["round", "learnt from", "held back"],
              rows: marks.map {
                ["\($0.number)", NumberText.short($0.training), NumberText.short($0.heldBack)]
              }, texts: []))
        ]))
    }
    if !evaluation.parameters.isEmpty {
      blocks.append(
        .table(
          Document.Table(
            columns: ["parameter", "value"],
            rows: evaluation.parameters.sorted { $0.key < $1.key }.map { [$0.key, $0.value] }, texts: [0, 1]))
      )
    }
    return blocks
  }

  // MARK: What moves the model

  private var movers: [Document.Block] {
    let features = Array(facts.importance.features.prefix(Self.importanceMost))
    guard !features.isEmpty,
      let svg = LinePlots.importance(features, label: "Importance of features of \(model.name)")
    else { return [] }
    let explained =
      facts.importance.explainedRows > 0
      ? "Mean |SHAP| is exact TreeSHAP over \(NumberText.whole(facts.importance.explainedRows)) rows held back, on the margins' scale; "
      : ""
    var blocks: [Document.Block] = [
      .heading("What moves the model"),
      .figures([
        Document.Figure(
          caption:
            "\(explained)gain is the mean loss reduction of the splits on a feature. Both say what the model uses, not what causes.",
          svg: svg,
          table: Document.Table(
            columns: ["feature", "mean |SHAP|", "mean gain"],
            rows: features.map { feature in
              [feature.name] + [feature.shap, feature.gain].map { $0.map { NumberText.short($0) } ?? "–" }
            }))
      ]),
    ]
    let figures = facts.dependences.compactMap { found -> Document.Figure? in
      let label = "Partial dependence of \(model.name) on \(found.feature)"
      guard let svg = LinePlots.partialDependence(found, outputs: model.outputs, label: label) else {
        return nil
      }
      let rows = ColumnSample.evenly(8, of: found.values.count).map { place in
        [found.words?[place] ?? NumberText.short(Double(found.values[place]))]
          + found.means.prefix(6).map { NumberText.short($0[place]) }
      }
      return Document.Figure(
        caption: "Partial dependence on \(found.feature)"
          + (found.rug.isEmpty ? "" : "; marks below: twentieths of the rows"), svg: svg,
        table: Document.Table(
          columns: [found.feature] + model.outputs.prefix(6).map { "mean \($0)" }, rows: rows))
    }
    guard !figures.isEmpty else { return blocks }
    blocks += [
      .subheading("Partial dependence"),
      .paragraph(
        "Mean outputs for \(NumberText.whole(min(PartialDependence.rowsMost, evaluation.heldBack.features.count))) rows held back when one "
          + "feature is set to a value in all of them. Where features go together, some of these rows cannot be."
      ),
      .figures(figures),
    ]
    return blocks
  }
}
