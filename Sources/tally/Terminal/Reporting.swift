import ArgumentParser
import Configuration

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
