/// One figure of a model's quality.
public struct Figure: Equatable, Sendable {
  /// How it is written.
  enum Style: Equatable, Sendable {
    case number
    /// A share, written in per cent.
    case share
  }

  /// As metadata has it, such as "rmse".
  public let name: String
  /// For readers, such as "RMSE".
  let title: String
  /// The value; NaN: not defined for these rows.
  public let value: Double
  /// 95 %, entities resampled; nil: too few entities, or not defined for many samples of them.
  let interval: Interval?
  let style: Style
  /// Least and greatest value of the 95 % interval; nil: there is none.
  public var bounds: [Double]? { interval.map { [$0.low, $0.high] } }

  /// For readers.
  var text: String { Self.text(value, style) }
  /// For readers, such as `0.81 (0.79 to 0.83)`.
  var textWithInterval: String {
    guard let interval else { return text }
    return "\(text) (\(Self.text(interval.low, style)) to \(Self.text(interval.high, style)))"
  }

  static func text(_ value: Double, _ style: Style) -> String {
    style == .share ? NumberText.percent(value) : NumberText.short(value)
  }
}

/// A figure before it has a value.
struct FigureName {
  let name: String
  let title: String
  let style: Figure.Style
  /// Whether resampling alone makes it greater, as it does an absolute difference: its interval is moved back by as much.
  let isBiased: Bool

  init(_ name: String, _ title: String, _ style: Figure.Style = .number, isBiased: Bool = false) {
    self.name = name
    self.title = title
    self.style = style
    self.isBiased = isBiased
  }
}

/// A family of figures that are made together.
protocol FigureFamily {
  var names: [FigureName] { get }
  /// Rows or sums that `values` looks at.
  var visits: Int { get }
  /// The figures, where each group of the resampling counts so often.
  func values(_ counts: [Int32]) -> [Double]
}

extension Resampling {
  func figures(_ family: some FigureFamily) -> [Figure] {
    zip(family.names, intervals(visits: family.visits, family.values)).map { name, found in
      var interval = found.interval
      if name.isBiased, let wide = interval {
        interval = Interval(low: max(wide.low - found.bias, 0), high: max(wide.high - found.bias, 0))
      }
      return Figure(
        name: name.name, title: name.title, value: found.value, interval: interval, style: name.style)
    }
  }
}
