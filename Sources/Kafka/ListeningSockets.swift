import Glibc

/// Sockets of this process that are bound to given ports: the mock brokers' listeners and what they accepted.
///
/// librdkafka's mock brokers leave Nagle's algorithm on; together with delayed acknowledgements every answer then takes 40 ms.
/// Connections inherit the option from the socket that accepts them (Linux). The library does not give its sockets out: they
/// are found among the process' descriptors.
enum ListeningSockets {
  /// Highest descriptor that is looked at.
  private static let descriptorMax: Int32 = 4096

  /// Turns Nagle's algorithm off, also for connections to come.
  static func sendAtOnce(ports: [UInt16]) {
    for descriptor in 3..<descriptorMax {
      guard let port = port(of: descriptor), ports.contains(port) else { continue }
      var on: Int32 = 1
      setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  private static func port(of descriptor: Int32) -> UInt16? {
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let found = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard found == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
    return UInt16(bigEndian: address.sin_port)
  }
}
