internal import CXGBoost

/// What a prediction gives.
public enum PredictionKind: Sendable {
  /// The objective's own scale, for example a probability.
  case value
  /// The sum of the trees' leaves and the base score.
  case margin
}

extension Booster {
  /// Bytes that the array interface of any rows fits into.
  static let interfaceBytesMax = 192

  /// Scores dense rows where they lie: `rows` of `columns` values, row by row, NaN being missing.
  ///
  /// `output` gets `outputs` values a row. One call of the library for the whole batch; nothing is done per row on the
  /// way there but the copying of the results. Throws when `columns` is not the model's number of features.
  public func predict(
    _ values: UnsafePointer<Float>, rows: Int, columns: Int, outputs: Int = 1, kind: PredictionKind = .value,
    into output: UnsafeMutablePointer<Float>
  ) throws(XGBoostError) {
    if rows == 0 { return }
    writeInterface(of: values, rows: rows, columns: columns)
    var shape: UnsafePointer<bst_ulong>?
    var dimensions: bst_ulong = 0
    var result: UnsafePointer<Float>?
    try check(
      Self.config(kind).withUTF8Buffer { config in
        XGBoosterPredictFromDense(handle, interface, config, proxy, &shape, &dimensions, &result)
      }, "predict")
    var count = 1
    for dimension in 0..<Int(dimensions) { count *= Int(shape?[dimension] ?? 0) }
    guard count == rows * outputs, let result else {
      throw XGBoostError(operation: "predict", cause: "\(count) outputs for \(rows) rows")
    }
    output.update(from: result, count: count)
  }

  /// Scores a matrix: the way that training evaluates. Slower than `predict(_:rows:columns:kind:into:)`, which it checks.
  public func predict(_ matrix: borrowing Matrix, kind: PredictionKind = .value) throws(XGBoostError)
    -> [Float]
  {
    var count: bst_ulong = 0
    var result: UnsafePointer<Float>?
    let options: CInt = kind == .margin ? 1 : 0
    try check(XGBoosterPredict(handle, matrix.handle, options, 0, 0, &count, &result), "predict matrix")
    return [Float](UnsafeBufferPointer(start: result, count: Int(count)))
  }

  /// What each column adds to each row's margins, exactly (TreeSHAP) or by Saabas' approximation: [row][group][columns + 1],
  /// the last being the expected value with the base score.
  public func contributions(
    _ matrix: borrowing Matrix, isApproximate: Bool = false
  ) throws(XGBoostError) -> [Float] {
    var count: bst_ulong = 0
    var result: UnsafePointer<Float>?
    let options: CInt = isApproximate ? 4 | 8 : 4
    try check(XGBoosterPredict(handle, matrix.handle, options, 0, 0, &count, &result), "explain matrix")
    return [Float](UnsafeBufferPointer(start: result, count: Int(count)))
  }

  private static func config(_ kind: PredictionKind) -> StaticString {
    switch kind {
    case .value:
      """
      {"type":0,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN}
      """
    case .margin:
      """
      {"type":1,"training":false,"iteration_begin":0,"iteration_end":0,"strict_shape":false,"cache_id":0,"missing":NaN}
      """
    }
  }

  /// Writes NumPy's array interface, version 3, of the rows into `interface`.
  private func writeInterface(of values: UnsafePointer<Float>, rows: Int, columns: Int) {
    var at = interface
    Self.write("{\"data\":[", &at)
    Self.write(UInt(bitPattern: values), &at)
    Self.write(",true],\"shape\":[", &at)
    Self.write(UInt(rows), &at)
    Self.write(",", &at)
    Self.write(UInt(columns), &at)
    Self.write("],\"typestr\":\"<f4\",\"version\":3}\0", &at)
    precondition(at - interface <= Self.interfaceBytesMax)
  }

  private static func write(_ text: StaticString, _ at: inout UnsafeMutablePointer<CChar>) {
    for index in 0..<text.utf8CodeUnitCount { at[index] = CChar(bitPattern: text.utf8Start[index]) }
    at += text.utf8CodeUnitCount
  }

  private static func write(_ number: UInt, _ at: inout UnsafeMutablePointer<CChar>) {
    var digits = 1
    var rest = number
    while rest >= 10 {
      rest /= 10
      digits += 1
    }
    rest = number
    for index in stride(from: digits - 1, through: 0, by: -1) {
      at[index] = CChar(48 + rest % 10)
      rest /= 10
    }
    at += digits
  }
}

extension StaticString {
  /// Calls `body` with the text as a C string: a literal ends with a zero byte.
  fileprivate func withUTF8Buffer<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    utf8Start.withMemoryRebound(to: CChar.self, capacity: utf8CodeUnitCount + 1) { body($0) }
  }
}
