internal import Foundation

/// Plots of many rows: rows are counted in bins, so that no single one is seen.
enum BinPlots {
  static let cells = 40
  /// Shares of the values beyond which the outermost bins hold everything.
  static let ends = 0.002...0.998

  /// How many rows have which pair of values: darker is more, by the logarithm.
  static func density(
    _ first: [Double], _ second: [Double], titles: (String, String), label: String, diagonal: Bool = false,
    zero: Bool = false
  ) -> String? {
    guard !first.isEmpty, first.count == second.count else { return nil }
    var across = range(first)
    var down = range(second)
    if diagonal {
      let both = min(across.lowerBound, down.lowerBound)...max(across.upperBound, down.upperBound)
      (across, down) = (both, both)
    }
    if zero { down = min(down.lowerBound, 0)...max(down.upperBound, 0) }
    var frame = Frame(
      x: Axis(from: across.lowerBound, to: across.upperBound, title: titles.0),
      y: Axis(from: down.lowerBound, to: down.upperBound, title: titles.1))
    var counts = [Int](repeating: 0, count: cells * cells)
    for (one, other) in zip(first, second) {
      counts[cell(one, across) * cells + cell(other, down)] += 1
    }
    let most = log(Double(counts.max() ?? 1) + 1)
    for (index, count) in counts.enumerated() where count > 0 {
      frame.box(
        edges(index / cells, across), edges(index % cells, down), "f0",
        opacity: 0.15 + 0.85 * log(Double(count) + 1) / most)
    }
    if diagonal {
      frame.line([(across.lowerBound, across.lowerBound), (across.upperBound, across.upperBound)], "ref")
    }
    if zero { frame.line([(across.lowerBound, 0), (across.upperBound, 0)], "ref") }
    return frame.svg(label)
  }

  /// How many rows have which value.
  static func histogram(_ values: [Double], title: String, label: String, mark: Double? = nil) -> String? {
    guard !values.isEmpty else { return nil }
    let range = range(values)
    var counts = [Int](repeating: 0, count: cells)
    for value in values { counts[cell(value, range)] += 1 }
    var frame = Frame(
      x: Axis(from: range.lowerBound, to: range.upperBound, title: title),
      y: Axis(from: 0, to: Double(counts.max() ?? 1) * 1.05, title: "rows"))
    for (index, count) in counts.enumerated() where count > 0 {
      frame.box(edges(index, range), 0...Double(count), "f0", opacity: 0.8)
    }
    if let mark, range.contains(mark) { frame.line([(mark, 0), (mark, frame.y.high)], "ref") }
    return frame.svg(label)
  }

  /// Bars of counts by name.
  static func bars(_ names: [String], _ counts: [Int], title: String, label: String) -> String? {
    guard !names.isEmpty else { return nil }
    var frame = Frame(
      x: Axis(names: names.map { PlainText.short($0, 14) }, title: title),
      y: Axis(from: 0, to: Double(max(counts.max() ?? 1, 1)) * 1.05, title: "rows"), bottom: 84)
    for (index, count) in counts.enumerated() where count > 0 {
      frame.box(Double(index) - 0.38...Double(index) + 0.38, 0...Double(count), "f0", opacity: 0.8)
    }
    return frame.svg(label, slantsNames: true)
  }

  /// The middle of the values, a little wider; one value gets some room.
  private static func range(_ values: [Double]) -> ClosedRange<Double> {
    let sorted = values.sorted()
    var low = Resampling.quantile(ends.lowerBound, sorted)
    var high = Resampling.quantile(ends.upperBound, sorted)
    // Where nearly all are the same, the rest counts.
    if low == high { (low, high) = (sorted[0], sorted[sorted.count - 1]) }
    if low == high {
      let half = max(low.magnitude * 0.1, 0.5)
      return low - half...high + half
    }
    return low...high
  }

  private static func cell(_ value: Double, _ range: ClosedRange<Double>) -> Int {
    let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
    guard share.isFinite else { return 0 }
    return min(max(Int(min(max(share, 0), 1) * Double(cells)), 0), cells - 1)
  }

  private static func edges(_ cell: Int, _ range: ClosedRange<Double>) -> ClosedRange<Double> {
    let width = (range.upperBound - range.lowerBound) / Double(cells)
    let low = range.lowerBound + Double(cell) * width
    return low...(low + width)
  }
}
