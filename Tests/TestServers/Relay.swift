import Foundation
import Glibc
import Synchronization
import TestPorts

/// A loopback TCP relay in front of a server: what talks through it can be cut off at any byte.
///
/// Each connection has two threads, one a direction. Call `stop`; `deinit` does not.
public final class Relay: Sendable {
  /// Port on 127.0.0.1 to connect to.
  public var port: Int { held.number }
  private let held: LoopbackPort

  private struct Link {
    var client: Int32
    var server: Int32
    /// Directions that still run; the last one closes both sockets.
    var running = 2
  }
  private struct State {
    var links: [Int: Link] = [:]
    var made = 0
    var isCut = false
    var isStopped = false
  }
  private let target: UInt16
  private let listener: Int32
  private let state = Mutex(State())
  private static let pieceBytes = 1 << 16
  private static let backlogMax: Int32 = 64

  /// Starts relaying to a port of this machine. Throws `ServerFailure` when no port is to be had.
  public init(to target: Int) throws {
    self.target = UInt16(target)
    held = try LoopbackPort()
    guard let listener = Self.listen(UInt16(held.number)) else {
      throw ServerFailure("a relay cannot listen: errno \(errno)")
    }
    self.listener = listener
    Thread.detachNewThread { [self] in accept() }
  }

  /// Resets every connection (RST on both sides, whatever is under way is lost). Returns how many there were.
  @discardableResult
  public func reset() -> Int {
    state.withLock { state in
      for link in state.links.values { Self.break(link) }
      return state.links.count
    }
  }

  /// Resets every connection, and each new one at once, until `mend`.
  public func cut() {
    state.withLock { $0.isCut = true }
    reset()
  }

  /// Relays again after `cut`.
  public func mend() { state.withLock { $0.isCut = false } }

  /// Ends all connections and listens no more.
  public func stop() {
    let isFirst = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard isFirst else { return }
    reset()
    shutdown(listener, Int32(SHUT_RDWR))
  }

  private func accept() {
    while true {
      let client = Glibc.accept(listener, nil, nil)
      guard !state.withLock({ $0.isStopped }) else {
        if client >= 0 { close(client) }
        close(listener)
        return
      }
      guard client >= 0 else { continue }
      // Servers that are started meanwhile must not keep it open; one that does hears of `shutdown` and resets all the same.
      _ = fcntl(client, F_SETFD, FD_CLOEXEC)
      link(client)
    }
  }

  private func link(_ client: Int32) {
    let server = Self.connect(target)
    let number: Int? = state.withLock { state in
      guard let server, !state.isCut, !state.isStopped else { return nil }
      state.made += 1
      state.links[state.made] = Link(client: client, server: server)
      return state.made
    }
    guard let number, let server else {
      Self.setReset(client)
      close(client)
      _ = server.map { close($0) }
      return
    }
    Self.setNoDelay(client)
    Self.setNoDelay(server)
    Thread.detachNewThread { [self] in pump(from: client, to: server, number) }
    Thread.detachNewThread { [self] in pump(from: server, to: client, number) }
  }

  private func pump(from source: Int32, to target: Int32, _ number: Int) {
    var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
    while true {
      let count = recv(source, &piece, piece.count, 0)
      guard count > 0, send(piece, count, to: target) else { break }
    }
    state.withLock { state in
      guard var link = state.links[number] else { return }
      link.running -= 1
      state.links[number] = link
      // One side has ended: the other hears of it, and its pump ends too.
      shutdown(link.client, Int32(SHUT_RDWR))
      shutdown(link.server, Int32(SHUT_RDWR))
      guard link.running == 0 else { return }
      close(link.client)
      close(link.server)
      state.links[number] = nil
    }
  }

  private func send(_ piece: [UInt8], _ count: Int, to target: Int32) -> Bool {
    var sent = 0
    while sent < count {
      let status = piece.withUnsafeBytes {
        Glibc.send(target, $0.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL))
      }
      guard status > 0 else { return false }
      sent += status
    }
    return true
  }

  /// Makes both sides see a reset: what is unread or unsent is thrown away. The pumps close the sockets.
  private static func `break`(_ link: Link) {
    for socket in [link.client, link.server] {
      setReset(socket)
      // Connecting to nowhere (AF_UNSPEC) sends the reset at once and wakes whoever reads or writes.
      var nowhere = sockaddr()
      nowhere.sa_family = sa_family_t(AF_UNSPEC)
      _ = Glibc.connect(socket, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
    }
  }

  private static func setReset(_ socket: Int32) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
  }

  private static func setNoDelay(_ socket: Int32) {
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func socketForLoopback() -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    return descriptor >= 0 ? descriptor : nil
  }

  private static func listen(_ port: UInt16) -> Int32? {
    guard let descriptor = socketForLoopback() else { return nil }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if atLoopback(port, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, backlogMax) == 0 {
      return descriptor
    }
    close(descriptor)
    return nil
  }

  private static func connect(_ port: UInt16) -> Int32? {
    guard let descriptor = socketForLoopback() else { return nil }
    if atLoopback(port, { Glibc.connect(descriptor, $0, $1) }) == 0 { return descriptor }
    close(descriptor)
    return nil
  }

  private static func atLoopback(
    _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    let address = sockaddr_in.loopback(port)
    return withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
