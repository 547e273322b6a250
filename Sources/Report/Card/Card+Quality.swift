internal import Dataflow
internal import Features

extension Card {
  /// How good the model is, beside simpler ones.
  var quality: [Document.Block] {
    let measured = facts.measured
    var blocks: [Document.Block] = [.heading("Quality")]
    blocks.append(
      .paragraph(
        "On \(NumberText.whole(measured.count)) rows of \(NumberText.whole(measured.entityCount)) entities held back. "
          + (facts.quality.figures.isEmpty
            ? "The model learns no label, so only the spread of its outputs is shown."
            : "In brackets: 95 % intervals, by drawing entities again and again. Each row counts once, whatever it weighs in training.")
      ))
    blocks += evaluation.notes.map { .paragraph($0) }
    if !facts.quality.figures.isEmpty { blocks.append(.table(figureTable)) }
    blocks += facts.quality.remarks.map { .paragraph($0) }
    if !facts.quality.classes.isEmpty { blocks.append(.table(classTable)) }
    let figures = plots
    if !figures.isEmpty { blocks.append(.figures(figures)) }
    return blocks
  }

  private var figureTable: Document.Table {
    let beside = facts.baselines
    return Document.Table(
      columns: ["figure", model.name] + beside.map(\.name),
      rows: facts.quality.figures.map { figure in
        [figure.title, figure.textWithInterval]
          + beside.map { $0.quality.figure(figure.name)?.textWithInterval ?? "–" }
      })
  }

  private var classTable: Document.Table {
    let all = facts.quality.classes
    let shown = all.filter { $0.count >= Self.wordRowsLeast }
    var rows = shown.map { one in
      [
        one.name, NumberText.whole(one.count), NumberText.percent(one.precision),
        NumberText.percent(one.recall),
        NumberText.short(one.f1),
      ]
    }
    if shown.count < all.count {
      rows.append([
        "\(all.count - shown.count) classes of fewer than \(Self.wordRowsLeast) rows each",
        NumberText.whole(all.filter { $0.count < Self.wordRowsLeast }.reduce(0) { $0 + $1.count }), "–", "–",
        "–",
      ])
    }
    return Document.Table(columns: ["class", "rows", "precision", "recall", "F1"], rows: rows)
  }

  private var plots: [Document.Figure] {
    let measured = facts.measured
    guard measured.count > 0 else { return [] }
    switch facts.form {
    case .number, .quantiles:
      let middle = measured.column(facts.form.mainOutput)
      let output = model.outputs[facts.form.mainOutput]
      return numberPlots(middle, output)
    case .probability: return probabilityPlots
    case .classes(let names):
      guard names.count <= Self.wordsMost,
        let svg = LinePlots.confusion(facts.quality.confusion, names, label: "Confusion of classes")
      else { return [] }
      return [
        Document.Figure(
          caption: "Of each label's rows (down) the share with each likeliest class (across).", svg: svg)
      ]
    case .anomaly:
      guard
        let svg = BinPlots.histogram(
          measured.column(0), title: model.outputs[0], label: "Outputs of \(model.name)",
          mark: facts.threshold)
      else { return [] }
      return [
        Document.Figure(
          caption: "Outputs of the rows held back"
            + (facts.threshold == nil ? "." : "; dashed: the threshold."), svg: svg,
          table: Self.spread(measured.column(0), model.outputs[0]))
      ]
    }
  }

  private func numberPlots(_ outputs: [Double], _ name: String) -> [Document.Figure] {
    let labels = facts.measured.labels
    guard !labels.isEmpty else { return [] }
    let residuals = zip(labels, outputs).map { $0 - $1 }
    return [
      BinPlots.density(
        labels, outputs, titles: (model.label ?? "label", name), label: "Predicted against actual",
        diagonal: true
      ).map { svg in
        Document.Figure(
          caption:
            "Predicted against actual: a stronger colour is more rows (logarithm). Dashed: equal.",
          svg: svg,
          table: Self.deciles(labels, outputs))
      },
      BinPlots.density(
        outputs, residuals, titles: (name, "label − output"), label: "Residuals against outputs", zero: true
      ).map { Document.Figure(caption: "Residuals against what was predicted.", svg: $0) },
      BinPlots.histogram(residuals, title: "label − output", label: "Residuals", mark: 0).map {
        Document.Figure(
          caption: "Residuals.", svg: $0, table: Self.spread(residuals, "label − output"))
      },
    ].compactMap { $0 }
  }

  private var probabilityPlots: [Document.Figure] {
    let measured = facts.measured
    guard !measured.labels.isEmpty else { return [] }
    let bins = ProbabilityFigures.reliability(
      isOne: measured.labels.map { $0 > 0.5 }, outputs: measured.outputs, entities: measured.entityNumbers)
    return [
      LinePlots.reliability(bins, label: "Reliability diagram of \(model.name)").map { svg in
        Document.Figure(
          caption:
            "Reliability: what the model says against how often it was so, in bins of equally many rows, with 95 % intervals. "
            + "Dashed: calibrated.", svg: svg,
          table: Document.Table(
            columns: ["mean output", "share of ones", "rows"],
            rows: bins.map { bin in
              [NumberText.short(bin.output), Self.text(bin.rate), NumberText.whole(bin.rate.count)]
            }, texts: []))
      },
      BinPlots.histogram(
        measured.outputs, title: model.outputs[0], label: "Outputs of \(model.name)", mark: facts.threshold
      ).map {
        Document.Figure(
          caption:
            "Outputs; dashed: the threshold \(NumberText.short(facts.threshold ?? 0.5)) from which on the answer is yes.",
          svg: $0)
      },
    ].compactMap { $0 }
  }

  /// A rate with its interval.
  static func text(_ rate: Rate?) -> String {
    guard let rate, let interval = rate.interval else { return "–" }
    return
      "\(NumberText.percent(rate.share)) (\(NumberText.percent(interval.low)) to \(NumberText.percent(interval.high)))"
  }

  /// Mean label and output by tenths of the outputs.
  private static func deciles(_ labels: [Double], _ outputs: [Double]) -> Document.Table? {
    let order = outputs.indices.sorted { outputs[$0] == outputs[$1] ? $0 < $1 : outputs[$0] < outputs[$1] }
    guard order.count >= 10 * wordRowsLeast else { return nil }
    let rows = (0..<10).map { tenth in
      let places = order[(tenth * order.count / 10)..<((tenth + 1) * order.count / 10)]
      func mean(_ values: [Double]) -> String {
        NumberText.short(places.reduce(0) { $0 + values[$1] } / Double(places.count))
      }
      return ["\(tenth + 1)", mean(outputs), mean(labels), NumberText.whole(places.count)]
    }
    return Document.Table(columns: ["tenth", "mean output", "mean label", "rows"], rows: rows, texts: [])
  }

  private static func spread(_ values: [Double], _ name: String) -> Document.Table? {
    guard !values.isEmpty else { return nil }
    let sorted = values.sorted()
    let levels = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
    return Document.Table(
      columns: ["quantile"] + levels.map { NumberText.percent($0) },
      rows: [[name] + levels.map { NumberText.short(Resampling.quantile($0, sorted)) }])
  }
}
