package import Dataflow

/// An error for readers: what went wrong and what to do next. Ends the program with exit code 1.
package struct Failure: Error, CustomStringConvertible {
  package let description: String
  /// Why, by name.
  package let reason: ErrorReason

  package init(_ description: String, reason: ErrorReason = .failed) {
    self.description = description
    self.reason = reason
  }

  /// The log cannot be read on.
  package static func unread(_ partition: Int32, from: Int64, _ why: String) -> Failure {
    Failure(
      "partition \(partition): the log cannot be read on from offset \(from): \(why); what to do: mend the brokers and try again, "
        + "or leave these offsets out of the pipeline: tally skip", reason: .logUnreadable)
  }
}
