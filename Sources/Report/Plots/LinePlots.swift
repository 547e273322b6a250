internal import XGBoost

/// Plots of lines, points with intervals, and bars.
enum LinePlots {
  /// What was said against how often it was so, with Wilson's intervals.
  static func reliability(_ bins: [(output: Double, rate: Rate)], label: String) -> String? {
    guard !bins.isEmpty else { return nil }
    let values = bins.map(\.output) + bins.flatMap { [$0.rate.share, $0.rate.interval?.high ?? 0] }
    let high = min(max((values.max() ?? 1) * 1.06, 0.05), 1.02)
    var frame = Frame(
      x: Axis(from: 0, to: high, title: "mean probability that the model says"),
      y: Axis(from: 0, to: high, title: "share of ones"))
    frame.line([(0, 0), (high, high)], "ref")
    for bin in bins {
      if let interval = bin.rate.interval {
        frame.line([(bin.output, interval.low), (bin.output, interval.high)], "s0")
      }
    }
    frame.line(bins.map { ($0.output, $0.rate.share) }, "s0")
    for bin in bins { frame.dot(bin.output, bin.rate.share, "f0") }
    return frame.svg(label)
  }

  /// A row of this plot: a share with its interval, and what it should be or was said to be.
  struct Dot {
    var name: String
    var value: Double
    var interval: Interval?
    var expected: Double?
  }

  /// Values by name, one below the other.
  static func dots(_ rows: [Dot], title: String, label: String, reference: Double? = nil) -> String? {
    guard !rows.isEmpty else { return nil }
    let values =
      rows.flatMap {
        [$0.value, $0.interval?.low ?? $0.value, $0.interval?.high ?? $0.value, $0.expected ?? $0.value]
      }
      + [reference].compactMap { $0 }
    let count = Double(rows.count)
    var frame = Frame(
      x: Axis(values, title: title, room: 0.06), y: Axis(from: -count + 0.3, to: 0.7, title: "").unmarked,
      height: 70 + 24 * count, left: 150)
    if let reference { frame.line([(reference, 0.7), (reference, -count + 0.3)], "ref") }
    for (index, row) in rows.enumerated() {
      let place = -Double(index)
      frame.label(
        frame.x.low, place, PlainText.short(row.name, 22), anchor: "end", move: (-8, 4))
      if let interval = row.interval { frame.line([(interval.low, place), (interval.high, place)], "s0") }
      if let expected = row.expected { frame.dot(expected, place, "f1", radius: 3) }
      frame.dot(row.value, place, "f0", radius: 4)
    }
    return frame.svg(label)
  }

  /// Mean |SHAP| and gain, side by side, each as a share of its greatest.
  static func importance(_ features: [Importance.Feature], label: String) -> String? {
    guard !features.isEmpty else { return nil }
    let count = Double(features.count)
    var frame = Frame(
      x: Axis(from: 0, to: 1.12, title: "share of the greatest: mean |SHAP| (blue), mean gain (orange)")
        .unmarked,
      y: Axis(from: -count + 0.3, to: 0.7, title: "").unmarked, width: 560, height: 60 + 30 * count, left: 190
    )
    let shapMost = features.compactMap(\.shap).max() ?? 0
    let gainMost = features.compactMap(\.gain).max() ?? 0
    for (index, feature) in features.enumerated() {
      let place = -Double(index)
      frame.label(0, place, PlainText.short(feature.name, 28), anchor: "end", move: (-8, 4))
      if let shap = feature.shap, shapMost > 0 {
        frame.box(0...shap / shapMost, place + 0.02...place + 0.34, "f0", opacity: 0.85)
        frame.label(shap / shapMost, place + 0.18, NumberText.short(shap, digits: 3), move: (5, 4))
      }
      if let gain = feature.gain, gainMost > 0, gain.isFinite {
        frame.box(0...max(gain / gainMost, 0), place - 0.34...place - 0.02, "f1", opacity: 0.85)
      }
    }
    return frame.svg(label)
  }

  /// The evaluation metric on both parts, round by round.
  static func learningCurve(_ rounds: [BoostingRound], best: Int?, label: String) -> String? {
    // A point a pixel is enough.
    let shown = ColumnSample.evenly(400, of: rounds.count).map { rounds[$0] }
    guard shown.count > 1, let metric = rounds.first?.metric else { return nil }
    var frame = Frame(
      x: Axis(shown.map { Double($0.number) }, title: "round", room: 0.01),
      y: Axis(shown.flatMap { [$0.training, $0.heldBack] }, title: metric))
    if let best { frame.line([(Double(best), frame.y.low), (Double(best), frame.y.high)], "ref") }
    frame.line(shown.map { (Double($0.number), $0.training) }, "s1")
    frame.line(shown.map { (Double($0.number), $0.heldBack) }, "s0")
    return frame.svg(label, names: [("learnt from", "s1"), ("held back", "s0")].map { ($0.0, $0.1) })
  }

  /// Mean outputs by the value of one feature.
  static func partialDependence(_ found: PartialDependence, outputs: [String], label: String) -> String? {
    let shown = Array(found.means.indices.prefix(6))
    let all = shown.flatMap { found.means[$0] }
    guard all.contains(where: \.isFinite) else { return nil }
    let names = shown.count > 1 ? shown.map { (text: PlainText.short(outputs[$0], 24), style: "s\($0)") } : []
    let title = shown.count > 1 ? "mean output" : "mean \(PlainText.short(outputs[0], 24))"
    guard let words = found.words else {
      var frame = Frame(
        x: Axis(found.values.map(Double.init), title: found.feature, room: 0.02),
        y: Axis(all, title: title, room: 0.1))
      for value in found.rug {
        frame.line(
          [(Double(value), frame.y.low), (Double(value), frame.y.low + (frame.y.high - frame.y.low) * 0.03)],
          "rug")
      }
      for output in shown {
        frame.line(zip(found.values, found.means[output]).map { (Double($0), $1) }, "s\(output)")
      }
      return frame.svg(label, names: names)
    }
    var frame = Frame(
      x: Axis(names: words.map { PlainText.short($0, 14) }, title: found.feature),
      y: Axis(all, title: title, room: 0.1),
      bottom: 84)
    for output in shown {
      for (place, mean) in found.means[output].enumerated() {
        frame.dot(Double(place), mean, "f\(min(output, 3))", radius: 4)
      }
    }
    return frame.svg(label, names: names, slantsNames: true)
  }

  /// Rows by label (down) and likeliest class (across), as shares of the label's rows.
  static func confusion(_ rows: [[Int]], _ names: [String], label: String) -> String? {
    guard !rows.isEmpty else { return nil }
    let short = names.map { PlainText.short($0, 14) }
    let count = Double(names.count)
    var frame = Frame(
      x: Axis(names: short, title: "likeliest class"),
      y: Axis(from: -count + 0.4, to: 0.6, title: "").unmarked,
      height: 130 + 26 * count, left: 120, bottom: 90)
    for (index, row) in rows.enumerated() {
      let place = -Double(index)
      frame.label(frame.x.low, place, short[index], anchor: "end", move: (-8, 4))
      let sum = row.reduce(0, +)
      for (other, found) in row.enumerated() where found > 0 {
        let share = Double(found) / Double(max(sum, 1))
        frame.box(
          Double(other) - 0.48...Double(other) + 0.48, place - 0.46...place + 0.46, "f0",
          opacity: 0.05 + 0.55 * share)
        if count <= 8 {
          frame.label(Double(other), place, NumberText.percent(share), anchor: "middle")
        }
      }
    }
    return frame.svg(label, slantsNames: true)
  }
}

extension Axis {
  /// The same without ticks.
  var unmarked: Axis { Axis(low: low, high: high, title: title, ticks: []) }

  private init(low: Double, high: Double, title: String, ticks: [(value: Double, text: String)]) {
    self.low = low
    self.high = high
    self.title = title
    self.ticks = ticks
  }
}
