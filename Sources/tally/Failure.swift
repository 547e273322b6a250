import ArgumentParser

/// An error for people: what went wrong and what to do next. Ends the program with exit code 1.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }

  /// The log cannot be read on.
  static func unread(_ partition: Int32, from: Int64, _ why: String) -> Failure {
    Failure(
      "partition \(partition): the log cannot be read on from offset \(from): \(why); what to do: mend the brokers and try again, "
        + "or leave these offsets out of the pipeline: tally skip")
  }
}

/// Runs a command's body; prints its error as one line and ends with exit code 1.
func reporting(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as ExitCode {
    throw error
  } catch {
    complain("tally: \(error)")
    throw ExitCode.failure
  }
}
