import TestPlaces
import Foundation
import Kafka
import TestServers
import Testing

/// Topics whose log may lack records in its middle.
@Suite struct CompactedTests {
  private static let isReal = ProcessInfo.processInfo.environment["TALLY_BROKERS"] != nil

  /// The embedded broker does not know the question: every command that asks says so once and goes on.
  @Test(.enabled(if: !isReal)) func whatCannotBeReadIsSaidOnce() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      for command in [["run", "--until-end"], ["verify"], ["rebuild"]] {
        let result = try rig.ask(command)
        #expect(result.code == 0, "\(result.text)")
        let lines = result.errors.split(separator: "\n").filter { $0.contains("cannot be read") }
        #expect(lines.count == 1, "\(command): \(result.text)")
        #expect(
          lines.first?.hasPrefix("tally: warning: topic \(rig.name("events")): ") == true, "\(lines)")
      }
    }
  }

  /// Messages that fit into one segment of every partition.
  private static let scoredFirst = 100

  @Test(.enabled(if: isReal, "needs TALLY_BROKERS"), arguments: ["compact", "compact,delete"])
  func areRefusedByAllThatReadTheLog(_ policy: String) async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let topic = try Self.makeTopic(rig, ["cleanup.policy": policy])
      let person = rig.history.people[0]
      for command in [
        ["run", "--until-end"], ["rebuild"], ["rebuild", "--entity", person], ["verify"],
        ["replay", "--store", "memory"], ["train", "--labels", "/nowhere.csv"],
        ["features", person, "--from-log"],
      ] {
        let result = try tally(command + rig.connection + ["--topic", topic])
        #expect(result.code == 1 && result.output.isEmpty, "\(command): \(result.text)")
        #expect(
          result.errors.hasPrefix("tally: topic \(topic): cleanup.policy is \(policy): "), "\(result.text)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.text)")
      }
      // A copy would look whole.
      let target = rig.broker.name("copy")
      let copy = ["copy", topic, target, "--brokers", rig.broker.bootstrapServers]
      let copied = try tally(copy)
      #expect(copied.code == 1 && copied.errors.contains("cleanup.policy is \(policy)"), "\(copied.text)")
      #expect(try tally(copy + ["--accept-compacted"]).code == 0)
      // What reads files, or no log at all, does not ask.
      for command in [
        ["replay", rig.history.file, "--store", "memory", "--run", "files"],
        ["features", person, "--events", rig.history.file], ["status"],
      ] {
        let result = try tally(command + rig.connection + ["--topic", topic])
        #expect(result.code == 0 && !result.errors.contains("cleanup.policy"), "\(command): \(result.text)")
      }
    }
  }

  /// A topic to copy to that forgets earlier, or loses its middle, would lose what was copied.
  @Test(.enabled(if: isReal, "needs TALLY_BROKERS")) func copiesAreKept() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let day = "retention.ms=86400000"
      let target = try Self.makeTopic(rig, ["retention.ms": "86400000"])
      let copy = ["copy", rig.name("events"), target] + rig.brokerOption
      let refused = try tally(copy)
      #expect(
        refused.code == 1 && refused.errors.contains("topic \(target): retention.ms is"), "\(refused.text)")
      let accepted = try tally(copy + ["--topic-config", day])
      #expect(accepted.code == 0 && accepted.errors.contains("the brokers soon remove"), "\(accepted.text)")
      let never = try tally(
        [
          "copy", rig.name("events"), rig.broker.name("never"), "--topic-config",
          "cleanup.policy=compact",
        ]
          + rig.brokerOption)
      #expect(never.code == 1 && never.errors.contains("let it be delete"), "\(never.text)")
    }
  }

  /// Accepted, cleaned by the brokers, and then: nothing is called equal or complete.
  @Test(.enabled(if: isReal, "needs TALLY_BROKERS")) func whatIsGoneIsSpokenOf() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let topic = try Self.makeTopic(
        rig, ["cleanup.policy": "compact", "segment.bytes": "65536", "min.cleanable.dirty.ratio": "0.01"])
      let accepted = rig.connection + ["--topic", topic, "--accept-compacted"]
      // The newest segment is never cleaned: what is scored first is whole.
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<Self.scoredFirst]), to: "compacted")
      let first = try rig.broker.readAll("compacted", committed: true).map(\.place)
      #expect(first.count == Self.scoredFirst)
      let scored = try tally(["run", "--until-end"] + accepted)
      #expect(scored.code == 0 && scored.errors.contains("nothing tells which"), "\(scored.text)")
      #expect(scored.output.contains("read \(Self.scoredFirst) = "), "\(scored.text)")
      try rig.broker.produce(Array(messages[Self.scoredFirst...]), to: "compacted")
      try until("the cleaner", seconds: 120) {
        let left = try rig.broker.readAll("compacted", committed: true).map(\.place)
        return !Set(first).isSubset(of: left)
      }
      let verified = try tally(["verify", "--sample", "1", "--all"] + accepted)
      #expect(verified.code == 3, "\(verified.text)")
      #expect(verified.output.contains("left out: "), "\(verified.text)")
      #expect(verified.output.contains("equal as far as the log reaches"), "\(verified.text)")
      let rebuilt = try tally(["rebuild"] + accepted)
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(
        rebuilt.output.contains(/rebuild: [1-9][0-9]* of [0-9]+ offsets hold no record/), "\(rebuilt.text)")
      let goneOn = try tally(["run", "--until-end"] + accepted)
      #expect(goneOn.code == 0, "\(goneOn.text)")
      let standing = try tally(["status"] + rig.connection + ["--topic", topic])
      #expect(standing.output.contains(/\nskipped [1-9][0-9]* offsets without a record/), "\(standing.text)")
    }
  }

  @Test(.enabled(if: isReal, "needs TALLY_BROKERS")) func lettersMustNotBeCompacted() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let topic = try Self.makeTopic(rig, ["cleanup.policy": "compact"])
      let result = try tally(
        ["run", "--until-end"] + rig.connection + ["--dead-letters-topic", topic])
      #expect(result.code == 1, "\(result.text)")
      #expect(result.errors.hasPrefix("tally: topic \(topic) of dead letters: "), "\(result.text)")
    }
  }

  /// Makes the topic "compacted" of a real broker. Returns the broker's name for it.
  private static func makeTopic(_ rig: Rig, _ settings: [String: String]) throws -> String {
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", rig.broker.bootstrapServers)]))
    defer { admin.close() }
    let name = rig.broker.name("compacted")
    _ = try admin.createTopic(
      name, partitions: Int32(Rig.partitions),
      settings: TestBroker.producersTimes.merging(settings) { $1 },
      timeoutMs: TestBroker.answerTimeoutMs)
    try until("the topic", seconds: 20) {
      try admin.metadata(topic: name, timeoutMs: TestBroker.answerTimeoutMs) != nil
    }
    return name
  }
}

extension BrokerMessage {
  /// PARTITION/OFFSET.
  fileprivate var place: String { "\(partition)/\(offset)" }
}
