import Dataflow
import Features

extension Postprocessing {
  /// Throws when it is none of a model with `groups` margins and `outputs` outputs a row.
  func check(groups: Int, outputs: Int) throws(PostprocessingError) {
    func require(_ holds: Bool, _ text: @autoclosure () -> String) throws(PostprocessingError) {
      if !holds { throw PostprocessingError(text: text()) }
    }
    switch link {
    case .objective: break
    case .curve(let curve):
      try require(groups == 1 && outputs == 1, "a curve, but the model has \(groups) margins a row")
      try curve.check()
    case .shares(let scale):
      try require(
        groups >= 2 && outputs == groups,
        "shares, but the model has \(groups) margins and \(outputs) outputs a row")
      try require(scale.isFinite && scale > 0, "the scale of shares is not above 0")
    case .anomaly(let scale):
      try require(groups == 1 && outputs == 1, "an anomaly, but the model has \(groups) margins a row")
      try require(scale.isFinite && scale > 0, "the scale of an anomaly is not above 0")
    }
    if sorts {
      try require(link == .objective && outputs >= 2, "it sorts what are no quantiles")
    }
    if let shifts {
      try require(sorts, "shifts of outputs that are not sorted")
      for list in [shifts.pooled] + shifts.groups.values {
        try require(list.count == outputs, "\(list.count) shifts for \(outputs) outputs")
        try require(list.allSatisfy(\.isFinite), "a shift is not finite")
      }
    }
    if let threshold {
      try require(outputs == 1, "a threshold, but the model has \(outputs) outputs a row")
      try require(threshold >= 0 && threshold <= 1, "a threshold outside of 0…1")
    }
  }
}

extension Postprocessing {
  /// Throws when it is of another kind of model than the pipeline declares.
  func check(_ kind: ModelKind) throws(PostprocessingError) {
    func refuse(_ text: String) throws(PostprocessingError) {
      throw PostprocessingError(text: "\(text): train the model again, or declare what it is")
    }
    switch (kind, link) {
    // Whatever its file says.
    case (.regression, _): break
    case (.binary, .objective), (.binary, .curve), (.classes, .objective), (.classes, .shares): break
    case (.anomaly, .objective), (.anomaly, .anomaly): break
    case (.quantiles(_, let group), .objective):
      if let group, let feature = shifts?.feature, !group.name.utf8.elementsEqual(feature.utf8) {
        try refuse("its intervals are corrected by \(feature), the pipeline declares the group \(group.name)")
      }
    case (.binary, _): try refuse("it is not of a model of kind binary")
    case (.classes, _): try refuse("it is not of a model of kind classes")
    case (.quantiles, _): try refuse("it is not of a model of kind quantiles")
    case (.anomaly, _): try refuse("it is not of a model of kind anomaly")
    }
  }

  /// For readers: what is made of margins beside what the objective says; empty: nothing.
  public var summary: String {
    var parts: [String] = []
    switch link {
    case .objective: break
    case .curve(let curve): parts.append("calibrated by a curve of \(curve.margins.count) knots")
    case .shares(let scale): parts.append("shares of 2^(\(scale) × margin)")
    case .anomaly(let scale): parts.append("2^(−\(scale) × margin)")
    }
    if sorts { parts.append("sorted") }
    if let shifts {
      let groups = shifts.feature.map { " by \($0), \(shifts.groups.count) groups" } ?? ""
      parts.append("intervals corrected\(groups)")
    }
    if let threshold { parts.append("threshold \(threshold)") }
    return parts.joined(separator: ", ")
  }
}

extension CalibrationCurve {
  fileprivate func check() throws(PostprocessingError) {
    guard !margins.isEmpty, margins.count == values.count else {
      throw PostprocessingError(text: "a curve of \(margins.count) margins and \(values.count) values")
    }
    guard margins.allSatisfy(\.isFinite), zip(margins, margins.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw PostprocessingError(text: "the margins of a curve do not ascend")
    }
    guard values.allSatisfy({ $0.sign == .plus && $0 <= 1 }),
      zip(values, values.dropFirst()).allSatisfy({ $0 <= $1 })
    else { throw PostprocessingError(text: "the values of a curve do not ascend between 0 and 1") }
  }
}

extension ConformalShifts {
  /// Whole numbers that single precision has.
  private static let valueMax = 1 << 24

  /// The column that tells groups apart, groups' values in ascending order, and their shifts, those of all other rows last.
  func values(
    among columns: [ColumnDescription]
  ) throws(PostprocessingError) -> (column: Int?, values: [Float], shifts: [Float]) {
    guard let feature else {
      guard groups.isEmpty else {
        throw PostprocessingError(text: "groups, but no feature that tells them apart")
      }
      return (nil, [], pooled)
    }
    guard let column = columns.firstIndex(where: { $0.name.utf8.elementsEqual(feature.utf8) }) else {
      throw PostprocessingError(
        text: "groups by \"\(feature.prefix(63))\", which is no feature of the pipeline")
    }
    var order: [(value: Int, shifts: [Float])] = []
    for (name, shifts) in groups {
      guard let value = Int(name), "\(value)" == name, value.magnitude <= Self.valueMax else {
        throw PostprocessingError(text: "a group of \(feature) that is no whole number")
      }
      if let codes = columns[column].codes, !(0..<codes).contains(value) {
        throw PostprocessingError(
          text: "the group \(value) of \(feature), which has the codes 0 to \(codes - 1)")
      }
      order.append((value, shifts))
    }
    order.sort { $0.value < $1.value }
    return (column, order.map { Float($0.value) }, order.flatMap(\.shifts) + pooled)
  }
}

extension ColumnDescription {
  /// How many codes its values can be; nil: they are numbers.
  fileprivate var codes: Int? {
    switch kind {
    case .number: nil
    case .flag: 2
    case .codes(let count): count
    case .category(let words): words.count + 1
    }
  }
}
