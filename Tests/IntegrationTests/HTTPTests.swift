import Foundation
import Glibc
import TestServers
import Testing

/// `tally run --http`: metrics and health of a real run.
@Suite struct HTTPTests {
  @Test func metricsAndHealth() async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let stage = try Stage(.sqlite, redis: redis)
      try stage.produceHistory()
      let process = try stage.start(["--http", "0"])
      let count = stage.history.events.count
      let port = try until("the port", telling: { process.text }) {
        process.errors.firstMatch(of: /http port (\d+)/).flatMap { UInt16($0.1) }
      }
      try stage.waitForProgress(of: process, to: count)
      let text = try until("all to be counted") {
        let text = try get(port, "/metrics").body
        return text.contains("\ntally_events_scored_total \(count)\n") ? text : nil
      }
      #expect(text.contains("tally_stage_seconds_count{stage=\"total\"} \(count)\n"))
      #expect(text.contains("tally_partition_lag{partition=\"0\"} 0\n"))
      #expect(text.contains("tally_dead_letters_total{reason=\"too-large\"} 0\n"))
      for person in stage.history.people { #expect(!text.contains(person)) }
      #expect(try get(port, "/healthz").code == 200 && get(port, "/readyz").code == 200)

      redis.stop()
      try stage.broker.produce([stage.history.message(at: 0)], to: "events")
      let waiting = try until("readyz to say what is missing", telling: { process.text }) {
        let answer = try get(port, "/readyz")
        return answer.code == 503 ? answer.body : nil
      }
      #expect(waiting.contains("redis"), "\(waiting)")
      #expect(try get(port, "/healthz").code == 200, "waiting is not being stuck")
      process.terminate()
      _ = try process.wait(seconds: 20)
    }
  }

  @Test func addressInUse() async throws {
    try await onThread {
      let stage = try Stage(.sqlite)
      let first = try stage.start(["--http", "0"])
      let port = try until("the port", telling: { first.text }) {
        first.errors.firstMatch(of: /http port (\d+)/).flatMap { UInt16($0.1) }
      }
      let other = try Stage(.sqlite)
      let second = try tally(["run", "--http", "\(port)"] + other.connection)
      #expect(second.code == 1 && second.errors.contains("http \(port): "), "\(second.text)")
      let wrong = try tally(["run", "--http", "nowhere:x"] + other.connection)
      #expect(wrong.code == 1 && wrong.errors.contains("PORT, :PORT or HOST:PORT"), "\(wrong.text)")
      first.terminate()
      #expect(try first.wait().code == 0)
    }
  }

  /// A partition's lag is told by the process that reads it, and by no other.
  @Test func partitionsThatWentToAnotherProcess() async throws {
    try await onThread {
      let stage = try Stage(.postgres)
      func told(_ process: TallyProcess) throws -> Set<Int> {
        let port = try until("the port", telling: { process.text }) {
          process.errors.firstMatch(of: /http port (\d+)/).flatMap { UInt16($0.1) }
        }
        let text = try get(port, "/metrics").body
        return Set(text.matches(of: /tally_partition_lag\{partition="(\d+)"\}/).compactMap { Int($0.1) })
      }
      let all = Set(0..<Stage.partitions)
      let first = try stage.start(["--http", "0"])
      try until("the first to have all", telling: { first.text }) { try told(first) == all }
      let second = try stage.start(["--http", "0"])
      try until("two to share", telling: { first.text + second.text }) {
        let (one, other) = (try told(first), try told(second))
        return !other.isEmpty && one.isDisjoint(with: other) && one.union(other) == all
      }
      for process in [first, second] { process.terminate() }
      for process in [first, second] { #expect(try process.wait().code == 0) }
    }
  }

  /// One request over one connection.
  private func get(_ port: UInt16, _ path: String) throws -> (code: Int, body: String) {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
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
}
