import TestPlaces
import Foundation
import TestServers
import Testing

/// What a run says of itself while something does not answer: readiness and lag.
@Suite struct TruthTests {
  /// Connections stay open and nothing is refused: only what does not come tells that the broker is dead. Longer than the group waits,
  /// so that the partitions are lost meanwhile.
  @Test(arguments: ["effectively-once", "exactly-once"])
  func deadBrokerUnderAnIdleRun(delivery: String) async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      guard let mock = rig.broker.mock else { return }
      let process = try rig.start([
        "--http", "0", "--delivery", delivery, "--set", "worker.ready_within=3s",
        "--set", "kafka.session_timeout=6s",
      ])
      let port = try readyPort(of: process)
      mock.freeze()
      let said = try until("not ready", seconds: 20, telling: { process.text }) {
        let answer = try httpGet(port, "/readyz")
        return answer.code == 503 ? answer.body : nil
      }
      #expect(said.contains("answered"), "\(said)")
      try expectNotReady(port, process)
      let metrics = try process.metrics()
      #expect(metrics.contains("\ntally_ready 0\n"))
      #expect(try httpGet(port, "/healthz").code == 200, "waiting is not being stuck")
      #expect(process.text.contains("no broker has answered"), "\(process.text)")
      mock.thaw()
      try until("ready again", telling: { process.text }) { try httpGet(port, "/readyz").code == 200 }
      process.terminate()
      #expect(try process.wait(seconds: 20).code == 0)
    }
  }

  /// A broker that refuses connections: the client tells it once, and loses the group later.
  @Test func refusingBrokerUnderAnIdleRun() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      guard let mock = rig.broker.mock else { return }
      let process = try rig.start([
        "--http", "0", "--set", "worker.ready_within=3s", "--set", "kafka.session_timeout=6s",
      ])
      let port = try readyPort(of: process)
      try mock.setDown(true)
      try until("not ready", seconds: 20, telling: { process.text }) {
        try httpGet(port, "/readyz").code == 503
      }
      try expectNotReady(port, process)
      process.terminate()
      _ = try process.wait(seconds: 20)
    }
  }

  /// The port of a process once it is ready with all partitions.
  private func readyPort(of process: TallyProcess) throws -> UInt16 {
    let port = try process.httpPort()
    try until("ready", telling: { process.text }) {
      try httpGet(port, "/readyz").code == 200 && process.partitions().count == Rig.partitions
    }
    return port
  }

  /// Nothing is said to be ready again for longer than the group's session lasts, beside a broker that is gone.
  private func expectNotReady(_ port: UInt16, _ process: TallyProcess) throws {
    let end = ContinuousClock.now + .seconds(9)
    while .now < end {
      let answer = try httpGet(port, "/readyz")
      guard answer.code == 503 else {
        Issue.record("ready beside a dead broker: \(answer.body) \(process.text)")
        return
      }
      usleep(50_000)
    }
  }

  /// Redis answers nothing while events come: lag in records and in seconds is that of the log, partition by partition.
  @Test func lagWhileWaiting() async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let rig = try Rig(.sqlite, redis: redis)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<1000]), to: "events")
      let process = try rig.start(["--http", "0", "--set", "worker.ready_within=3s"])
      try rig.waitForProgress(of: process, to: 1000)
      try until("the lag to be 0", telling: { process.text }) {
        try gauges("lag", of: process).values.allSatisfy { $0 == 0 }
      }
      redis.freeze()
      let ages: [Double] = [500, 200]
      for (number, range) in [1000..<1600, 1600..<2200].enumerated() {
        let timeMs = Int64((Date().timeIntervalSince1970 - ages[number]) * 1000)
        let late = messages[range].map { message in
          var late = message
          late.timestampMs = timeMs
          return late
        }
        try rig.broker.produce(late, to: "events")
      }
      let seconds = try until("the lag to be told", seconds: 60, telling: { process.text }) {
        let seconds = try gauges("lag_seconds", of: process)
        let lag = try gauges("lag", of: process).values.reduce(0, +)
        return lag == 1200 && seconds.values.allSatisfy { $0 > 490 } ? seconds : nil
      }
      #expect(seconds.count == Rig.partitions && seconds.values.allSatisfy { $0 < 700 }, "\(seconds)")
      #expect(try httpGet(process.httpPort(), "/readyz").code == 503)
      redis.thaw()
      try rig.waitForProgress(of: process, to: 2200)
      try until("ready, without lag", telling: { process.text }) {
        try httpGet(process.httpPort(), "/readyz").code == 200
          && gauges("lag", of: process).values.allSatisfy { $0 == 0 }
          && gauges("lag_seconds", of: process).values.allSatisfy { $0 == 0 }
      }
      process.terminate()
      #expect(try process.wait(seconds: 20).code == 0)
      let standings = try Standing.all(try rig.ask(["status", "--json"]).output)
      #expect(standings.count == Rig.partitions && standings.allSatisfy { $0.lag == 0 })
    }
  }

  private func gauges(_ name: String, of process: TallyProcess) throws -> [Int: Double] {
    let pattern = try Regex(
      "tally_partition_\(name)\\{partition=\"(\\d+)\"\\} (\\S+)", as: (Substring, Substring, Substring).self)
    let found = try process.metrics().matches(of: pattern).map {
      (Int($0.output.1) ?? -1, Double($0.output.2) ?? -1)
    }
    return Dictionary(found, uniquingKeysWith: { first, _ in first })
  }
}
