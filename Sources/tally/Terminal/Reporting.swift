import ArgumentParser
import Configuration
import Dataflow

/// Runs a command's body; prints its error as one line, with its code if it has one, and ends with exit code 1.
func reporting(_ body: () throws -> Void) throws {
  do {
    try body()
  } catch let error as ExitCode {
    throw error
  } catch {
    fail("\(error)", code: code(of: error))
    throw ExitCode.failure
  }
}

/// For `tally explain`; nil where it would say nothing.
private func code(of error: any Error) -> String? {
  let reason = (error as? PortError)?.reason ?? (error as? Failure)?.reason ?? .failed
  return reason.isGeneric ? nil : reason.rawValue
}
