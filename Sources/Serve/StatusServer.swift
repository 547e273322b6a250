internal import FlyingFox
internal import FlyingSocks
internal import Foundation
public import Metrics
internal import Synchronization

/// Serves a pipeline's metrics and health over HTTP: `/metrics`, `/healthz`, `/readyz`.
///
/// It runs on Swift's own threads, never on a worker's: a slow reader costs a connection. Safe from any thread.
public final class StatusServer: Sendable {
  /// Where to listen.
  public struct Address: Equatable, Sendable {
    /// IPv4 address of an interface; `0.0.0.0`: all.
    public var host: String
    /// Port; 0: a free one.
    public var port: UInt16

    /// An address.
    public init(host: String = "127.0.0.1", port: UInt16) {
      self.host = host
      self.port = port
    }

    /// Reads `PORT`, `:PORT` (all interfaces) or `HOST:PORT`; nil: it is none of them.
    public init?(_ text: String) {
      let parts = text.split(separator: ":", omittingEmptySubsequences: false)
      guard parts.count <= 2, let port = parts.last.flatMap({ UInt16($0) }) else { return nil }
      var host = parts.count == 2 ? String(parts[0]) : "127.0.0.1"
      if host.isEmpty { host = "0.0.0.0" }
      if host == "localhost" { host = "127.0.0.1" }
      var number = in_addr()
      guard inet_pton(AF_INET, host, &number) == 1 else { return nil }
      self.init(host: host, port: port)
    }
  }

  /// A worker whose thread has not gone round for so long counts as stuck, seconds.
  static let beatMaxSeconds = 60
  /// Longest time of one request, seconds.
  private static let requestSeconds = 5.0
  /// Pause before a socket that was lost is opened again, seconds.
  private static let againSeconds = 1
  /// Longest wait for the socket, seconds.
  private static let listenSeconds = 5

  private let metrics: PipelineMetrics
  private let pipeline: String
  private let version: String
  private let clientSeconds: Double
  private let server = Mutex<HTTPServer?>(nil)

  /// A server of these metrics; `start` makes it listen.
  public convenience init(metrics: PipelineMetrics, pipeline: String, version: String) {
    self.init(metrics: metrics, pipeline: pipeline, version: version, clientSeconds: Self.requestSeconds)
  }

  /// `clientSeconds`: longest wait for a client that says nothing or takes nothing; when it is longer than a request may take, a
  /// request may take as long.
  init(metrics: PipelineMetrics, pipeline: String, version: String, clientSeconds: Double) {
    self.clientSeconds = clientSeconds
    self.metrics = metrics
    self.pipeline = pipeline
    self.version = version
    _ = ProcessFigures.start
  }

  /// Listens; for a thread that is not one of Swift's own. Returns the port; nil and why when the address cannot be had.
  public func start(_ address: Address) -> (port: UInt16?, problem: String) {
    let opening = Opening()
    Task { [self] in
      let (port, problem) = await listen(address)
      opening.end(port: port, problem: problem)
    }
    return opening.wait(seconds: Self.listenSeconds)
  }

  /// Listens. Returns the port; nil and why when the address cannot be had.
  func listen(_ address: Address) async -> (port: UInt16?, problem: String) {
    guard let socket = try? sockaddr_in.inet(ip4: address.host, port: address.port) else {
      return (nil, "\(address.host) is not an IPv4 address")
    }
    let server = await makeServer(socket)
    let running = Task { try await server.run() }
    let waiting = Task { try await server.waitUntilListening() }
    Task {
      // What fails to listen never gets there.
      if case .failure = await running.result { waiting.cancel() }
    }
    guard (try? await waiting.value) != nil, case .ip4(_, let port)? = await server.listeningAddress else {
      running.cancel()
      if case .failure(let error) = await running.result { return (nil, "\(error)") }
      return (nil, "it does not listen")
    }
    self.server.withLock { $0 = server }
    Task { await keepListening(server, running, Address(host: address.host, port: port)) }
    return (port, "")
  }

  private func makeServer(_ socket: sockaddr_in) async -> HTTPServer {
    let server = HTTPServer(
      config: .init(
        address: socket, timeout: max(Self.requestSeconds, clientSeconds), sharedRequestBufferSize: 4_096,
        sharedRequestReplaySize: 4_096,
        pool: BoundedSocketPool(HTTPServer.defaultPool(), waitSeconds: clientSeconds), logger: .disabled))
    await addRoutes(to: server)
    return server
  }

  /// Listens again when that ended by itself: accepting fails while the process has no file descriptor left.
  private func keepListening(
    _ first: HTTPServer, _ firstRun: Task<Void, any Error>, _ address: Address
  ) async {
    var (current, running) = (first, firstRun)
    while true {
      _ = await running.result
      try? await Task.sleep(for: .seconds(Self.againSeconds))
      guard let socket = try? sockaddr_in.inet(ip4: address.host, port: address.port) else { return }
      let (last, next) = (current, await makeServer(socket))
      let isWanted = server.withLock { server in
        guard server === last else { return false }
        server = next
        return true
      }
      guard isWanted else { return }
      current = next
      running = Task { try await next.run() }
    }
  }

  /// Stops listening; requests under way are cut off.
  public func stop() {
    guard let server = server.withLock({ $0.take() }) else { return }
    let done = DispatchSemaphore(value: 0)
    Task {
      await server.stop(timeout: 0)
      done.signal()
    }
    _ = done.wait(timeout: .now() + .seconds(1))
  }

  private func addRoutes(to server: HTTPServer) async {
    await server.appendRoute("GET,HEAD /metrics") { [self] _ in
      Self.answer(.ok, metricsText(), type: PrometheusText.contentType)
    }
    await server.appendRoute("GET,HEAD /healthz") { [self] _ in
      let problem = Self.healthProblem(metrics.snapshot(), now: .now)
      return Self.answer(problem == nil ? .ok : .serviceUnavailable, (problem ?? "ok") + "\n")
    }
    await server.appendRoute("GET,HEAD /readyz") { [self] _ in
      let problem = Self.readinessProblem(metrics.snapshot())
      return Self.answer(problem == nil ? .ok : .serviceUnavailable, (problem ?? "ready") + "\n")
    }
    await server.appendRoute("GET,HEAD /") { _ in
      Self.answer(.ok, "tally: /metrics /healthz /readyz\n")
    }
  }

  /// What `/metrics` says now.
  func metricsText() -> String {
    var text = PrometheusText(
      metrics.snapshot(), metrics.distributions(), pipeline: pipeline, version: version)
    text.add(.now())
    return text.text
  }

  /// Why the process should be started anew; nil: it lives.
  static func healthProblem(_ snapshot: MetricsSnapshot, now: ContinuousClock.Instant) -> String? {
    let stuck = snapshot.workers.first { now - $0.lastBeat > .seconds(beatMaxSeconds) }
    return stuck.map { "worker \($0.worker) has not moved for more than \(beatMaxSeconds) s: \($0.text)" }
  }

  /// Why no events are scored now; nil: they are.
  static func readinessProblem(_ snapshot: MetricsSnapshot) -> String? {
    if snapshot.workers.isEmpty { return "starting" }
    return snapshot.workers.first { !$0.isHealthy }.map { "worker \($0.worker): \($0.text)" }
      ?? snapshot.silence
  }

  private static func answer(
    _ status: HTTPStatusCode, _ text: String, type: String = "text/plain; charset=utf-8"
  ) -> HTTPResponse {
    HTTPResponse(statusCode: status, headers: [.contentType: type], body: Data(text.utf8))
  }
}

/// What became of listening, from a task to a thread.
private final class Opening: Sendable {
  private let outcome = Mutex<(port: UInt16?, problem: String)?>(nil)
  private let isDone = DispatchSemaphore(value: 0)

  func end(port: UInt16?, problem: String) {
    outcome.withLock { if $0 == nil { $0 = (port, problem) } }
    isDone.signal()
  }

  func wait(seconds: Int) -> (port: UInt16?, problem: String) {
    _ = isDone.wait(timeout: .now() + .seconds(seconds))
    return outcome.withLock { $0 } ?? (nil, "it does not listen within \(seconds) s")
  }
}
