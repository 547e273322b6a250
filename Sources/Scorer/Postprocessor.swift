public import Features

/// Makes a model's outputs of its margins, as a `Postprocessing` says. Immutable and safe from several threads.
///
/// In order: link, sorting, shifts, sorting. The operations and their order are part of the meaning, so that others get the same bits
/// (scripts/postprocess.py): a curve, shares and anomalies are computed in double precision and rounded to single once, shifts are
/// added in single precision.
public final class Postprocessor: Sendable {
  /// What it does.
  public let postprocessing: Postprocessing
  /// Outputs of a row.
  private let width: Int
  /// Column of the feature that tells groups apart; nil: there is one group.
  private let column: Int?
  /// Values of groups, ascending, and the shifts of each, [group][output]; the last ones are those of all other rows.
  private let values: [Float]
  private let shifts: [Float]

  /// The postprocessing of a model with `groups` margins and `outputs` outputs a row, for rows of these columns. Throws what is wrong
  /// with it.
  public init(
    _ postprocessing: Postprocessing, groups: Int, outputs: Int, columns: [ColumnDescription]
  ) throws(PostprocessingError) {
    try postprocessing.check(groups: groups, outputs: outputs)
    self.postprocessing = postprocessing
    width = outputs
    let found = try postprocessing.shifts?.values(among: columns)
    column = found?.column
    values = found?.values ?? []
    shifts = found?.shifts ?? []
  }

  /// Whether the trees' margins are taken as they are; else what the objective makes of them.
  public var takesMargins: Bool { postprocessing.link != .objective }

  /// Changes the outputs of `count` rows in place, which lie `stride` floats apart; they come as margins where those are taken.
  ///
  /// `rows`: the features that the outputs are of, `columns` floats a row. Nothing is allocated. Row code.
  public func apply(
    to outputs: UnsafeMutablePointer<Float>, stride: Int, rows: UnsafePointer<Float>, columns: Int, count: Int
  ) {
    switch postprocessing.link {
    case .objective: break
    case .curve(let curve):
      curve.margins.withUnsafeBufferPointer { margins in
        curve.values.withUnsafeBufferPointer { values in
          for row in 0..<count {
            let place = row * stride
            outputs[place] = Self.value(at: outputs[place], margins, values)
          }
        }
      }
    case .shares(let scale): for row in 0..<count { share(outputs + row * stride, scale) }
    case .anomaly(let scale):
      for row in 0..<count {
        let exponent = -(scale * Double(outputs[row * stride]))
        outputs[row * stride] = Float(ExactMath.exp2(exponent > 0 ? 0 : exponent))
      }
    }
    guard postprocessing.sorts else { return }
    for row in 0..<count { sort(outputs + row * stride) }
    if shifts.isEmpty { return }
    shifts.withUnsafeBufferPointer { shifts in
      values.withUnsafeBufferPointer { values in
        for row in 0..<count {
          let group = column.map { Self.place(of: rows[row * columns + $0], values) } ?? values.count
          for output in 0..<width { outputs[row * stride + output] += shifts[group * width + output] }
          sort(outputs + row * stride)
        }
      }
    }
  }

  /// The curve at a margin: monotone for every pair of floats, as each step is, and what lies between two knots stays between their
  /// values.
  @inline(__always)
  private static func value(
    at margin: Float, _ margins: UnsafeBufferPointer<Float>, _ values: UnsafeBufferPointer<Float>
  ) -> Float {
    if margin.isNaN { return .nan }
    // The number of knots at or below the margin.
    var (low, high) = (0, margins.count)
    while low < high {
      let middle = (low + high) / 2
      if margins[middle] <= margin { low = middle + 1 } else { high = middle }
    }
    if low == 0 { return values[0] }
    if low == margins.count { return values[low - 1] }
    let (from, to) = (Double(margins[low - 1]), Double(margins[low]))
    let (first, last) = (Double(values[low - 1]), Double(values[low]))
    let share = (Double(margin) - from) / (to - from)
    let value = Float(first + share * (last - first))
    return min(max(value, values[low - 1]), values[low])
  }

  @inline(__always)
  private func share(_ outputs: UnsafeMutablePointer<Float>, _ scale: Double) {
    var highest = outputs[0]
    for output in 1..<width where outputs[output] > highest { highest = outputs[output] }
    var sum = 0.0
    for output in 0..<width {
      let part = Float(ExactMath.exp2(scale * (Double(outputs[output]) - Double(highest))))
      outputs[output] = part
      sum += Double(part)
    }
    for output in 0..<width { outputs[output] = Float(Double(outputs[output]) / sum) }
  }

  /// Insertion: equal values, 0 and -0 among them, keep their order.
  @inline(__always)
  private func sort(_ outputs: UnsafeMutablePointer<Float>) {
    for output in 1..<width {
      let value = outputs[output]
      var place = output
      while place > 0 && outputs[place - 1] > value {
        outputs[place] = outputs[place - 1]
        place -= 1
      }
      outputs[place] = value
    }
  }

  /// Place of a value among the groups; their count: it is none of them.
  @inline(__always)
  private static func place(of value: Float, _ values: UnsafeBufferPointer<Float>) -> Int {
    var (low, high) = (0, values.count)
    while low < high {
      let middle = (low + high) / 2
      if values[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low < values.count && values[low] == value ? low : values.count
  }
}
