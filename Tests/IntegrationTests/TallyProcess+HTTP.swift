import TestPlaces
import Foundation
import Glibc

/// What a process that was started with `--http 0` tells of itself.
extension TallyProcess {
  /// The port that it serves metrics at; waits for it.
  func httpPort() throws -> UInt16 {
    try until("the port", telling: { self.text }) {
      if let match = self.errors.firstMatch(of: /http port (\d+)/) { return UInt16(match.1) }
      guard self.exitCode() == nil else { throw TestFailure("the process has ended: \(self.text)") }
      return nil
    }
  }

  /// Its metrics in Prometheus' text form.
  func metrics() throws -> String { try httpGet(httpPort(), "/metrics").body }

  /// The partitions that it reads at this moment.
  func partitions() throws -> Set<Int> {
    try Set(metrics().matches(of: /tally_partition_lag\{partition="(\d+)"\}/).compactMap { Int($0.1) })
  }
}

/// One request over one connection.
func httpGet(_ port: UInt16, _ path: String) throws -> (code: Int, body: String) {
  let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(socket) }
  // A process that sleeps accepts connections and never answers.
  var patience = timeval(tv_sec: 5, tv_usec: 0)
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  let size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let status = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
  }
  guard status == 0 else { throw TestFailure("connect: errno \(errno)") }
  let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
  _ = send(socket, request, request.utf8.count, Int32(MSG_NOSIGNAL))
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 1 << 16)
  while true {
    let count = recv(socket, &piece, piece.count, 0)
    guard count > 0 else { break }
    bytes += piece[..<count]
  }
  let text = String(decoding: bytes, as: UTF8.self)
  guard let code = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) }),
    let body = text.range(of: "\r\n\r\n")
  else { throw TestFailure("no answer: \(text)") }
  return (code, String(text[body.upperBound...]))
}
