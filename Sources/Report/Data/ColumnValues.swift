internal import Features

/// What every row says of one column.
struct ColumnRange: Equatable {
  /// Least and greatest finite value; nil: there is none.
  var bounds: ClosedRange<Float>?
  /// Rows without a value.
  var missing = 0
  /// Rows whose value is no finite number.
  var infinite = 0

  mutating func add(_ value: Float) {
    if value.isNaN {
      missing += 1
    } else if value.isInfinite {
      infinite += 1
    } else {
      bounds = bounds.map { min($0.lowerBound, value)...max($0.upperBound, value) } ?? value...value
    }
  }

  /// Of each column of some rows.
  static func all(_ rows: any FeatureRows, columns: Int) -> [ColumnRange] {
    var found = [ColumnRange](repeating: ColumnRange(), count: columns)
    rows.forEach(columns: columns) { _, cells in
      for column in found.indices { found[column].add(cells[column]) }
    }
    return found
  }
}

/// The columns of rows that are evenly chosen, at most so many.
struct ColumnSample {
  /// Rows from which bins, medians and associations are found.
  static let rowsMost = 200_000

  /// Numbers of the rows, ascending.
  let rows: [Int]
  /// [column][row]
  let columns: [[Float]]

  init(_ all: any FeatureRows, columns: Int, rowsMost: Int = rowsMost) {
    rows = Self.evenly(rowsMost, of: all.count)
    var values = [[Float]](repeating: [], count: columns)
    for column in values.indices { values[column].reserveCapacity(rows.count) }
    all.forEach(rows, columns: columns) { _, cells in
      for column in values.indices { values[column].append(cells[column]) }
    }
    self.columns = values
  }

  /// At most `count` of so many places, as far apart as can be.
  static func evenly(_ count: Int, of all: Int) -> [Int] {
    all <= count ? Array(0..<all) : (0..<count).map { $0 * all / count }
  }
}

extension FeatureRows {
  /// Calls `body` with the number and the cells of every row.
  func forEach(columns: Int, _ body: (_ row: Int, _ cells: UnsafeMutablePointer<Float>) -> Void) {
    forEach(0..<count, columns: columns, body)
  }

  func forEach(
    _ rows: some Sequence<Int>, columns: Int,
    _ body: (_ row: Int, _ cells: UnsafeMutablePointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(columns, 1)) { cells in
      guard let base = cells.baseAddress else { return }
      base.initialize(repeating: .nan, count: max(columns, 1))
      for row in rows {
        copyRow(row, to: base)
        body(row, base)
      }
    }
  }

  /// Some rows, one after the other.
  func flat(_ rows: [Int], columns: Int) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(rows.count * columns)
    forEach(rows, columns: columns) { _, cells in
      values.append(contentsOf: UnsafeBufferPointer(start: cells, count: columns))
    }
    return values
  }
}
