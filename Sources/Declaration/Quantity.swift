import Events

/// Whole numbers with a unit, for example `64MiB`.
struct Quantity {
  /// Units by name, the smallest first.
  let units: [(name: String, size: Int64)]

  /// Spans of time, microseconds.
  static let duration = Quantity(units: [
    ("us", 1), ("ms", 1000), ("s", Span.second), ("m", Span.minute), ("h", Span.hour), ("d", Span.day),
  ])
  /// Numbers of bytes.
  static let bytes = Quantity(units: [("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)])

  /// The quantity in the smallest unit; nil: not one, or too large.
  func parse(_ text: String) -> Int64? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let suffix = String(text.dropFirst(digits.count))
    guard let count = Int64(digits), let unit = units.first(where: { $0.name == suffix }) else { return nil }
    let product = count.multipliedReportingOverflow(by: unit.size)
    return product.overflow ? nil : product.partialValue
  }

  /// What may be written, for an error.
  /// Examples outside of the range are left out.
  func allowed(_ range: ClosedRange<Int64>, examples: [String]) -> String {
    let allowed = examples.filter { parse($0).map(range.contains) == true }
    let names = units.map(\.name).joined(separator: ", ")
    let form =
      "a whole number with a unit"
      + (allowed.isEmpty ? " (\(names))" : ", such as \(allowed.joined(separator: ", "))")
    switch (range.lowerBound <= 0, range.upperBound == Int64.max) {
    case (true, true): return form
    case (false, true): return "\(form); at least \(text(range.lowerBound))"
    case (true, false): return "\(form); at most \(text(range.upperBound))"
    case (false, false): return "\(form); from \(text(range.lowerBound)) to \(text(range.upperBound))"
    }
  }

  /// The quantity in the largest unit that divides it.
  func text(_ value: Int64) -> String {
    let unit = units.last { value % $0.size == 0 } ?? units[0]
    return "\(value / unit.size)\(unit.name)"
  }
}

/// A span of time as `YAMLValue.duration` reads it: in the largest unit that divides it.
public func durationText(_ micros: Int64) -> String { Quantity.duration.text(micros) }

/// A number of bytes as `YAMLValue.byteCount` reads it: in the largest unit that divides it.
public func byteCountText(_ bytes: Int) -> String { Quantity.bytes.text(Int64(bytes)) }

/// Units of a span of time by name, microseconds, the smallest first.
public var durationUnits: [(name: String, size: Int64)] { Quantity.duration.units }

/// Units of a number of bytes by name, the smallest first.
public var byteCountUnits: [(name: String, size: Int64)] { Quantity.bytes.units }
