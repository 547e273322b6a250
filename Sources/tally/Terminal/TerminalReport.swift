import Operations

/// Says on the terminal what an operation has to say: results on standard output, all else on standard error.
struct TerminalReport: OperationReport {
  func say(_ text: String) { tally.say(text) }
  func warn(_ text: String) {
    let warning = "warning: "
    guard text.hasPrefix(warning) else { return note(text) }
    tally.warn(String(text.dropFirst(warning.count)))
  }
  func begin(_ what: String, total: Int64?) -> any ProgressReport {
    TerminalProgress(Progress(what: what, total: total))
  }
}

private final class TerminalProgress: ProgressReport {
  private var progress: Progress
  var done: Int64 { progress.done }

  init(_ progress: Progress) { self.progress = progress }

  func advance(_ count: Int64) { progress.advance(count) }
  func finish(_ units: String) { progress.finish(units) }
}
