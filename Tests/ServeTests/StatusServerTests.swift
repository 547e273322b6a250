import Dataflow
import Foundation
import FoundationNetworking
import Glibc
import Metrics
import Testing

@testable import Serve

@Suite("The status server") struct StatusServerTests {
  /// No limit but the run's: how fast a busy machine answers is not what is tested.
  private static let patienceSeconds = 3600.0
  private static let session: URLSession = {
    let configuration = URLSessionConfiguration.default
    configuration.timeoutIntervalForRequest = patienceSeconds
    return URLSession(configuration: configuration)
  }()

  private static func get(
    _ port: UInt16, _ path: String
  ) async throws -> (code: Int, type: String, body: String) {
    let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
    let (data, response) = try await session.data(from: url)
    let http = try #require(response as? HTTPURLResponse)
    return (
      http.statusCode, http.value(forHTTPHeaderField: "Content-Type") ?? "",
      String(decoding: data, as: UTF8.self)
    )
  }

  @Test("answers, also while things are recorded and many ask") func answers() async throws {
    let metrics = PipelineMetrics()
    let server = StatusServer(
      metrics: metrics, pipeline: "p", version: "1", requestSeconds: Self.patienceSeconds)
    defer { server.stop() }
    let (bound, problem) = server.start(StatusServer.Address(port: 0))
    let port = try #require(bound, "\(problem)")
    #expect(try await Self.get(port, "/readyz").code == 503)
    metrics.state("running", healthy: true)
    #expect(try await Self.get(port, "/readyz") == (200, "text/plain; charset=utf-8", "ready\n"))
    // A worker that is not heard of for half a minute is dead; on a busy machine this test may be as slow.
    var health = 0
    for _ in 0..<5 where health != 200 {
      metrics.state("running", healthy: true)
      health = try await Self.get(port, "/healthz").code
    }
    #expect(health == 200)
    #expect(try await Self.get(port, "/nothing").code == 404)
    #expect(try await Self.get(port, "/").body.contains("/metrics"))
    metrics.state("waiting for redis", healthy: false)
    let waiting = try await Self.get(port, "/readyz")
    #expect(waiting.code == 503 && waiting.body.contains("waiting for redis"))

    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for number in 0..<20 {
            metrics.record(.decode, nanos: UInt64(number) * 1_000, events: 3)
            let answer = try await Self.get(port, "/metrics")
            #expect(answer.code == 200 && answer.type == PrometheusText.contentType)
            // Reading strictly costs a hundred times what answering does.
            if number % 10 == 9 { _ = try Exposition(answer.body) }
          }
        }
      }
      try await group.waitForAll()
    }
    let last = try Exposition(try await Self.get(port, "/metrics").body)
    #expect(try last.value("tally_stage_seconds_count", ["stage": "decode"]) == 480)
  }

  @Test("says why it cannot listen") func portInUse() throws {
    let first = StatusServer(metrics: PipelineMetrics(), pipeline: "p", version: "1")
    defer { first.stop() }
    let port = try #require(first.start(StatusServer.Address(port: 0)).port)
    #expect(port > 0)
    let second = StatusServer(metrics: PipelineMetrics(), pipeline: "p", version: "1")
    let (none, problem) = second.start(StatusServer.Address(port: port))
    #expect(none == nil && problem == "Address already in use")
    #expect(second.start(StatusServer.Address(host: "nowhere", port: 0)).problem.contains("IPv4"))
  }

  private static func started(seconds: Double) throws -> (StatusServer, UInt16) {
    let server = StatusServer(
      metrics: PipelineMetrics(), pipeline: "p", version: "1", requestSeconds: seconds)
    let (port, problem) = server.start(StatusServer.Address(port: 0))
    return (server, try #require(port, "\(problem)"))
  }

  @Test("lets clients go that do not come to an end, and answers others meanwhile")
  func slowClients() async throws {
    let (server, port) = try Self.started(seconds: 0.5)
    defer { server.stop() }
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    for number in 0..<200 {
      let client = try Self.connect(to: port)
      clients.append(client)
      // Half of them begin to ask.
      if number % 2 == 0 { Self.send(Array("GET /".utf8), to: client) }
      // The latest is served at once, whoever came before it.
      if number % 50 == 49 { #expect(try await Self.get(port, "/healthz").code == 200) }
    }
    for client in clients { #expect(Self.readAll(client) == []) }
  }

  /// The oldest gives its place, long before its time is over; the newest is served.
  @Test("never refuses the newest client") func crowd() async throws {
    let (server, port) = try Self.started(seconds: Self.patienceSeconds)
    defer { server.stop() }
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    for _ in 0..<(StatusListener.connectionsMax + 10) { clients.append(try Self.connect(to: port)) }
    for _ in 0..<3 { #expect(try await Self.get(port, "/healthz").code == 200) }
    for client in clients.prefix(10) { #expect(Self.readAll(client) == []) }
    // A late one is still there.
    let last = try #require(clients.last)
    Self.send(Array("GET /healthz HTTP/1.1\r\n\r\n".utf8), to: last)
    #expect(Self.status(of: Self.readAll(last)) == 200)
  }

  @Test("refuses a head that is too long, at its bound", arguments: [8 << 10, 256 << 10, 600 << 10])
  func longHeads(_ bytes: Int) async throws {
    let (server, port) = try Self.started(seconds: Self.patienceSeconds)
    defer { server.stop() }
    for head in [
      "GET /" + String(repeating: "a", count: bytes) + " HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nx: " + String(repeating: "a", count: bytes) + "\r\n\r\n",
      "GET / HTTP/1.1\r\n" + String(repeating: "x: y\r\n", count: bytes / 6) + "\r\n",
      String(repeating: "\0", count: bytes),
    ] {
      let client = try Self.connect(to: port)
      defer { close(client) }
      Self.send(Array(head.utf8), to: client)
      #expect(Self.status(of: Self.readAll(client)) ?? 400 == 400)
      #expect(try await Self.get(port, "/healthz").code == 200)
    }
  }

  @Test("reads requests as they may come")
  func requests() throws {
    let (server, port) = try Self.started(seconds: Self.patienceSeconds)
    defer { server.stop() }
    for (text, status) in [
      ("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 200), ("GET /healthz HTTP/1.0\n\n", 200),
      ("GET /healthz?x=1 HTTP/1.1\r\n\r\n", 200), ("GET /nothing HTTP/1.1\r\n\r\n", 404),
      ("POST /healthz HTTP/1.1\r\n\r\n", 405), ("GET  /healthz HTTP/1.1\r\n\r\n", 400),
      ("\r\n\r\n", 400), ("GET /healthz SMTP\r\n\r\n", 400),
      ("GET /healthz HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n", 200),
    ] {
      let client = try Self.connect(to: port)
      defer { close(client) }
      // Byte by byte: a head ends wherever its parts were cut.
      for byte in text.utf8 { Self.send([byte], to: client) }
      let answer = Self.readAll(client)
      #expect(Self.status(of: answer) == status, "\(text)")
      #expect(String(decoding: answer, as: UTF8.self).contains("Connection: close"))
    }
    let client = try Self.connect(to: port)
    defer { close(client) }
    Self.send(Array("HEAD /healthz HTTP/1.1\r\n\r\n".utf8), to: client)
    let head = String(decoding: Self.readAll(client), as: UTF8.self)
    #expect(head.contains("Content-Length: 3") && head.hasSuffix("\r\n\r\n"))
  }

  private static func send(_ bytes: [UInt8], to client: Int32) {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(client, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      sent += count
    }
  }

  /// Everything until the server ends the connection.
  private static func readAll(_ client: Int32) -> [UInt8] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(client, &buffer, buffer.count, 0)
      guard count > 0 else { return all }
      all += buffer[..<count]
    }
  }

  /// nil: no answer.
  private static func status(of answer: [UInt8]) -> Int? {
    let words = String(decoding: answer.prefix(16), as: UTF8.self).split(separator: " ")
    return words.count > 1 ? Int(words[1]) : nil
  }

  private static func connect(to port: UInt16) throws -> Int32 {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    return client
  }
}
