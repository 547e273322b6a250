/// Clock of the machine: never part of a feature or a score.
public protocol Clock: AnyObject {
  /// Wall-clock time, microseconds UTC.
  func wallMicros() -> Int64
  /// Monotonic time, nanoseconds.
  func monotonicNanos() -> UInt64
  /// Sleeps.
  func sleep(milliseconds: Int)
}
