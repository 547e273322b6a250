internal import Features

/// What a linear model sees of feature rows: numbers standardised, a missing one as the mean with a flag beside it, and a flag for each
/// category's code.
struct RidgeDesign {
  private enum Term {
    case number(column: Int, mean: Double, deviation: Double)
    case isMissing(column: Int, mean: Double, deviation: Double)
    case code(column: Int, code: Int, mean: Double, deviation: Double)
  }

  private var terms: [Term] = []
  /// Terms of a row.
  var count: Int { terms.count }

  /// Terms that differ among the rows of a sample.
  init(_ sample: Sample, columns: [ColumnDescription]) {
    let rows = sample.labels.count
    for (column, description) in columns.enumerated() {
      var (known, sum, squares) = (0.0, 0.0, 0.0)
      var codes: [Int: Double] = [:]
      let isCategory = description.kind.isOfCodes
      for row in 0..<rows {
        let value = sample.values[row * sample.columns + column]
        guard !value.isNaN else { continue }
        known += 1
        if isCategory { codes[Int(exactly: value) ?? -1, default: 0] += 1 }
        sum += Double(value)
      }
      let mean = known > 0 ? sum / known : 0
      for row in 0..<rows {
        let value = sample.values[row * sample.columns + column]
        if !value.isNaN { squares += (Double(value) - mean) * (Double(value) - mean) }
      }
      let total = Double(max(rows, 1))
      if isCategory {
        for (code, count) in codes.sorted(by: { $0.key < $1.key }) {
          let share = count / total
          add(.code(column: column, code: code, mean: share, deviation: (share * (1 - share)).squareRoot()))
        }
      } else {
        add(.number(column: column, mean: mean, deviation: (squares / total).squareRoot()))
      }
      let share = 1 - known / total
      add(.isMissing(column: column, mean: share, deviation: (share * (1 - share)).squareRoot()))
    }
  }

  private mutating func add(_ term: Term) {
    switch term {
    case .number(_, _, let deviation), .isMissing(_, _, let deviation), .code(_, _, _, let deviation):
      if deviation > 1e-12 && deviation.isFinite { terms.append(term) }
    }
  }

  /// Writes a row's terms.
  func write(_ row: Int, of sample: Sample, into cells: UnsafeMutablePointer<Double>) {
    let start = row * sample.columns
    for (place, term) in terms.enumerated() {
      switch term {
      case .number(let column, let mean, let deviation):
        let value = sample.values[start + column]
        cells[place] = value.isNaN ? 0 : (Double(value) - mean) / deviation
      case .isMissing(let column, let mean, let deviation):
        cells[place] = ((sample.values[start + column].isNaN ? 1 : 0) - mean) / deviation
      case .code(let column, let code, let mean, let deviation):
        cells[place] = ((sample.values[start + column] == Float(code) ? 1 : 0) - mean) / deviation
      }
    }
  }
}

extension ColumnKind {
  /// Whether its numbers stand for words.
  fileprivate var isOfCodes: Bool {
    switch self {
    case .number, .flag: false
    case .codes, .category: true
    }
  }
}
