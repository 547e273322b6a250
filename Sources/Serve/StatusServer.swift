internal import Foundation
internal import Glibc
public import Metrics
internal import Synchronization

/// Serves a pipeline's metrics and health over HTTP: `/metrics`, `/healthz`, `/readyz`.
///
/// It has a thread of its own, of lower priority than the workers'; see `StatusListener` for what no client can do. Safe from any thread.
public final class StatusServer: Sendable {
  /// Where to listen.
  public struct Address: Equatable, Sendable {
    /// IPv4 address of an interface; `0.0.0.0`: all.
    public var host: String
    /// Port; 0: a free one.
    public var port: UInt16

    package init(host: String = "127.0.0.1", port: UInt16) {
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
  /// Longest time of one request, from the connection to the end of the answer, seconds.
  private static let secondsMax = 10.0

  private let metrics: PipelineMetrics
  private let pipeline: String
  private let version: String
  private let requestSeconds: Double
  private let listener = Mutex<StatusListener?>(nil)

  /// A server of these metrics; `start` makes it listen.
  public convenience init(metrics: PipelineMetrics, pipeline: String, version: String) {
    self.init(metrics: metrics, pipeline: pipeline, version: version, requestSeconds: Self.secondsMax)
  }

  /// `requestSeconds`: how long a client may take for everything.
  init(metrics: PipelineMetrics, pipeline: String, version: String, requestSeconds: Double) {
    self.requestSeconds = requestSeconds
    self.metrics = metrics
    self.pipeline = pipeline
    self.version = version
    _ = ProcessFigures.start
  }

  /// Listens. Returns the port; nil and why when the address cannot be had.
  public func start(_ address: Address) -> (port: UInt16?, problem: String) {
    var host = in_addr()
    guard inet_pton(AF_INET, address.host, &host) == 1 else {
      return (nil, "\(address.host) is not an IPv4 address")
    }
    let made: StatusListener
    do throws(StatusProblem) {
      made = try StatusListener(host: host, port: address.port, requestSeconds: requestSeconds) {
        [self] path in
        answer(path)
      }
    } catch {
      return (nil, error.text)
    }
    listener.withLock { $0 = made }
    let thread = Thread { made.run() }
    thread.name = "tally http"
    thread.start()
    return (made.port, "")
  }

  /// Stops listening; requests under way are cut off.
  public func stop() { listener.withLock { $0.take() }?.stop() }

  private func answer(_ path: String) -> StatusListener.Answer? {
    switch path {
    case "/metrics":
      return StatusListener.Answer(status: 200, type: PrometheusText.contentType, body: metricsText())
    case "/healthz":
      let problem = Self.healthProblem(metrics.snapshot(), now: .now)
      return Self.answer(problem == nil ? 200 : 503, problem ?? "ok")
    case "/readyz":
      let problem = Self.readinessProblem(metrics.snapshot())
      return Self.answer(problem == nil ? 200 : 503, problem ?? "ready")
    case "/": return Self.answer(200, "tally: /metrics /healthz /readyz")
    default: return nil
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

  private static func answer(_ status: Int, _ text: String) -> StatusListener.Answer {
    StatusListener.Answer(status: status, type: "text/plain; charset=utf-8", body: text + "\n")
  }
}
