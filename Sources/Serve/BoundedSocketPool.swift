internal import FlyingSocks
internal import Glibc
internal import Synchronization

/// Waits for clients, but neither for ever nor for any number of them: silent connections must not use up the file
/// descriptors that the scorer needs. Safe from any thread.
struct BoundedSocketPool: AsyncSocketPool {
  /// Connections that are waited for at the same time.
  static let waitingMax = 64

  private let base: any AsyncSocketPool
  private let waitSeconds: Double
  private let waiting = Waiting()

  private final class Waiting: Sendable {
    let count = Mutex(0)
  }

  /// Waits by means of `base`, at most `waitSeconds` for a client to read or write.
  init(_ base: any AsyncSocketPool, waitSeconds: Double) {
    self.base = base
    self.waitSeconds = waitSeconds
  }

  func prepare() async throws { try await base.prepare() }

  func run() async throws { try await base.run() }

  /// Throws `SocketError.disconnected`, which closes the connection, after the longest wait or when too many wait.
  func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
    if Self.isListening(socket) { return try await base.suspendSocket(socket, untilReadyFor: events) }
    let mayWait = waiting.count.withLock { count in
      count += 1
      return count <= Self.waitingMax
    }
    defer { waiting.count.withLock { $0 -= 1 } }
    guard mayWait else { throw SocketError.disconnected }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await base.suspendSocket(socket, untilReadyFor: events) }
      group.addTask {
        try await Task.sleep(for: .seconds(waitSeconds))
        throw SocketError.disconnected
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private static func isListening(_ socket: Socket) -> Bool {
    var isListening: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(socket.file.rawValue, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0
      && isListening != 0
  }
}
