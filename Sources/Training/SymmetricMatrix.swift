internal import CLapack

/// A symmetric matrix of double precision, of which LAPACK finds the eigenvectors. One thread.
struct SymmetricMatrix {
  let size: Int
  /// Column by column; only the lower triangle counts.
  private(set) var cells: [Double]

  /// Zeros.
  init(size: Int) {
    self.size = size
    cells = Array(repeating: 0, count: size * size)
  }

  /// Adds x xᵀ of each of some vectors, one after the other in `vectors`.
  mutating func add(_ vectors: [Double]) {
    var (count, vectorCount, one) = (CInt(size), CInt(vectors.count / size), 1.0)
    dsyrk_("L", "N", &count, &vectorCount, &one, vectors, &count, &one, &cells, &count, 1, 1)
  }

  /// Eigenvalues, ascending, and eigenvectors, one after the other; nil: LAPACK found none, as where a cell is not finite.
  func eigen() -> (values: [Double], vectors: [Double])? {
    guard cells.allSatisfy(\.isFinite) else { return nil }
    var vectors = cells
    var values = [Double](repeating: 0, count: size)
    var count = CInt(size)
    var info: CInt = 0
    // The first call says how much room the second one needs.
    var (room, wholeRoom, ask) = (0.0, CInt(0), CInt(-1))
    dsyevd_("V", "L", &count, &vectors, &count, &values, &room, &ask, &wholeRoom, &ask, &info, 1, 1)
    guard info == 0 else { return nil }
    var (length, wholeLength) = (CInt(room), wholeRoom)
    var work = [Double](repeating: 0, count: max(Int(length), 1))
    var wholeWork = [CInt](repeating: 0, count: max(Int(wholeLength), 1))
    dsyevd_(
      "V", "L", &count, &vectors, &count, &values, &work, &length, &wholeWork, &wholeLength, &info, 1, 1)
    return info == 0 ? (values, vectors) : nil
  }
}
