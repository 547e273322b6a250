internal import Foundation

/// A plot's axis: values that are shown and where ticks stand.
struct Axis {
  let low: Double
  let high: Double
  let title: String
  let ticks: [(value: Double, text: String)]

  /// From the least to the greatest of some values, with a little room; one value, or none, gets some.
  init(_ values: [Double], title: String, room: Double = 0.03) {
    let finite = values.filter(\.isFinite)
    var (low, high) = (finite.min() ?? 0, finite.max() ?? 1)
    if low == high {
      let half = max(low.magnitude * 0.1, 0.5)
      (low, high) = (low - half, high + half)
    }
    let extra = (high - low) * room
    self.init(from: low - extra, to: high + extra, title: title)
  }

  init(from low: Double, to high: Double, title: String) {
    self.low = low
    self.high = high
    self.title = title
    ticks = Self.ticks(low, high)
  }

  /// Ticks at places with names, such as categories: 0, 1, 2 and so on.
  init(names: [String], title: String) {
    low = -0.6
    high = Double(names.count) - 0.4
    self.title = title
    ticks = names.enumerated().map { (Double($0), $1) }
  }

  /// About five round numbers.
  static func ticks(_ low: Double, _ high: Double) -> [(value: Double, text: String)] {
    guard low.isFinite, high.isFinite, high > low else { return [] }
    let raw = (high - low) / 5
    let size = pow(10, log10(raw).rounded(.down))
    guard size > 0, size.isFinite else { return [] }
    let step = [1.0, 2, 2.5, 5, 10].map { $0 * size }.first { $0 >= raw * 0.999 } ?? size * 10
    let first = (low / step).rounded(.up)
    return (0...12).compactMap { index in
      let value = (first + Double(index)) * step
      guard value <= high + step * 1e-9 else { return nil }
      return (value, text(value, step: step))
    }
  }

  private static func text(_ value: Double, step: Double) -> String {
    let size = max(value.magnitude, step)
    if size >= 1e6 || size < 1e-4 {
      return value.magnitude < step / 2
        ? "0" : NumberText.short(value, digits: 3).replacingOccurrences(of: ",", with: "")
    }
    let decimals = max(0, Int((-log10(step)).rounded(.up)) + (Self.isTwoAndHalf(step) ? 1 : 0))
    let text = String(format: "%.\(min(decimals, 6))f", value)
    return text == "-0" ? "0" : text
  }

  private static func isTwoAndHalf(_ step: Double) -> Bool {
    let digit = step / pow(10, log10(step).rounded(.down))
    return (digit - 2.5).magnitude < 0.01 && step < 10
  }
}

/// A plot under construction: axes, then marks, in SVG whose colours are the page's.
struct Frame {
  let width: Double
  let height: Double
  let left: Double
  let bottom: Double
  let x: Axis
  let y: Axis
  private var marks = ""
  private static let top = 12.0
  private static let right = 16.0

  /// `left`: room for the vertical axis' texts.
  init(x: Axis, y: Axis, width: Double = 480, height: Double = 320, left: Double = 64, bottom: Double = 46) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
    self.left = left
    self.bottom = bottom
  }

  /// Where a value lies from the left.
  func across(_ value: Double) -> Double {
    left + (value - x.low) / (x.high - x.low) * (width - left - Self.right)
  }

  /// Where a value lies from the top.
  func down(_ value: Double) -> Double {
    height - bottom - (value - y.low) / (y.high - y.low) * (height - bottom - Self.top)
  }

  /// A coordinate; beyond the plot it lies far outside at most.
  static func text(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = Int((min(max(value, -10_000), 10_000) * 10).rounded())
    let rest = tenths.magnitude % 10
    return (tenths < 0 ? "-" : "") + "\(tenths.magnitude / 10)" + (rest == 0 ? "" : ".\(rest)")
  }

  mutating func line(_ points: [(Double, Double)], _ style: String) {
    var path = ""
    var isOpen = false
    for (first, second) in points {
      guard first.isFinite, second.isFinite else {
        isOpen = false
        continue
      }
      path += (isOpen ? "L" : "M") + "\(Self.text(across(first))) \(Self.text(down(second)))"
      isOpen = true
    }
    if !path.isEmpty { marks += "<path class=\"line \(style)\" d=\"\(path)\"/>" }
  }

  mutating func dot(_ first: Double, _ second: Double, _ style: String, radius: Double = 3.5) {
    guard first.isFinite, second.isFinite else { return }
    marks += Self.element(
      "circle",
      [
        ("class", style), ("cx", Self.text(across(first))), ("cy", Self.text(down(second))),
        ("r", Self.text(radius)),
      ])
  }

  /// A rectangle between values; `opacity` from 0 to 1 in hundredths.
  mutating func box(
    _ horizontal: ClosedRange<Double>, _ vertical: ClosedRange<Double>, _ style: String, opacity: Double = 1
  ) {
    let (from, to) = (across(horizontal.lowerBound), across(horizontal.upperBound))
    let (above, below) = (down(vertical.upperBound), down(vertical.lowerBound))
    let shade = opacity < 1 ? [("fill-opacity", Self.hundredths(opacity))] : []
    marks += Self.element(
      "rect",
      [
        ("class", style), ("x", Self.text(from)), ("y", Self.text(above)),
        ("width", Self.text(max(to - from, 0.5))), ("height", Self.text(max(below - above, 0))),
      ] + shade)
  }

  /// A text at values, moved by so many units.
  mutating func label(
    _ first: Double, _ second: Double, _ text: String, anchor: String = "start",
    move: (Double, Double) = (0, 4), style: String = "tx"
  ) {
    marks += Self.words(text, across(first) + move.0, down(second) + move.1, anchor: anchor, style: style)
  }

  private static func element(_ name: String, _ attributes: [(String, String)]) -> String {
    "<\(name)" + attributes.map { " \($0.0)=\"\($0.1)\"" }.joined() + "/>"
  }

  /// A text at a place; `turn`: degrees about a place.
  private static func words(
    _ text: String, _ across: Double, _ down: Double, anchor: String, style: String = "tx",
    turn: (degrees: Int, across: Double, down: Double)? = nil
  ) -> String {
    let transform = turn.map {
      " transform=\"rotate(\($0.degrees) \(Self.text($0.across)) \(Self.text($0.down)))\""
    }
    let place = "x=\"\(Self.text(across))\" y=\"\(Self.text(down))\" text-anchor=\"\(anchor)\""
    return "<text class=\"\(style)\" \(place)\(transform ?? "")>\(HTMLText.escape(text))</text>"
  }

  private static func hundredths(_ value: Double) -> String {
    let count = Int((min(max(value, 0), 1) * 100).rounded())
    return count >= 100 ? "1" : "0." + (count < 10 ? "0" : "") + "\(count)"
  }

  /// The whole plot. `names`: what lines and dots are, with their styles.
  func svg(
    _ title: String, names: [(text: String, style: String)] = [], slantsNames: Bool = false
  ) -> String {
    let size = "viewBox=\"0 0 \(Self.text(width)) \(Self.text(height))\""
    let name = HTMLText.escape(title)
    return "<svg \(size) role=\"img\" aria-label=\"\(name)\"><title>\(name)</title>"
      + "\(verticalAxis)\(horizontalAxis(slantsNames: slantsNames))\(marks)\(legend(names))</svg>"
  }

  private var verticalAxis: String {
    var axis = ""
    for tick in y.ticks {
      let place = Self.text(down(tick.value))
      axis += "<path class=\"grid\" d=\"M\(Self.text(left)) \(place)H\(Self.text(width - Self.right))\"/>"
      axis += Self.words(tick.text, left - 7, down(tick.value) + 4, anchor: "end")
    }
    guard !y.title.isEmpty else { return axis }
    let centre = (Self.top + height - bottom) / 2
    return axis
      + Self.words(y.title, 14, centre, anchor: "middle", style: "tt", turn: (-90, 14, centre))
  }

  private func horizontalAxis(slantsNames: Bool) -> String {
    let base = height - bottom
    var axis = ""
    for tick in x.ticks {
      let place = across(tick.value)
      axis += "<path class=\"axis\" d=\"M\(Self.text(place)) \(Self.text(base))v4\"/>"
      axis += Self.words(
        tick.text, place, base + 17, anchor: slantsNames ? "end" : "middle",
        turn: slantsNames ? (-35, place, base + 16) : nil)
    }
    axis +=
      "<path class=\"axis\" d=\"M\(Self.text(left)) \(Self.text(base))H\(Self.text(width - Self.right))\"/>"
    return axis
      + Self.words(x.title, (left + width - Self.right) / 2, height - 6, anchor: "middle", style: "tt")
  }

  private func legend(_ names: [(text: String, style: String)]) -> String {
    let from = width - Self.right - 150
    return names.enumerated().map { index, name in
      let place = Self.top + 10 + Double(index) * 16
      return "<path class=\"line \(name.style)\" d=\"M\(Self.text(from)) \(Self.text(place - 4))h18\"/>"
        + Self.words(name.text, from + 23, place, anchor: "start", style: "tx halo")
    }.joined()
  }
}
