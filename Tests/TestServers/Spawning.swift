import Synchronization

/// Starting programs, one at a time.
///
/// Between fork and exec a child holds all of this process' descriptors, those too that are closed on exec: a port whose listener
/// is closed meanwhile is not free yet. What closes a listener and binds its port again does it here, too.
public enum Spawning {
  private static let lock = Mutex(())

  /// Calls `body` while no program is being started.
  public static func exclusively<Result>(_ body: () throws -> Result) rethrows -> Result {
    try lock.withLock { _ in try body() }
  }
}
