internal import Foundation

/// Where a live view is drawn.
public protocol TerminalOutput: AnyObject {
  /// Whether it can be drawn over.
  var isTerminal: Bool { get }
  /// Columns and rows now.
  var size: (columns: Int, rows: Int) { get }
  /// Writes text at once.
  func write(_ text: String)
}

/// The process' standard output.
public final class StandardOutput: TerminalOutput {
  /// Columns of output that is no terminal.
  public static let plainColumns = 100

  /// Whether it is a terminal that knows cursor movements (`TERM` is not "dumb").
  public let isTerminal: Bool

  /// Standard output as it is now.
  public init() {
    isTerminal = isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Columns and rows now; 100 by 50 for what is no terminal.
  public var size: (columns: Int, rows: Int) {
    var window = winsize()
    guard isTerminal, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0,
      window.ws_row > 0
    else { return (Self.plainColumns, 50) }
    return (Int(window.ws_col), Int(window.ws_row))
  }

  /// Writes text; what a closed pipe does not take is dropped.
  public func write(_ text: String) {
    var rest = [UInt8](text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }
      rest = rest.dropFirst(count)
    }
  }
}
