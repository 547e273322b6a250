internal import CXGBoost

extension Matrix {
  /// Rows that come a part at a time.
  private final class Rows {
    let rows: Int
    let columns: Int
    let labels: [Float]
    let weights: [Float]
    let fill: (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    let proxy: DMatrixHandle
    let part: UnsafeMutablePointer<Float>
    var next = 0
    var error: XGBoostError?

    init(
      _ rows: Int, _ columns: Int, _ labels: [Float], _ weights: [Float],
      _ fill: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void
    ) throws(XGBoostError) {
      self.rows = rows
      self.columns = columns
      self.labels = labels
      self.weights = weights
      self.fill = fill
      var made: DMatrixHandle?
      try check(XGProxyDMatrixCreate(&made), "quantise rows")
      guard let made else { throw XGBoostError(operation: "quantise rows", cause: "no handle") }
      proxy = made
      part = .allocate(capacity: max(1, min(rows, Self.partRows) * columns))
    }

    deinit {
      part.deallocate()
      XGDMatrixFree(proxy)
    }

    /// Gives the library the next rows; false: there are no more, or it failed.
    func advance() -> Bool {
      guard next < rows, error == nil else { return false }
      let range = next..<min(next + Self.partRows, rows)
      fill(range, part)
      do throws(XGBoostError) {
        let array = """
          {"data": [\(UInt(bitPattern: part)), true], "shape": [\(range.count), \(columns)], "strides": null, \
          "typestr": "<f4", "version": 3}
          """
        try check(XGProxyDMatrixSetDataDense(proxy, array), "quantise rows")
        try set("label", labels, range)
        if !weights.isEmpty { try set("weight", weights, range) }
      } catch {
        self.error = error
        return false
      }
      next = range.upperBound
      return true
    }

    private func set(_ name: String, _ values: [Float], _ range: Range<Int>) throws(XGBoostError) {
      let code = values.withUnsafeBufferPointer { all in
        XGDMatrixSetFloatInfo(
          proxy, name, all.baseAddress.map { $0 + range.lowerBound }, bst_ulong(range.count))
      }
      try check(code, "set \(name)s")
    }

    /// A few megabytes of features.
    private static let partRows = 1 << 15
  }

  /// Rows as training by histograms needs them, a byte a cell: what is trained on it sees the same cuts as the library makes of all values.
  ///
  /// The rows are asked for a part at a time, several times over: `fill` writes the rows of a range, row by row, NaN being missing. For
  /// training only: nothing can be predicted of it. `weights` empty: each row weighs 1.
  public init(
    quantising rows: Int, columns: Int, labels: [Float], weights: [Float] = [], threads: Int = 1,
    fill: @escaping (Range<Int>, UnsafeMutablePointer<Float>) -> Void
  ) throws(XGBoostError) {
    precondition(labels.count == rows && (weights.isEmpty || weights.count == rows))
    let source = try Rows(rows, columns, labels, weights, fill)
    var made: DMatrixHandle?
    let code = withExtendedLifetime(source) {
      XGQuantileDMatrixCreateFromCallback(
        Unmanaged.passUnretained(source).toOpaque(), source.proxy, nil,
        { pointer in
          guard let pointer else { return }
          Unmanaged<Rows>.fromOpaque(pointer).takeUnretainedValue().next = 0
        },
        { pointer in
          guard let pointer else { return 0 }
          return Unmanaged<Rows>.fromOpaque(pointer).takeUnretainedValue().advance() ? 1 : 0
        }, "{\"missing\": NaN, \"nthread\": \(threads), \"max_bin\": 256}", &made)
    }
    if let error = source.error {
      if let made { XGDMatrixFree(made) }
      throw error
    }
    try check(code, "quantise rows")
    guard let made else { throw XGBoostError(operation: "quantise rows", cause: "no handle") }
    self.init(owning: made, rows: rows, columns: columns)
  }
}
