internal import CXGBoost

/// A failed call of libxgboost, or a model file that it must not be given.
public struct XGBoostError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was tried, naming the file where there is one: "load models/engagement.json".
  public var operation: String
  /// Why it failed: the library's words without place and stack trace, or ours.
  public var cause: String

  package init(operation: String, cause: String) {
    self.operation = operation
    self.cause = cause
  }

  /// `operation: cause`.
  public var description: String { "\(operation): \(cause)" }

  /// The library's last error on this thread, for `operation`.
  static func last(_ operation: String) -> XGBoostError {
    var text = XGBGetLastError().map { String(cString: $0) } ?? ""
    if let trace = text.firstRange(of: "\nStack trace") { text.removeSubrange(trace.lowerBound...) }
    // "[23:55:40] ./src/learner.cc:1008: Invalid model format": the clock and the place help nobody.
    if text.hasPrefix("["), let end = text.firstRange(of: "] ") {
      text.removeSubrange(..<end.upperBound)
      if let place = text.firstRange(of: ": ") { text.removeSubrange(..<place.upperBound) }
    }
    text = String(text.split(separator: "\n", omittingEmptySubsequences: true).first ?? "")
    return XGBoostError(operation: operation, cause: text.isEmpty ? "unknown error" : text)
  }
}

/// Throws the library's error unless `code` is 0.
@inline(__always)
func check(_ code: CInt, _ operation: @autoclosure () -> String) throws(XGBoostError) {
  if code != 0 { throw XGBoostError.last(operation()) }
}

/// Calls `body` with an array of C strings, valid only inside.
func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Result
) -> Result {
  var bytes: [CChar] = []
  var starts: [Int] = []
  for string in strings {
    starts.append(bytes.count)
    bytes.append(contentsOf: string.utf8CString)
  }
  return bytes.withUnsafeBufferPointer { all in
    var pointers: [UnsafePointer<CChar>?] = starts.map { start in all.baseAddress.map { $0 + start } }
    return pointers.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else {
        var nothing: UnsafePointer<CChar>?
        return body(&nothing)
      }
      return body(base)
    }
  }
}
