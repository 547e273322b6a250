import Synchronization

/// Tells workers to finish the batch under way and leave. Safe from any thread.
public final class StopSignal: Sendable {
  private let flag = Atomic<Bool>(false)

  /// Not yet stopped.
  public init() {}

  /// Asks everyone to stop.
  public func stop() { flag.store(true, ordering: .releasing) }

  /// Whether somebody asked.
  public var isStopped: Bool { flag.load(ordering: .acquiring) }
}
