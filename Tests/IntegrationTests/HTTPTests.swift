import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally run --http`: metrics and health of a real run.
@Suite struct HTTPTests {
  @Test func metricsAndHealth() async throws {
    try await onThread {
      let redis = try RedisServer()
      defer { redis.stop() }
      let rig = try Rig(.sqlite, redis: redis)
      try rig.produceHistory()
      let process = try rig.start(["--http", "0"])
      let count = rig.history.events.count
      let port = try process.httpPort()
      try rig.waitForProgress(of: process, to: count)
      let text = try until("all to be counted") {
        let text = try httpGet(port, "/metrics").body
        // Events are counted a moment before their partition's figures move.
        let isDone = text.contains("tally_partition_lag{partition=\"0\"} 0\n")
        return isDone && text.contains("\ntally_events_scored_total \(count)\n") ? text : nil
      }
      #expect(text.contains("tally_stage_seconds_count{stage=\"total\"} \(count)\n"))
      #expect(text.contains("tally_dead_letters_total{reason=\"too-large\"} 0\n"))
      for person in rig.history.people { #expect(!text.contains(person)) }
      #expect(try httpGet(port, "/healthz").code == 200 && httpGet(port, "/readyz").code == 200)

      redis.stop()
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      let waiting = try until("readyz to say what is missing", telling: { process.text }) {
        let answer = try httpGet(port, "/readyz")
        return answer.code == 503 ? answer.body : nil
      }
      #expect(waiting.contains("redis"), "\(waiting)")
      #expect(try httpGet(port, "/healthz").code == 200, "waiting is not being stuck")
      process.terminate()
      _ = try process.wait(seconds: 20)
    }
  }

  @Test func addressInUse() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let first = try rig.start(["--http", "0"])
      let port = try first.httpPort()
      let other = try Rig(.sqlite)
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
      let rig = try Rig(.postgres)
      let all = Set(0..<Rig.partitions)
      let first = try rig.start(["--http", "0"])
      try until("the first to have all", telling: { first.text }) { try first.partitions() == all }
      let second = try rig.start(["--http", "0"])
      try until("two to share", telling: { first.text + second.text }) {
        let (one, other) = (try first.partitions(), try second.partitions())
        return !other.isEmpty && one.isDisjoint(with: other) && one.union(other) == all
      }
      for process in [first, second] { process.terminate() }
      for process in [first, second] { #expect(try process.wait().code == 0) }
    }
  }
}
