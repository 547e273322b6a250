import Configuration
import Foundation
import Logging
import Synchronization

/// The program's log, on standard error: `tally: TEXT` for readers, or one JSON object a line.
///
/// Messages hold no event's content and no secret. What a message is about stands in its metadata, which JSON shows and text does not
/// repeat; but for `code`, the name of an error.
struct TerminalLog: LogHandler {
  /// How messages are written, and from which level on; by the settings, once they are known.
  private static let output = Mutex(LogSettings())

  private let label: String
  var metadata = Logger.Metadata()
  /// Messages below it are not even made.
  var logLevel: Logger.Level {
    get { own ?? Self.output.withLock { $0.level.logger } }
    set { own = newValue }
  }
  private var own: Logger.Level?

  init(label: String) { self.label = label }

  /// Writes all messages from now on as the settings say.
  static func use(_ settings: LogSettings) { output.withLock { $0 = settings } }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { $1 }
    switch Self.output.withLock({ $0.format }) {
    case .text: complain(Self.text(label, event.level, "\(event.message)", all))
    case .json: complain(Self.json(label, event.level, "\(event.message)", all, at: Date()))
    }
  }

  /// `tally: warning: TEXT [code]`.
  static func text(
    _ label: String, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata
  ) -> String {
    "\(label): \(level == .warning ? "warning: " : "")\(message)"
      + (metadata["code"].map { " [\($0)]" } ?? "")
  }

  /// One object: time (RFC 3339, UTC), level, logger, message, and metadata by its keys.
  static func json(
    _ label: String, _ level: Logger.Level, _ message: String, _ metadata: Logger.Metadata, at time: Date
  ) -> String {
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [.withInternetDateTime, .withFractionalSeconds]
    var fields = [
      ("time", formatter.string(from: time)), ("level", level.rawValue), ("logger", label),
      ("message", message),
    ]
    let taken = Set(fields.map(\.0))
    fields += metadata.filter { !taken.contains($0.key) }.sorted { $0.key < $1.key }.map {
      ($0.key, "\($0.value)")
    }
    return "{"
      + fields.map { "\(Terminal.quote($0.0)):\(Terminal.quote($0.1))" }.joined(separator: ",") + "}"
  }
}

private let logger = Logger(label: "tally")

/// Tells whoever watches the program what has happened.
func note(_ text: String, metadata: Logger.Metadata? = nil) { logger.notice("\(text)", metadata: metadata) }

/// Tells of what the operator may want to change.
func warn(_ text: String) { logger.warning("\(text)") }

/// Tells what the program fails with.
func fail(_ text: String, code: String?) {
  logger.error("\(text)", metadata: code.map { ["code": "\($0)"] })
}

/// Tells collectors of messages what the view shows.
func mention(_ text: String, metadata: Logger.Metadata? = nil) { logger.info("\(text)", metadata: metadata) }

extension LogLevel {
  fileprivate var logger: Logger.Level {
    switch self {
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }
}
