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

  init(_ name: String, _ title: String, _ style: Figure.Style = .number) {
    self.name = name
    self.title = title
    self.style = style
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
      Figure(
        name: name.name, title: name.title, value: found.value, interval: found.interval, style: name.style)
    }
  }
}
