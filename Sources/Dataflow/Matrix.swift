/// A reused row-major matrix of plain values.
public final class RowMatrix<Cell: BitwiseCopyable> {
  /// Columns of every row.
  public let columns: Int
  /// Rows in use.
  public private(set) var rows = 0
  private var capacityRows: Int
  /// First cell; row `r` begins at `r * columns`. Valid until the matrix grows.
  public private(set) var base: UnsafeMutablePointer<Cell>

  /// A matrix with room for `capacityRows` before it must grow.
  public init(columns: Int, capacityRows: Int) {
    self.columns = columns
    self.capacityRows = max(capacityRows, 1)
    base = .allocate(capacity: max(columns * self.capacityRows, 1))
  }

  deinit { base.deallocate() }

  /// Forgets all rows.
  public func removeAll() { rows = 0 }

  /// Sets the number of rows; cells of new rows are undefined.
  public func resize(rows newRows: Int) {
    if newRows > capacityRows {
      let larger = max(newRows, capacityRows * 2)
      let moved = UnsafeMutablePointer<Cell>.allocate(capacity: max(larger * columns, 1))
      moved.update(from: base, count: rows * columns)
      base.deallocate()
      base = moved
      capacityRows = larger
    }
    rows = newRows
  }

  /// Adds a row whose cells are undefined; returns its first cell.
  public func appendRow() -> UnsafeMutablePointer<Cell> {
    resize(rows: rows + 1)
    return row(rows - 1)
  }

  /// First cell of a row.
  @inlinable
  public func row(_ index: Int) -> UnsafeMutablePointer<Cell> {
    precondition(index >= 0 && index < rows)
    return base + index * columns
  }
}

/// Rows of 32-bit floats; NaN is "missing".
public typealias FloatMatrix = RowMatrix<Float>
