internal import Foundation
internal import Glibc

/// What the system says of this process (Linux' /proc; 0 where it says nothing).
public struct ProcessFigures: Sendable {
  /// User and system time, microseconds.
  public var cpuMicros: UInt64 = 0
  /// Resident memory, bytes.
  public var residentBytes: UInt64 = 0
  /// Open file descriptors.
  public var openDescriptors = 0
  /// When this process started, microseconds since 1970, as far as this program knows.
  public var startMicros: UInt64 = 0

  /// The start of the program: first asked when metrics begin.
  static let start = UInt64(Date().timeIntervalSince1970 * 1_000_000)

  /// As the kernel tells them at this moment; what it does not tell is absent.
  public static func now() -> ProcessFigures {
    var figures = ProcessFigures()
    var usage = rusage()
    if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
      figures.cpuMicros =
        UInt64(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1_000_000
        + UInt64(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec)
    }
    if let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) {
      let pages = text.split(separator: " ").dropFirst().first.flatMap { UInt64($0) } ?? 0
      figures.residentBytes = pages * UInt64(sysconf(Int32(_SC_PAGESIZE)))
    }
    figures.openDescriptors =
      (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    figures.startMicros = start
    return figures
  }
}
