import TestPlaces
import Dataflow
import Declaration
import Features
import Foundation
import TestServers
import Testing
import TestNumbers

/// Replay equals live: the same log gives the same features, scores and states, in every bit, whatever the batches, the
/// workers and the crashes were.
@Suite struct ReplayEqualsLiveTests {
  /// How a log is worked off; all else is chosen by the seed.
  struct Way: Sendable, CustomTestStringConvertible {
    var seed: UInt64
    var table: TestTable.Kind
    /// Processes at once, and threads of each.
    var processes: Int
    var threads: Int
    var testDescription: String { "seed \(seed): \(processes) × \(threads) workers, \(table.rawValue)" }
  }

  /// With `TALLY_SEED` other histories than last time.
  private static let seed = ProcessInfo.processInfo.environment["TALLY_SEED"].flatMap { UInt64($0) } ?? 1

  static let ways = [
    Way(seed: seed, table: .sqlite, processes: 1, threads: 1),
    Way(seed: seed &+ 1, table: .sqlite, processes: 1, threads: 4),
    Way(seed: seed &+ 2, table: .postgres, processes: 2, threads: 1),
    Way(seed: seed &+ 3, table: .postgres, processes: 2, threads: 2),
  ]

  /// Kills of a log.
  private static let kills = 2
  /// Messages of the log.
  private static let count = 2_000

  @Test(arguments: ways)
  func everyWayGivesTheSame(_ way: Way) async throws {
    try await onThread {
      print("replay equals live, \(way.testDescription); other histories: TALLY_SEED=N")
      var random = SeededGenerator(seed: 0xd134_2543_de82_ef95 &* way.seed)
      let rig = try Rig(way.table)
      let messages = Self.log(rig)
      let pipeline = try Self.pipeline.get()
      try work(messages, way, rig, &random)
      let expected = try Self.undisturbed.get()
      let live = try RunDigest(rig, features: pipeline.features)
      #expect(live == expected, "\(way.testDescription)\n\(live.difference(from: expected))")

      try rig.broker.createTopic("replayed", partitions: Rig.partitions)
      let workers = [1, 2, 4].randomElement(using: &random) ?? 1
      let replay = try tally(
        ["replay", "--run", "again", "--workers", "\(workers)", "--to-topic", rig.broker.name("replayed")]
          + rig.connection + pipeline.options + Self.batches(upTo: 512, &random))
      #expect(replay.code == 0, "\(replay.text)")
      let replayed = try RunDigest(rig, features: pipeline.features, run: "again", topic: "replayed")
      #expect(replayed == expected, "replay, \(way.testDescription)\n\(replayed.difference(from: expected))")
      let verified = try tally(["verify", "--sample", "1"] + rig.connection + pipeline.options)
      #expect(verified.code == 0, "\(way.testDescription)\n\(verified.text)")
    }
  }

  /// Works a log off that grows, with kills in its middle, the last rest undisturbed.
  private func work(
    _ messages: [BrokerMessage], _ way: Way, _ rig: Rig, _ random: inout SeededGenerator
  ) throws {
    // A group gives a dead member's partitions to others only after this.
    let options = try ["--set", "kafka.session_timeout=3s"] + Self.pipeline.get().options
    var produced = 0
    func produce(_ count: Int) throws {
      let end = min(produced + count, messages.count)
      try rig.broker.produce(Array(messages[produced..<end]), to: "events")
      produced = end
    }
    func start(batch: Int) throws -> TallyProcess {
      try rig.start(["--workers", "\(way.threads)"] + options + Self.batches(upTo: batch, &random))
    }
    let part = messages.count / (Self.kills + 1)
    var running: [TallyProcess] = []
    for _ in 0..<Self.kills {
      try produce(part)
      while running.count < way.processes { running.append(try start(batch: 16)) }
      let before = rig.table.progress
      let goal = Int.random(in: min(before + 1, produced - 1)...(produced - 1), using: &random)
      try rig.waitForProgress(of: running, to: goal)
      let victim = running.remove(at: Int.random(in: 0..<running.count, using: &random))
      victim.kill9()
      #expect(victim.exitCode() == 128 + SIGKILL, "\(victim.text)")
    }
    try produce(messages.count)
    while running.count < way.processes { running.append(try start(batch: 512)) }
    try rig.waitForProgress(of: running, to: messages.count)
    for process in running {
      process.terminate()
      let ended = try process.wait()
      #expect(ended.code == 0, "\(ended.text)")
    }
  }

  /// The same messages in every rig, with the same timestamps.
  private static func log(_ rig: Rig) -> [BrokerMessage] {
    rig.mixedMessages().prefix(count).map { message in
      var dated = message
      dated.timestampMs = 1_800_000_000_000
      return dated
    }
  }

  /// The pipeline with all features in its latest rows.
  private struct Pipeline {
    var options: [String]
    var features: [String]
  }

  private static let pipeline = Result {
    let text = readText(Places.pipeline)
    let features = try FeatureProgram(loadPipeline(yaml: text).features).columnNames
    guard let table = text.range(of: "\ntable:\n") else { throw TestFailure("no table section") }
    let file = try Places.write(
      text[..<table.lowerBound] + "\ntable: {features: [\(features.joined(separator: ", "))]}\n",
      as: "engagement.yaml")
    return Pipeline(options: ["--pipeline", file], features: features)
  }

  private static func batches(upTo most: Int, _ random: inout SeededGenerator) -> [String] {
    let rows = min(most, Int(exp2(Double.random(in: 0...9, using: &random))))
    return ["--set", "worker.batch_rows_max=\(rows)"]
  }

  /// One worker, the whole log at once.
  private static let undisturbed = Result {
    let rig = try Rig(.sqlite)
    try rig.broker.produce(log(rig), to: "events")
    let pipeline = try Self.pipeline.get()
    try rig.run(pipeline.options)
    let digest = try RunDigest(rig, features: pipeline.features)
    guard digest.count("topic") > count / 2, digest.count("states") > 10, pipeline.features.count > 40 else {
      throw TestFailure("too little to prove anything: \(digest.text)")
    }
    print("replay equals live, undisturbed: \(digest.text)")
    return digest
  }
}
