import Foundation

/// Prints progress of long work to standard error: count, rate and time left, at most once a second on a terminal, every
/// ten seconds elsewhere.
struct Progress {
  private(set) var done: Int64 = 0
  private let what: String
  private let total: Int64?
  private let start = Date()
  private var nextPrint: Date
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var printed = false

  /// `total` nil: unknown.
  init(what: String, total: Int64?) {
    self.what = what
    self.total = total
    nextPrint = Date().addingTimeInterval(isTerminal ? 1 : 10)
  }

  /// Counts more.
  mutating func advance(_ count: Int64 = 1) {
    done += count
    if done & 0xfff < count { show() }
  }

  /// Counts up to a number.
  mutating func reach(_ count: Int64) {
    done = count
    show()
  }

  private mutating func show() {
    let now = Date()
    guard now >= nextPrint else { return }
    nextPrint = now.addingTimeInterval(isTerminal ? 1 : 10)
    let rate = Double(done) / max(now.timeIntervalSince(start), 0.001)
    var line = "\(what): \(done)"
    if let total, total > 0 {
      line += " of \(total) (\(done * 100 / total) %), \(Int(Double(total - done) / max(rate, 1))) s left"
    }
    line += ", \(Int(rate))/s"
    put(isTerminal ? "\r\u{1b}[K" + line : line + "\n", STDERR_FILENO)
    printed = isTerminal
  }

  /// Prints the end: `what: 1234 things, 567/s`.
  func finish(_ things: String) {
    let rate = Double(done) / max(Date().timeIntervalSince(start), 0.001)
    complain((printed ? "\r\u{1b}[K" : "") + "\(what): \(done) \(things), \(Int(rate))/s")
  }
}
