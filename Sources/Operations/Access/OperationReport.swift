/// Takes what an operation has to say to the operator who started it.
package protocol OperationReport: Sendable {
  func say(_ text: String)
  /// Something that the operator should know beside the result.
  func warn(_ text: String)
  /// Begins to count long work; `total` nil: unknown.
  func begin(_ what: String, total: Int64?) -> any ProgressReport
}

/// The progress of one long piece of work.
package protocol ProgressReport: AnyObject {
  /// Units done so far.
  var done: Int64 { get }
  /// `count` more are done.
  func advance(_ count: Int64)
  /// All is done; `units` names what was counted.
  func finish(_ units: String)
}

extension ProgressReport {
  /// One more is done.
  package func advance() { advance(1) }
}

extension OperationReport {
  /// Offsets that no reader can have, as a worker leaves them out, too.
  package func tellUnreadable(_ partition: Int32, _ offsets: Range<Int64>, _ why: String) {
    warn(
      "partition \(partition): offsets \(offsets.lowerBound)-\(offsets.upperBound - 1) are left out: nobody can read them (\(why))"
    )
  }
}
