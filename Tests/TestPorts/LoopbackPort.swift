public import Glibc

/// A TCP port of 127.0.0.1 that nobody else is given as long as this lives: no other program that asks for a free port, and no
/// client that is given one for its end of a connection.
///
/// It is held by a socket that is bound and never listens. Linux lets a server that sets SO_REUSEADDR (redis-server, postgres,
/// openssl, librdkafka's mock) bind the same port beside it, as often as it likes.
public final class LoopbackPort: Sendable {
  /// The port.
  public let number: Int
  private let descriptor: Int32

  /// Takes a port that nobody has. Throws `PortFailure`.
  public init() throws {
    descriptor = try Self.makeSocket()
    do {
      // Alone at first, so that a port that somebody has is not taken.
      number = try Self.bind(descriptor, to: 0)
      try Self.share(descriptor)
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Holds a port that a socket with SO_REUSEADDR is bound to, too, without listening at this moment. Throws `PortFailure`.
  public init(beside number: Int) throws {
    descriptor = try Self.makeSocket()
    do {
      try Self.share(descriptor)
      self.number = try Self.bind(descriptor, to: UInt16(number))
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func makeSocket() throws -> Int32 {
    // Programs that are started meanwhile must not keep it.
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw PortFailure("socket: errno \(errno)") }
    return descriptor
  }

  private static func share(_ descriptor: Int32) throws {
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size) == 0 else {
      throw PortFailure("SO_REUSEADDR: errno \(errno)")
    }
  }

  /// Binds; returns the port, which the system chooses when it is 0.
  private static func bind(_ descriptor: Int32, to port: UInt16) throws -> Int {
    var address = sockaddr_in.loopback(port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw PortFailure("port \(port) of 127.0.0.1: errno \(errno)") }
    return Int(UInt16(bigEndian: address.sin_port))
  }
}

extension sockaddr_in {
  /// A port of 127.0.0.1.
  public static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
}

/// A port that could not be had.
public struct PortFailure: Error, CustomStringConvertible {
  /// What failed.
  public let description: String

  init(_ description: String) { self.description = description }
}
