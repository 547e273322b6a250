internal import Dataflow
internal import Events
internal import Features

/// A file of a report.
public struct ReportFile: Equatable, Sendable {
  /// `card.md`, `card.html` or `reference.json`.
  public let name: String
  /// What it holds.
  public let text: String
}

/// What can be said of a trained model: figures with intervals, groups, importance, and the files that say it to others.
///
/// The same evaluation gives the same bytes. No entity's id, label or features are in it: rows are counted in bins, words of few
/// rows are pooled, groups of few entities are suppressed.
public struct ModelReport {
  /// Figures on the rows held back; empty: the model learns no label.
  public let figures: [Figure]
  /// How far groups are apart, by name: `GROUP.parity_difference`, `GROUP.odds_difference`, `GROUP.least_ratio`.
  public let fairness: [String: Double]
  /// What makes figures or model doubtful, in sentences.
  public let warnings: [String]
  /// Lines for a terminal.
  public let summary: [String]
  /// `card.md`, `card.html`, `reference.json`.
  public let files: [ReportFile]

  /// Makes the report of a model.
  public init(_ evaluation: Evaluation) {
    let facts = ModelFacts(evaluation)
    figures = facts.quality.figures
    fairness = facts.fairness
    warnings = facts.warnings
    summary = Summary.lines(facts)
    let card = Card(evaluation, facts).document
    let reference = ReferenceHistograms(evaluation, sample: facts.sample, ranges: facts.ranges)
    files = [
      ReportFile(name: "card.md", text: card.markdown), ReportFile(name: "card.html", text: card.html),
      ReportFile(name: "reference.json", text: reference.json),
    ]
  }
}

/// Everything that a card shows, computed once.
struct ModelFacts {
  let form: OutputForm
  let measured: MeasuredRows
  /// For probabilities without a threshold of the model's own: one half.
  let threshold: Double?
  let quality: MeasuredFigures
  let baselines: [(name: String, quality: MeasuredFigures)]
  let outcome: OutcomeRule?
  let groups: [GroupReport]
  let associations: [Association]
  /// Features that are protected attributes themselves.
  let protectedFeatures: [String]
  let importance: Importance
  let dependences: [PartialDependence]
  /// Of the rows that were learnt from.
  let sample: ColumnSample
  let ranges: [ColumnRange]
  let warnings: [String]

  init(_ evaluation: Evaluation) {
    let form = evaluation.model.form
    let report = evaluation.model.report
    let columns = evaluation.columns
    self.form = form
    let measured = MeasuredRows(evaluation, outputs: evaluation.outputs)
    self.measured = measured
    let threshold = evaluation.threshold.map(Double.init) ?? (form == .probability ? 0.5 : nil)
    self.threshold = threshold
    quality = MeasuredFigures(measured, form, threshold: threshold ?? 0.5, seed: evaluation.seed)
    baselines = Self.baselines(evaluation, form, threshold ?? 0.5)
    outcome = OutcomeRule(
      report.favourable, form, outputs: evaluation.model.outputs, threshold: threshold)
    let groupings = report.groups.compactMap { Grouping($0, columns) }
    groups = Self.groups(evaluation, measured, groupings, form, outcome, threshold ?? 0.5)
    let sample = ColumnSample(evaluation.training.features, columns: columns.count)
    self.sample = sample
    ranges = ColumnRange.all(evaluation.training.features, columns: columns.count)
    let protected = groupings.map(\.column)
    protectedFeatures = protected.map { columns[$0].name }
    // One row of each entity: rows of one are alike, and would look like an association with whatever tells entities apart.
    var seen: Set<Hash128> = []
    let first = sample.rows.indices.filter {
      seen.insert(evaluation.training.entities[sample.rows[$0]]).inserted
    }
    let values = sample.columns.map { column in first.map { column[$0] } }
    associations = protected.flatMap { attribute in
      columns.indices.filter { !protected.contains($0) }.compactMap { feature in
        Association(columns[feature], values[feature], columns[attribute], values[attribute])
      }
    }
    importance = Importance(evaluation)
    dependences = PartialDependence.all(evaluation, importance, sample: sample)
    warnings = evaluation.warnings + Self.warnings(evaluation, measured, groups, associations, outcome)
  }

  /// The label's mean, or what stands for it, of the rows that were learnt from, then the trainer's own ones.
  private static func baselines(
    _ evaluation: Evaluation, _ form: OutputForm, _ threshold: Double
  ) -> [(name: String, quality: MeasuredFigures)] {
    guard !evaluation.heldBack.labels.isEmpty else { return [] }
    let labels = evaluation.training.labels.filter(\.isFinite)
    var all: [Baseline] = []
    if let constant = constant(labels, form) {
      let outputs = Array(
        repeatElement(constant, count: evaluation.heldBack.features.count).joined())
      all.append(Baseline(name: "constant", outputs: outputs))
    }
    return (all + evaluation.baselines).filter { $0.outputs.count == evaluation.outputs.count }.map {
      baseline in
      let rows = MeasuredRows(evaluation, outputs: baseline.outputs)
      return (
        baseline.name, MeasuredFigures(rows, form, threshold: threshold, seed: evaluation.seed)
      )
    }
  }

  private static func constant(_ labels: [Float], _ form: OutputForm) -> [Float]? {
    guard !labels.isEmpty else { return nil }
    switch form {
    case .number, .probability:
      return [Float(labels.reduce(0) { $0 + Double($1) } / Double(labels.count))]
    case .classes(let names):
      return names.indices.map { index in
        Float(Double(labels.count { $0 == Float(index) }) / Double(labels.count))
      }
    case .quantiles(let levels):
      let sorted = labels.map(Double.init).sorted()
      return levels.map { Float(Resampling.quantile($0, sorted)) }
    case .anomaly: return nil
    }
  }

  private static func groups(
    _ evaluation: Evaluation, _ measured: MeasuredRows, _ groupings: [Grouping], _ form: OutputForm,
    _ outcome: OutcomeRule?, _ threshold: Double
  ) -> [GroupReport] {
    var numbers = groupings.map { _ in [Int]() }
    evaluation.heldBack.features.forEach(measured.rows, columns: evaluation.columns.count) { _, cells in
      for (index, grouping) in groupings.enumerated() {
        numbers[index].append(grouping.group(of: cells[grouping.column]))
      }
    }
    return zip(groupings, numbers).map { grouping, numbers in
      GroupReport(
        grouping, measured, groups: numbers, form: form, outcome: outcome, threshold: threshold,
        seed: evaluation.seed)
    }
  }

  private static func warnings(
    _ evaluation: Evaluation, _ measured: MeasuredRows, _ groups: [GroupReport],
    _ associations: [Association],
    _ outcome: OutcomeRule?
  ) -> [String] {
    var texts: [String] = []
    if measured.leftOut > 0 {
      texts.append(
        "\(NumberText.whole(measured.leftOut)) of \(NumberText.whole(evaluation.heldBack.features.count)) rows held back are "
          + "left out of the figures: an output or the label is no finite number.")
    }
    if measured.entityCount < Resampling.entitiesLeast {
      texts.append(
        "Fewer than \(Resampling.entitiesLeast) entities are held back: figures have no intervals and say little."
      )
    }
    for group in groups {
      let names = group.alarms.map(\.title)
      if !names.isEmpty {
        let what = outcome?.isFavourable == true ? "the favourable outcome" : "the outcome"
        texts.append(
          "By \(group.grouping.feature) \(what) is less than four fifths as frequent, beyond chance, for "
            + "\(names.joined(separator: ", ")).")
      }
    }
    for (attribute, found) in Dictionary(grouping: associations.filter(\.isStrong), by: \.attribute)
      .sorted(by: { $0.key < $1.key })
    {
      let names = found.map { "\($0.feature) (\(NumberText.short($0.value, digits: 2)))" }
      texts.append(
        "Features that may stand for \(attribute), as they go with it more closely than \(Association.strong): "
          + "\(names.joined(separator: ", ")).")
    }
    return texts
  }

  /// How far groups are apart.
  var fairness: [String: Double] {
    var found: [String: Double] = [:]
    for group in groups {
      let name = group.grouping.feature
      found["\(name).parity_difference"] = group.parity?.value
      found["\(name).odds_difference"] = group.odds?.value
      found["\(name).least_ratio"] = group.groups.compactMap { $0.ratio?.value }.min()
    }
    return found
  }
}

/// What the end of a training prints of a model.
enum Summary {
  static func lines(_ facts: ModelFacts) -> [String] {
    func text(_ figures: [Figure], hasIntervals: Bool) -> String {
      figures.filter { $0.value.isFinite }
        .map { "\($0.title) \(hasIntervals ? $0.textWithInterval : $0.text)" }.joined(separator: ", ")
    }
    let main = mainNames(facts.form)
    func chosen(_ quality: MeasuredFigures) -> [Figure] { main.compactMap { quality.figure($0) } }
    var lines: [String] = []
    if !facts.quality.figures.isEmpty {
      lines.append(text(chosen(facts.quality), hasIntervals: true))
      for baseline in facts.baselines {
        lines.append("beside \(baseline.name): \(text(chosen(baseline.quality), hasIntervals: false))")
      }
    }
    for group in facts.groups {
      var parts: [String] = []
      if let parity = group.parity {
        parts.append("parity difference \(NumberText.short(parity.value, digits: 2))\(parity.names)")
      }
      if let least = group.groups.compactMap({ $0.ratio?.value }).min() {
        parts.append("least ratio \(NumberText.short(least, digits: 2))")
      }
      if let odds = group.odds { parts.append("odds difference \(NumberText.short(odds.value, digits: 2))") }
      let suppressed = group.groups.count(where: \.isSuppressed)
      if suppressed > 0 { parts.append("\(suppressed) groups too small") }
      if !parts.isEmpty { lines.append("by \(group.grouping.feature): \(parts.joined(separator: ", "))") }
    }
    return lines
  }

  static func mainNames(_ form: OutputForm) -> [String] {
    switch form {
    case .number: ["rmse", "mae", "r2"]
    case .probability: ["auc", "pr_auc", "log_loss", "ece"]
    case .classes: ["accuracy", "macro_f1", "log_loss"]
    case .quantiles(let levels):
      ["pinball"] + QuantileFigures.pairs(levels).map { "coverage_\(QuantileFigures.word($0.nominal * 100))" }
    case .anomaly: []
    }
  }
}
