import ArgumentParser

/// An error for people: what went wrong and what to do next. Ends the program with exit code 1.
struct Failure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
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
