import Foundation
import Ingest
import TestPlaces
import TestServers
import Testing

/// Sets of models that are exchanged where no state is kept: the set in force lies beside the group's offset.
@Suite struct WithoutStatePromotionTests {
  private static func message(_ number: Int) -> BrokerMessage {
    let person = "p\(number % 60)"
    let time = 1_700_000_000_000_000 + Int64(number) * 1_000_000
    return BrokerMessage(
      person,
      "{\"event_id\":\"e\(number)\",\"entity_id\":\"\(person)\",\"event_time_us\":\(time),\"profile\":"
        + "{\"mode\":\"snapshot\",\"attributes\":{\"age\":\(13 + number * 7919 % 100),\"plan\":\"free\"}}}",
      contentType: "application/json")
  }

  @Test(arguments: TestTable.Kind.allCases)
  func theSetInForceLiesBesideTheOffset(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let broker = try TestBroker.start(topics: [("events", 4), ("scores", 4), ("dead-letters", 1)])
      defer { broker.stop() }
      let table = try TestTable(kind)
      let folder = try Places.newFolder("without-state-promotion")
      let secret = String(repeating: "a-key-of-ours-", count: 3)
      let keys = try Places.write(secret + "\n", as: "control.key")
      chmod(keys, 0o600)
      let id = try #require(ControlKey(Array(secret.utf8))).id
      let pipeline = try Places.write(
        WithoutStateTests.pipeline + "\ncontrol: [{key: \(id)}]\n", as: "profiles.yaml")
      let own = [
        "--pipeline", pipeline, "--registry", folder + "/registry", "--set", "control.key_file=\(keys)",
        "--brokers", broker.bootstrapServers, "--topic", broker.name("events"), "--group",
        broker.name("tally"), "--scores-topic", broker.name("scores"), "--dead-letters-topic",
        broker.name("dead-letters"), "--redis", "redis://127.0.0.1:1/0", "--set", "checkpoints=\(folder)",
      ]
      func ask(_ words: [String]) throws -> TallyResult { try tally(words + own + table.options) }
      let messages = (0..<800).map(Self.message)
      var (lines, labels) = ("", "entity_id,label_time_us,value\n")
      for (number, message) in messages.enumerated() {
        lines += "p\(number % 60)\t\(String(decoding: message.value ?? [], as: UTF8.self))\n"
        labels +=
          "p\(number % 60),\(1_700_000_000_000_001 + Int64(number) * 1_000_000),\(13 + number * 7919 % 100)\n"
      }
      let (file, labelFile) = (
        try Places.write(lines, as: "events.jsonl"), try Places.write(labels, as: "labels.csv")
      )
      func train(_ trees: String) throws {
        let result = try tally(
          ["train", "--events", file, "--labels", labelFile, "--trees", trees, "--depth", "2"] + own)
        #expect(result.code == 0, "\(result.text)")
      }
      func promote(_ more: String...) throws -> TallyResult {
        try ask(["models", "promote", "value", "candidate", "--force", "--why", "x"] + more)
      }
      try train("5")
      #expect(try promote().code == 0)
      try broker.produce(Array(messages[..<400]), to: "events")
      let first = try ask(["run", "--until-end"])
      #expect(first.code == 0, "\(first.text)")
      try train("2")
      // Nobody can be asked.
      let refused = try promote()
      #expect(refused.code == 1 && refused.errors.contains("--unasked"), "\(refused.text)")
      let promoted = try promote("--unasked")
      #expect(promoted.code == 0 && promoted.output.contains("promotion 1"), "\(promoted.text)")
      try broker.produce(Array(messages[400...]), to: "events")
      let second = try ask(["run", "--until-end"])
      #expect(second.code == 0 && second.output.contains("promoted 4"), "\(second.text)")
      // Begun anew, with the set that the record says.
      try broker.produce([Self.message(801)], to: "events")
      #expect(try ask(["run", "--until-end"]).code == 0)
      let found = try table.query("SELECT model_versions, count(*) FROM scores GROUP BY 1 ORDER BY 2")
      #expect(found.map { $0[1] } == ["400", "401"], "\(found)")
      let status = try ask(["status"])
      #expect(status.output.contains("by promotion 1 on partitions 0, 1, 2, 3"), "\(status.text)")
      let verified = try ask(["verify", "--sample", "1"])
      #expect(verified.code == 0, "\(verified.text)")
      let replayed = try ask(["replay", "--run", "again"])
      #expect(replayed.code == 0, "\(replayed.text)")
      #expect(try table.profileScores(of: "again") == table.profileScores())
    }
  }
}
