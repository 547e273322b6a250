internal import Dataflow
internal import Events

/// Figures by the groups of one feature.
struct GroupReport {
  /// Entities below which a group has no figures.
  static let entitiesLeast = 30
  /// Events, or what was expected of them, below which a rate is not compared.
  static let eventsLeast = 5
  /// Below this ratio of rates the US guideline on hiring suspects adverse impact (29 CFR 1607.4 D).
  static let fourFifths = 0.8

  /// One group.
  struct Group {
    let title: String
    let rows: Int
    let entities: Int
    /// Too few entities: nothing else is shown.
    let isSuppressed: Bool
    var figures: [Figure] = []
    /// Mean of the output that stands for all.
    var meanOutput = Double.nan
    /// Mean of the labels.
    var meanLabel = Double.nan
    /// How often a label is 1 or, of classes, the likeliest class right.
    var observed: Rate?
    /// How often the outcome is said.
    var selected: Rate?
    /// The same among rows whose label is it; nil: too few.
    var truePositive: Rate?
    /// The same among the others; nil: too few.
    var falsePositive: Rate?
    /// Coverage of each interval.
    var coverage: [Rate] = []
    /// The rate of being selected over that of the reference; nil: too few events.
    var ratio: (value: Double, interval: Interval)?
    /// Whether its rate is the one that others are compared with.
    var isReference = false
  }

  /// A difference between two groups.
  struct Gap {
    let value: Double
    let interval: Interval
    let high: String
    let low: String

    /// For readers: between which groups it is; nothing where there is none.
    var names: String { value > 0 ? ", \(high) over \(low)" : "" }
  }

  let grouping: Grouping
  var groups: [Group]
  /// Greatest rate of being selected less the least one; nil: fewer than two groups can be compared.
  private(set) var parity: Gap?
  /// The greater gap of true and of false positive rates; nil: fewer than two groups can be compared.
  private(set) var odds: Gap?

  /// Of rows with the number of their group. `threshold`: for precision and recall.
  init(
    _ grouping: Grouping, _ rows: MeasuredRows, groups numbers: [Int], form: OutputForm,
    outcome: OutcomeRule?,
    threshold: Double, seed: UInt64
  ) {
    self.grouping = grouping
    var places = grouping.titles.map { _ in [Int]() }
    for (place, group) in numbers.enumerated() { places[group].append(place) }
    groups = zip(grouping.titles, places).compactMap { title, places in
      places.isEmpty ? nil : Self.group(title, rows.some(places), form, outcome, threshold, seed)
    }
    compare(overall: outcome.map { rule in Self.rate(rows) { rule.isSelected($0) }.share })
  }

  private static func rate(_ rows: MeasuredRows, _ isHit: (ArraySlice<Double>) -> Bool) -> Rate {
    let hits = rows.rows.indices.map { isHit(rows.outputs[($0 * rows.width)..<(($0 + 1) * rows.width)]) }
    return Rate(hits, entities: rows.entityNumbers)
  }

  private static func group(
    _ title: String, _ rows: MeasuredRows, _ form: OutputForm, _ outcome: OutcomeRule?, _ threshold: Double,
    _ seed: UInt64
  ) -> Group {
    var group = Group(
      title: title, rows: rows.count, entities: rows.entityCount,
      isSuppressed: rows.entityCount < entitiesLeast)
    if group.isSuppressed { return group }
    group.figures = MeasuredFigures(rows, form, threshold: threshold, seed: seed).figures
    group.meanOutput = rows.column(form.mainOutput).reduce(0, +) / Double(rows.count)
    if let outcome {
      group.selected = rate(rows) { outcome.isSelected($0) }
      if !rows.labels.isEmpty {
        func among(_ isTrue: Bool) -> Rate? {
          let some = rows.some(rows.labels.indices.filter { outcome.isTrue(rows.labels[$0]) == isTrue })
          return some.count < eventsLeast ? nil : rate(some) { outcome.isSelected($0) }
        }
        group.truePositive = among(true)
        group.falsePositive = among(false)
      }
    }
    guard !rows.labels.isEmpty else { return group }
    group.meanLabel = rows.labels.reduce(0, +) / Double(rows.count)
    switch form {
    case .probability: group.observed = Rate(rows.labels.map { $0 > 0.5 }, entities: rows.entityNumbers)
    case .classes:
      let isRight = rows.labels.indices.map { row in
        ClassFigures.likeliest(rows.outputs[(row * rows.width)..<((row + 1) * rows.width)])
          == Int(rows.labels[row])
      }
      group.observed = Rate(isRight, entities: rows.entityNumbers)
    case .quantiles(let levels):
      group.coverage = QuantileFigures.pairs(levels).map { pair in
        let isIn = rows.labels.indices.map { row in
          rows.outputs[row * rows.width + pair.low] <= rows.labels[row]
            && rows.labels[row] <= rows.outputs[row * rows.width + pair.high]
        }
        return Rate(isIn, entities: rows.entityNumbers)
      }
    case .number, .anomaly: break
    }
    return group
  }

  /// `overall`: the rate among all rows.
  private mutating func compare(overall: Double?) {
    guard let overall else { return }
    func isEnough(_ rate: Rate) -> Bool {
      max(Double(rate.hits), Double(rate.count) * overall) >= Double(Self.eventsLeast)
    }
    let rated = groups.indices.filter { groups[$0].selected.map(isEnough) ?? false }
    guard rated.count > 1 else { return }
    func share(_ index: Int) -> Double { groups[index].selected?.share ?? 0 }
    guard let best = rated.max(by: { share($0) < share($1) }), let reference = groups[best].selected else {
      return
    }
    groups[best].isReference = true
    for index in rated where index != best {
      groups[index].ratio = groups[index].selected?.ratio(to: reference)
    }
    parity = gap(rated, \.selected)
    let gaps = [gap(groups.indices, \.truePositive), gap(groups.indices, \.falsePositive)].compactMap { $0 }
    odds = gaps.max { $0.value < $1.value }
  }

  private func gap(_ indices: some Sequence<Int>, _ rate: KeyPath<Group, Rate?>) -> Gap? {
    let known = indices.compactMap { index in groups[index][keyPath: rate].map { (groups[index].title, $0) } }
    guard let high = known.max(by: { $0.1.share < $1.1.share }),
      let low = known.min(by: { $0.1.share < $1.1.share }), known.count > 1,
      let difference = high.1.difference(from: low.1)
    else { return nil }
    return Gap(value: difference.value, interval: difference.interval, high: high.0, low: low.0)
  }

  /// Groups whose ratio is below four fifths even at its upper bound.
  var alarms: [Group] { groups.filter { ($0.ratio?.interval.high ?? 1) < Self.fourFifths } }
}
