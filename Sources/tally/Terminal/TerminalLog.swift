import Logging

/// The program's log: a line a message on standard error, `LABEL: TEXT`.
struct TerminalLog: LogHandler {
  let label: String
  var metadata = Logger.Metadata()
  var logLevel = Logger.Level.notice

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    complain("\(label): \(event.level == .warning ? "warning: " : "")\(event.message)")
  }
}
