import ArgumentParser
import Ingest

/// What a source starts to read one batch that it cannot read itself; nobody calls it by hand.
struct ReadBatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read-batch", abstract: "Reads one batch for another process.", shouldDisplay: false)

  /// The program and its arguments.
  static let command = ["/proc/self/exe", "read-batch"]

  func run() throws {
    let code = BatchServer.serve()
    if code != 0 { throw ExitCode(code) }
  }
}
