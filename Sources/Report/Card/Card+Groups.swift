internal import Dataflow
internal import Features

extension Card {
  /// For whom the model is how good, and who gets what.
  var groups: [Document.Block] {
    var blocks: [Document.Block] = [.heading("Groups")]
    guard !facts.groups.isEmpty else {
      return blocks + [.paragraph("None are declared (report: groups in the pipeline's file).")]
    }
    blocks.append(
      .paragraph(
        "Groups of fewer than \(GroupReport.entitiesLeast) entities are suppressed. Rates have Wilson's 95 % intervals, on as many rows as "
          + "entities make independent; ratios Katz', differences Newcombe's."))
    if let outcome = facts.outcome {
      blocks.append(
        .paragraph(
          "The outcome that is compared: \(outcome.text). "
            + (outcome.isFavourable
              ? "It is declared to be favourable."
              : "Whether it is good for whom it is about is not declared (report: favourable).")))
    }
    for report in facts.groups { blocks += self.blocks(of: report) }
    if facts.outcome != nil {
      blocks.append(
        .paragraph(
          "On four fifths: a guideline of US hiring law (29 CFR 1607.4 D), often misapplied elsewhere. A ratio above it is no proof of fairness; "
            + "one below it may be chance, or have reasons that are not the group's. It is marked only where the whole interval "
            + "lies below. Rates of a label that is itself unfair are fair to nobody."))
    }
    return blocks + associations
  }

  /// Suppressed groups that have rows of their own.
  private static let suppressedMost = 8

  private func blocks(of report: GroupReport) -> [Document.Block] {
    let shown = Self.shown(report.groups)
    var blocks: [Document.Block] = [.subheading("By \(report.grouping.feature)")]
    blocks.append(.table(qualityTable(report, shown)))
    if facts.outcome != nil && shown.contains(where: { $0.selected != nil }) {
      blocks.append(.table(outcomeTable(report, shown)))
      let gaps = [("demographic parity", report.parity), ("equalised odds", report.odds)].compactMap {
        name, gap in
        gap.map { gap in
          let bounds = [gap.interval.low, gap.interval.high].map { NumberText.short($0, digits: 3) }
          return
            "Difference in \(name): \(NumberText.short(gap.value, digits: 3)) (\(bounds[0]) to \(bounds[1]))\(gap.names)."
        }
      }
      blocks.append(
        gaps.isEmpty ? .paragraph("Fewer than two groups have enough events to be compared.") : .list(gaps))
    }
    let figures = plots(of: report, shown)
    if !figures.isEmpty { blocks.append(.figures(figures)) }
    return blocks
  }

  /// The largest groups, in their order; many suppressed ones are left to one row.
  private static func shown(_ all: [GroupReport.Group]) -> [GroupReport.Group] {
    let isCrowded = all.count(where: \.isSuppressed) > suppressedMost
    let groups = isCrowded ? all.filter { !$0.isSuppressed } : all
    guard groups.count > wordsMost else { return groups }
    let least = groups.map(\.rows).sorted(by: >)[wordsMost - 1]
    return Array(groups.filter { $0.rows >= least }.prefix(wordsMost))
  }

  /// A row for those that are not shown.
  private func rest(_ report: GroupReport, _ shown: [GroupReport.Group], columns: Int) -> [[String]] {
    let titles = Set(shown.map(\.title))
    let others = report.groups.filter { !titles.contains($0.title) }
    guard !others.isEmpty else { return [] }
    let few = others.count(where: \.isSuppressed)
    let title = few == others.count ? "\(few) small groups" : "\(others.count) other groups"
    return [[title, "suppressed"] + [String](repeating: "–", count: max(columns - 2, 0))]
  }

  private func qualityTable(_ report: GroupReport, _ shown: [GroupReport.Group]) -> Document.Table {
    let names = figureNames
    let titles = names.map { name in facts.quality.figure(name)?.title ?? name }
    var columns = ["group", "rows", "entities", "mean \(model.outputs[facts.form.mainOutput])"]
    switch facts.form {
    case .number: columns.append("mean label")
    case .probability: columns.append("share of ones")
    case .classes: columns.append("accuracy")
    case .quantiles(let levels):
      columns += QuantileFigures.pairs(levels).map {
        "coverage of \(QuantileFigures.word($0.nominal * 100)) %"
      }
    case .anomaly: break
    }
    columns += titles
    let rows = shown.map { group -> [String] in
      if group.isSuppressed {
        let few = "< \(GroupReport.entitiesLeast)"
        return [group.title, "suppressed", few] + [String](repeating: "–", count: columns.count - 3)
      }
      var cells = [
        group.title, NumberText.whole(group.rows), NumberText.whole(group.entities),
        NumberText.short(group.meanOutput),
      ]
      switch facts.form {
      case .number: cells.append(NumberText.short(group.meanLabel))
      case .probability, .classes: cells.append(Self.text(group.observed))
      case .quantiles: cells += group.coverage.map { Self.text($0) }
      case .anomaly: break
      }
      return cells
        + names.map { name in group.figures.first { $0.name == name }?.textWithInterval ?? "–" }
    }
    return Document.Table(columns: columns, rows: rows + rest(report, shown, columns: columns.count))
  }

  /// Figures that a table of groups shows.
  private var figureNames: [String] {
    let names: [String] =
      switch facts.form {
      case .number: ["mae", "bias"]
      case .probability: ["auc", "ece"]
      case .classes: ["macro_f1"]
      case .quantiles: ["pinball", "mae"]
      case .anomaly: []
      }
    return names.filter { facts.quality.figure($0) != nil }
  }

  private func outcomeTable(_ report: GroupReport, _ shown: [GroupReport.Group]) -> Document.Table {
    let columns = [
      "group", "outcome", "ratio to the highest", "four fifths", "true positive rate", "false positive rate",
    ]
    let rows = shown.map { group -> [String] in
      if group.isSuppressed { return [group.title, "suppressed", "–", "–", "–", "–"] }
      var ratio = "too few events"
      var verdict = "–"
      if group.isReference {
        ratio = "1, the reference"
      } else if let found = group.ratio {
        ratio =
          "\(NumberText.short(found.value, digits: 3)) (\(NumberText.short(found.interval.low, digits: 3)) to "
          + "\(NumberText.short(found.interval.high, digits: 3)))"
        verdict =
          found.interval.high < GroupReport.fourFifths
          ? "below" : found.value < GroupReport.fourFifths ? "below, may be chance" : "met"
      }
      return [
        group.title, Self.text(group.selected), ratio, verdict, Self.text(group.truePositive),
        Self.text(group.falsePositive),
      ]
    }
    return Document.Table(
      columns: columns, rows: rows + rest(report, shown, columns: columns.count), texts: [0, 3])
  }

  private func plots(of report: GroupReport, _ shown: [GroupReport.Group]) -> [Document.Figure] {
    let known = shown.filter { !$0.isSuppressed }
    let name = report.grouping.feature
    func figure(
      _ caption: String, _ title: String, reference: Double? = nil,
      _ dot: (GroupReport.Group) -> LinePlots.Dot?
    )
      -> Document.Figure?
    {
      known.count < 2
        ? nil
        : LinePlots.dots(
          known.compactMap(dot), title: title, label: "\(title) by \(name)", reference: reference
        )
        .map { Document.Figure(caption: caption, svg: $0) }
    }
    var figures: [Document.Figure?] = []
    switch facts.form {
    case .probability:
      figures.append(
        figure(
          "Calibration by \(name): share of ones (blue, 95 %) and mean output (orange).", "share of ones"
        ) {
          group in
          group.observed.map {
            LinePlots.Dot(
              name: group.title, value: $0.share, interval: $0.interval, expected: group.meanOutput)
          }
        })
    case .number:
      figures.append(
        figure("Mean error (output − label) by \(name), 95 %.", "mean error", reference: 0) { group in
          group.figures.first { $0.name == "bias" }.map {
            LinePlots.Dot(name: group.title, value: $0.value, interval: $0.interval)
          }
        })
    case .quantiles(let levels):
      for (index, pair) in QuantileFigures.pairs(levels).enumerated() {
        let word = QuantileFigures.word(pair.nominal * 100)
        figures.append(
          figure(
            "Coverage of the \(word) % interval by \(name), 95 %; dashed: what it promises.", "coverage",
            reference: pair.nominal
          ) { group in
            guard group.coverage.indices.contains(index) else { return nil }
            let rate = group.coverage[index]
            return LinePlots.Dot(name: group.title, value: rate.share, interval: rate.interval)
          })
      }
    case .classes:
      figures.append(
        figure("Accuracy by \(name), 95 %.", "accuracy") { group in
          group.observed.map { LinePlots.Dot(name: group.title, value: $0.share, interval: $0.interval) }
        })
    case .anomaly: break
    }
    if facts.outcome != nil {
      figures.append(
        figure("How frequent the outcome is by \(name), 95 %.", "share with the outcome") { group in
          group.selected.map { LinePlots.Dot(name: group.title, value: $0.share, interval: $0.interval) }
        })
    }
    return figures.compactMap { $0 }
  }

  private var associations: [Document.Block] {
    var blocks: [Document.Block] = [.subheading("Features that go with these attributes")]
    blocks.append(
      .paragraph(
        "In one row of each entity that was learnt from. The model sees these attributes themselves: \(facts.protectedFeatures.joined(separator: ", ")). "
          + "Others may stand for them where a measure lies above \(Association.strong)."))
    var rows: [[String]] = []
    for attribute in facts.protectedFeatures {
      let found = facts.associations.filter { $0.attribute == attribute }
        .sorted {
          $0.value.magnitude == $1.value.magnitude
            ? $0.feature < $1.feature : $0.value.magnitude > $1.value.magnitude
        }
      let strong = found.count(where: \.isStrong)
      rows += found.prefix(max(5, strong)).map {
        [
          $0.attribute, $0.feature, $0.measure, NumberText.short($0.value, digits: 3),
          $0.isStrong ? "above \(Association.strong)" : "",
        ]
      }
    }
    guard !rows.isEmpty else { return blocks }
    blocks.append(
      .table(
        Document.Table(
          columns: ["attribute", "feature", "measure", "value", "flag"], rows: rows, texts: [0, 1, 2, 4])))
    return blocks
  }
}
