import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally verify` where not everything can be compared: it says what it leaves out, or why it refuses.
@Suite struct VerifyEdgeTests {
  /// A table that came late, and other models: counted apart, no differences.
  @Test(arguments: TestTable.Kind.allCases)
  func rowsOfOtherTimes(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<1000]), to: "events")
      let bare = try tally(["run", "--until-end", "--no-table"] + rig.connectionWithoutTable)
      #expect(bare.code == 0, "\(bare.text)")
      let early = try rig.verified(["--sample", "1"])
      #expect(early.code == 0, "\(early.text)")
      // One partition has rows, three have none yet.
      try rig.broker.produce([messages[1000]], to: "events")
      try rig.run()
      let first = try Findings(try rig.verified(["--sample", "1"]))
      #expect(first["scores"] == Findings.Counts(compared: 1, equal: 1))
      try rig.broker.produce(Array(messages[1001..<2000]), to: "events")
      try rig.run()
      let late = try Findings(try rig.verified(["--sample", "1"]))
      #expect(late["scores"] == Findings.Counts(compared: 1000, equal: 1000))
      #expect(late.leftOut("scores") == ["from before the table's first row": 1000])

      let models = try otherModels(rig)
      try rig.broker.produce(Array(messages[2000...]), to: "events")
      let rest = messages.count - 2000
      try rig.run(["--models", models])
      let text = try tally(["verify", "--sample", "1"] + rig.connection + ["--models", models])
      #expect(text.code == 0 && text.output.contains("equal; left out: "), "\(text.text)")
      #expect(text.output.contains("1000 rows of scores (of other models)"), "\(text.text)")
      let mixed = try Findings(
        try tally(["verify", "--json", "--sample", "1"] + rig.connection + ["--models", models]))
      #expect(mixed["scores"] == Findings.Counts(compared: rest, equal: rest))
      #expect(
        mixed.leftOut("scores")
          == ["from before the table's first row": 1000, "of other models": 1000])
    }
  }

  /// Models with other trees.
  private func otherModels(_ rig: Rig) throws -> String {
    let folder = try Places.newFolder("models") + "/models"
    let labels = (rig.history.file as NSString).deletingLastPathComponent + "/labels.csv"
    let trained = try tally([
      "train", "--pipeline", Places.pipeline, "--events", rig.history.file, "--labels", labels, "--models",
      folder, "--trees", "5", "--depth", "3",
    ])
    guard trained.code == 0 else { throw TestFailure(trained.text) }
    return folder
  }

  /// A mock broker keeps 5 MB of a partition: what comes later pushes the first records out.
  @Test func aLogThatNoLongerReachesBack() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      guard rig.broker.mock != nil else { return }
      let messages = rig.history.messages
      try rig.broker.produce(messages, to: "events")
      try rig.run()
      // What cannot be packed: the broker counts packed bytes.
      let filler = (0..<200_000).map { _ in String(Int.random(in: 0...35), radix: 36) }.joined()
      let bad = (0..<25).map { _ in BrokerMessage("filler", filler, contentType: "application/json") }
      try rig.broker.produce([bad[0]], to: "events")
      // In two parts: what is not scored yet must not be pushed out.
      try rig.broker.produce(bad, to: "events")
      try rig.run()
      try rig.broker.produce(bad, to: "events")
      // Someone whose first events come now.
      let new = messages.indices.filter { rig.history.events[$0].key == rig.history.people[0] }.map {
        let event = rig.history.events[$0]
        return BrokerMessage(
          "filler", event.value.replacingOccurrences(of: event.key, with: "filler"),
          contentType: "application/json")
      }
      try rig.broker.produce(new, to: "events")
      try rig.run()
      let text = try rig.ask(["verify", "--sample", "1"])
      #expect(
        text.code == 3 && text.output.contains("equal as far as the log reaches; left out: "), "\(text.text)")
      let some = try Findings(try rig.verified(["--sample", "1"]), code: 3)
      #expect(some.outcome == "equal-as-far-as-the-log-reaches")
      #expect(some.leftOutOfAll["people"] == some.olderThanLog)
      #expect(text.output.contains("\(some.olderThanLog) entities (the log no longer has all their events)"))
      #expect(some.olderThanLog > 0 && some.olderThanLog < rig.history.people.count)
      #expect(some["states"]?.compared == rig.history.people.count + 1 - some.olderThanLog)
      #expect((some["scores"]?.compared ?? 0) >= new.count)
      let one = try rig.ask(["verify", "--entity", "filler"])
      #expect(one.code == 0 && one.output.contains("scores: \(new.count) compared"), "\(one.text)")
      _ = try rig.table.query("UPDATE scores SET churn = churn + 1 WHERE entity_id = 'filler'")
      let old = try #require(
        rig.history.people.first { old in
          (try? rig.ask(["verify", "--entity", old]))?.code == 3
        })
      #expect(try rig.ask(["verify", "--entity", old]).output.contains("left out: 1 entities"))
      let two = try rig.ask(["verify", "--entity", "filler"])
      #expect(two.code == 1 && two.output.contains("churn: \(new.count), largest"), "\(two.text)")
    }
  }

  /// A person whom producers sent to two partitions, and one whose state could not be read for a while.
  @Test func deadLettersOfTheStore() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.history.messages
      try rig.broker.produce(Array(messages[..<2500]), to: "events")
      try rig.run()
      let counts = Dictionary(grouping: rig.history.events[2500..<3000].map(\.key), by: { $0 })
      let person = try #require(counts.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }).key
      try rig.redis.command("SET", try rig.stateKey(person), "nonsense")
      try rig.broker.produce(Array(messages[2500..<3000]), to: "events")
      try rig.run()
      try #require(rig.ask(["rebuild", "--entity", person]).code == 0)
      let hit = counts[person]?.count ?? 0
      let other = rig.history.people.first { $0 != person } ?? ""
      let event = try #require(rig.history.events[..<2500].last { $0.key == other })
      for partition in 0..<Int32(Rig.partitions) {
        try rig.broker.produce(
          [
            BrokerMessage(
              other, event.value.replacingOccurrences(of: "\"event_id\":\"", with: "\"event_id\":\"again-"),
              contentType: "application/json", partition: partition)
          ], to: "events")
      }
      try rig.run()
      let found = try Findings(try rig.verified(["--sample", "1"]))
      #expect(found.leftOut("scores") == ["a dead letter then (corrupt-state)": hit])
      #expect(found["states"]?.equal == found.people)
      let strays = rig.table.number("SELECT count(*) FROM dead_letters WHERE reason = 'wrong-partition'")
      #expect(strays == Rig.partitions - 1)
    }
  }

  @Test func refusals() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let fresh = try rig.ask(["verify"])
      #expect(fresh.code == 1 && fresh.errors.contains("nothing was scored yet"), "\(fresh.text)")
      try rig.produceHistory()
      try rig.run()
      for wrong in [
        ["--sample", "0"], ["--sample", "1.5"], ["--last", "0"], ["--entity", ""],
        ["--entity", "x", "--sample", "1"], ["--last", "9", "--all"],
      ] {
        #expect(try rig.ask(["verify"] + wrong).code == 64, "\(wrong)")
      }
      let help = try tally(["verify", "--help"]).output
      #expect(help.contains("tally verify --sample 0.1 --seed 7"))
      #expect(help.contains("Exit codes: 0 all equal, 1 different"))
      let changed = readText(Places.pipeline).replacingOccurrences(
        of: "sum(transaction.amount where not (role == \"buyer\"), 30d)",
        with: "sum(transaction.amount where role == \"buyer\", 30d)")
      let file = try Places.write(changed, as: "engagement.yaml")
      let other = try tally(["verify"] + rig.connection + ["--pipeline", file])
      #expect(other.code == 1 && other.errors.contains("another definition"), "\(other.text)")
      try rig.redis.command("DEL", rig.recordKey(2))
      let lost = try rig.ask(["verify"])
      #expect(lost.code == 1 && lost.errors.contains("tally rebuild"), "\(lost.text)")
    }
  }
}
