import Configuration
import Foundation

/// A redis-server of our own on a free loopback port, in a folder, without persistence; ended with this process.
final class PrivateRedis {
  /// redis:// URL.
  let url: String
  private let process = Process()
  /// A socket that is bound to the port and never listens, so that nobody else is given it; redis-server binds it as well.
  private let holder: Int32
  private static let startSecondsMax = 10.0

  init(folder: String) throws {
    guard let server = Self.find("redis-server") else {
      throw Failure("redis-server is not installed: apt-get install redis-server")
    }
    let port: UInt16
    (holder, port) = try Self.holdPort()
    url = "redis://127.0.0.1:\(port)/0"
    let arguments = [
      "--port", "\(port)", "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no",
      "--logfile", folder + "/redis.log", "--maxmemory-policy", "noeviction",
    ]
    // setpriv ends the server when this process dies, whatever it dies of.
    if let setpriv = Self.find("setpriv") {
      process.executableURL = URL(fileURLWithPath: setpriv)
      process.arguments = ["--pdeathsig", "TERM", server] + arguments
    } else {
      process.executableURL = URL(fileURLWithPath: server)
      process.arguments = arguments
    }
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    do { try process.run() } catch {
      throw Failure("redis-server cannot be started: \(error.localizedDescription)")
    }
    let deadline = Date().addingTimeInterval(Self.startSecondsMax)
    while !Self.answers(port: port) {
      guard process.isRunning, Date() < deadline else {
        stop()
        throw Failure("redis-server did not start; see \(folder)/redis.log")
      }
      usleep(20_000)
    }
  }

  deinit { close(holder) }

  func stop() {
    guard process.isRunning else { return }
    process.terminate()
    process.waitUntilExit()
  }

  private static func find(_ name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private static func withSocket<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    return try body(descriptor)
  }

  private static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  /// Takes a port that nobody has: alone at first, then, on Linux, with whoever sets SO_REUSEADDR as redis-server does.
  private static func holdPort() throws -> (holder: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
      }
    }
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    guard isBound, setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, size) == 0 else {
      close(descriptor)
      throw Failure("no free port on 127.0.0.1")
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  private static func answers(port: UInt16) -> Bool {
    withSocket { descriptor in
      var address = loopback(port)
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
          connect(descriptor, raw, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
    }
  }
}
