import Dataflow
import Foundation
import FoundationNetworking
import Glibc
import Metrics
import Testing

@testable import Serve

/// Each in a process of its own, whose pool of threads no other test blocks: the server gives clients but seconds.
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

  @Test("answers, also while things are recorded and many ask") func answers() async {
    await #expect(processExitsWith: .success) { try await StatusServerTests.answerMany() }
  }

  private static func answerMany() async throws {
    let metrics = PipelineMetrics()
    let server = StatusServer(
      metrics: metrics, pipeline: "p", version: "1", clientSeconds: patienceSeconds)
    let (bound, problem) = await server.listen(StatusServer.Address(port: 0))
    let port = try #require(bound, "\(problem)")
    #expect(try await get(port, "/readyz").code == 503)
    metrics.state("running", healthy: true)
    #expect(try await get(port, "/readyz") == (200, "text/plain; charset=utf-8", "ready\n"))
    #expect(try await get(port, "/healthz").code == 200)
    #expect(try await get(port, "/nothing").code == 404)
    #expect(try await get(port, "/").body.contains("/metrics"))
    metrics.state("waiting for redis", healthy: false)
    let waiting = try await get(port, "/readyz")
    #expect(waiting.code == 503 && waiting.body.contains("waiting for redis"))

    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<8 {
        group.addTask {
          for number in 0..<20 {
            metrics.record(.decode, nanos: UInt64(number) * 1_000, events: 3)
            let answer = try await get(port, "/metrics")
            #expect(answer.code == 200 && answer.type == PrometheusText.contentType)
            // Reading strictly costs a hundred times what answering does.
            if number % 10 == 9 { _ = try Exposition(answer.body) }
          }
        }
      }
      try await group.waitForAll()
    }
    let last = try Exposition(try await get(port, "/metrics").body)
    #expect(try last.value("tally_stage_seconds_count", ["stage": "decode"]) == 480)
  }

  @Test("says why it cannot listen") func portInUse() async {
    await #expect(processExitsWith: .success) { try await StatusServerTests.listenTwice() }
  }

  private static func listenTwice() async throws {
    let first = StatusServer(metrics: PipelineMetrics(), pipeline: "p", version: "1")
    let port = try #require(await first.listen(StatusServer.Address(port: 0)).port)
    #expect(port > 0)
    let second = StatusServer(metrics: PipelineMetrics(), pipeline: "p", version: "1")
    let (none, problem) = await second.listen(StatusServer.Address(port: port))
    #expect(none == nil && !problem.isEmpty)
  }

  @Test("lets silent clients go, and answers others meanwhile") func silentClients() async {
    await #expect(processExitsWith: .success) { try await StatusServerTests.waitForSilentClients() }
  }

  private static func waitForSilentClients() async throws {
    let server = StatusServer(metrics: PipelineMetrics(), pipeline: "p", version: "1", clientSeconds: 0.5)
    let port = try #require(await server.listen(StatusServer.Address(port: 0)).port)
    var clients: [Int32] = []
    defer { for client in clients { close(client) } }
    for number in 0..<(2 * BoundedSocketPool.waitingMax) {
      let client = try connect(to: port)
      clients.append(client)
      // Half of them begin to ask.
      if number % 2 == 0 { _ = send(client, "GET /", 5, Int32(MSG_NOSIGNAL)) }
    }
    // Without blocking: the server runs on the same few threads as this test.
    let deadline = ContinuousClock.now + .seconds(60)
    for client in clients {
      var descriptor = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
      while poll(&descriptor, 1, 0) != 1 && ContinuousClock.now < deadline {
        try await Task.sleep(for: .milliseconds(5))
      }
      try #require(descriptor.revents != 0, "a silent client is still connected")
      var byte: UInt8 = 0
      #expect(recv(client, &byte, 1, Int32(MSG_DONTWAIT)) <= 0)
    }
    #expect(try await get(port, "/").code == 200)
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
