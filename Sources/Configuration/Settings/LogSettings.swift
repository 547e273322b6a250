/// How the program's log is written.
package struct LogSettings: Equatable, Sendable {
  package var format = LogFormat.text
  /// The least of what is written.
  package var level = LogLevel.notice

  package init() {}
}

/// The form of a message.
package enum LogFormat: String, CaseIterable, Sendable {
  /// A line for readers.
  case text
  /// One object a line, for collectors.
  case json
}

/// How much a message matters, ascending.
package enum LogLevel: String, CaseIterable, Sendable {
  case debug, info, notice, warning, error
}
