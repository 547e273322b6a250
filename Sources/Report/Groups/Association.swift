internal import Features

/// How much a feature says of a protected attribute.
struct Association: Equatable {
  /// Above this a feature may stand for the attribute.
  static let strong = 0.6

  let feature: String
  let attribute: String
  /// For readers: which measure it is.
  let measure: String
  /// −1 to 1, or 0 to 1.
  let value: Double
  let isStrong: Bool

  /// nil: fewer than two rows have both values, or one of both does not vary.
  init?(_ feature: ColumnDescription, _ first: [Float], _ attribute: ColumnDescription, _ second: [Float]) {
    self.feature = feature.name
    self.attribute = attribute.name
    let both = zip(first, second).filter { $0.isFinite && $1.isFinite }
    let pairs = both.map { (Double($0), Double($1)) }
    let found: Double?
    switch (feature.isUnordered, attribute.isUnordered) {
    case (false, false):
      measure = "Pearson's r"
      found = Self.correlation(pairs)
    case (true, false):
      measure = "correlation ratio η"
      found = Self.ratio(pairs.map { ($0.0, $0.1) })
    case (false, true):
      measure = "correlation ratio η"
      found = Self.ratio(pairs.map { ($0.1, $0.0) })
    case (true, true):
      measure = "Cramér's V"
      found = Self.cramer(pairs)
    }
    guard let found, found.isFinite else { return nil }
    value = found
    isStrong = found.magnitude > Self.strong
  }

  static func correlation(_ pairs: [(Double, Double)]) -> Double? {
    guard pairs.count > 1 else { return nil }
    let count = Double(pairs.count)
    let means = (pairs.reduce(0) { $0 + $1.0 } / count, pairs.reduce(0) { $0 + $1.1 } / count)
    var (own, other, both) = (0.0, 0.0, 0.0)
    for pair in pairs {
      own += (pair.0 - means.0) * (pair.0 - means.0)
      other += (pair.1 - means.1) * (pair.1 - means.1)
      both += (pair.0 - means.0) * (pair.1 - means.1)
    }
    guard own > 0, other > 0 else { return nil }
    return both / (own.squareRoot() * other.squareRoot())
  }

  /// Of a category's code and a number: the root of the share of the number's variance that lies between categories, with Kelley's
  /// correction (ε², 1935), so that many rare words do not look like an association.
  static func ratio(_ pairs: [(code: Double, number: Double)]) -> Double? {
    guard pairs.count > 1 else { return nil }
    let mean = pairs.reduce(0) { $0 + $1.number } / Double(pairs.count)
    var sums: [Double: (sum: Double, count: Double)] = [:]
    var total = 0.0
    for pair in pairs {
      let known = sums[pair.code] ?? (0, 0)
      sums[pair.code] = (known.sum + pair.number - mean, known.count + 1)
      total += (pair.number - mean) * (pair.number - mean)
    }
    guard total > 0, sums.count > 1 else { return nil }
    let between = sums.sorted { $0.key < $1.key }.reduce(0) {
      $0 + $1.value.sum * $1.value.sum / $1.value.count
    }
    let (count, kinds) = (Double(pairs.count), Double(sums.count))
    guard count > kinds else { return nil }
    return min(max(1 - (1 - between / total) * (count - 1) / (count - kinds), 0), 1).squareRoot()
  }

  /// Of two categories' codes, with Bergsma's correction (2013), so that many rare words do not look like an association.
  static func cramer(_ pairs: [(Double, Double)]) -> Double? {
    var rows: [Double: Double] = [:]
    var columns: [Double: Double] = [:]
    var cells: [[Double]: Double] = [:]
    for pair in pairs {
      rows[pair.0, default: 0] += 1
      columns[pair.1, default: 0] += 1
      cells[[pair.0, pair.1], default: 0] += 1
    }
    guard rows.count > 1, columns.count > 1 else { return nil }
    let count = Double(pairs.count)
    var chi = 0.0
    for row in rows.sorted(by: { $0.key < $1.key }) {
      for column in columns.sorted(by: { $0.key < $1.key }) {
        let expected = row.value * column.value / count
        let found = cells[[row.key, column.key]] ?? 0
        chi += (found - expected) * (found - expected) / expected
      }
    }
    let (width, height) = (Double(columns.count), Double(rows.count))
    let phi = max(chi / count - (width - 1) * (height - 1) / (count - 1), 0)
    let least = min(
      width - (width - 1) * (width - 1) / (count - 1), height - (height - 1) * (height - 1) / (count - 1))
    guard least > 1 else { return nil }
    return (phi / (least - 1)).squareRoot()
  }
}

extension ColumnDescription {
  /// Whether its codes have no order.
  var isUnordered: Bool {
    switch kind {
    case .category: true
    case .codes: type == "category"
    case .number, .flag: false
    }
  }
}
