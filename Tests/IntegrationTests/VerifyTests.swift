import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally verify`: equal after a run, also beside one; every kind of difference is found, with its count and size.
@Suite struct VerifyTests {
  /// A log with everything in it: duplicates, erasures, letters; scored in odd batches.
  @Test(arguments: TestTable.Kind.allCases)
  func equalAfterARun(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let person = rig.history.people[5]
      let messages = rig.mixedMessages()
      try rig.broker.produce(messages, to: "events")
      let settings = try Places.write("worker: {batch_rows_max: 37}\n", as: "tally.yaml")
      try rig.run(["--config", settings])
      try #require(rig.ask(["erase", person]).code == 0)
      try #require(rig.ask(["erase", "nobody-at-all"]).code == 0)
      try rig.run()

      let all = try rig.verified(["--sample", "1", "--all"])
      #expect(all.code == 0, "\(all.text)")
      let report = try Findings(all)
      let rows = rig.table.number("SELECT count(*) FROM scores") ?? -1
      #expect(rows > 3000)
      #expect(report["scores"] == Findings.Counts(compared: rows, equal: rows))
      let latest = rig.table.number("SELECT count(*) FROM latest_scores") ?? -1
      #expect(report["latest_scores"] == Findings.Counts(compared: latest, equal: latest))
      let states = try rig.states().count
      #expect(report["states"] == Findings.Counts(compared: states, equal: states))

      // A sample, and another one; only the last offsets; nobody is named.
      let one = try Findings(try rig.verified(["--sample", "0.3", "--seed", "1"]))
      let two = try Findings(try rig.verified(["--sample", "0.3", "--seed", "2"]))
      #expect(one.people > 0 && one.people < rig.history.people.count && one != two)
      #expect((one["scores"]?.equal ?? 0) > 0 && one["scores"]?.equal == one["scores"]?.compared)
      let last = try Findings(try rig.verified(["--sample", "1", "--last", "10"]))
      let some = last["scores"]?.equal ?? 0
      #expect(some > 0 && some <= 10 * Rig.partitions)
      #expect(last["latest_scores"] == report["latest_scores"])
      let text = try rig.ask(["verify", "--sample", "1"])
      #expect(text.code == 0 && text.output.hasSuffix("equal\n"), "\(text.text)")
      #expect(rig.history.people.allSatisfy { !text.text.contains($0) }, "people stay out of reports")

      let known = try rig.ask(["verify", "--entity", rig.history.people[0]])
      #expect(known.code == 0 && known.output.contains("latest_scores: 1 compared, 1 equal"), "\(known.text)")
      let gone = try rig.ask(["verify", "--entity", "who-never-was"])
      #expect(gone.code == 0 && gone.output.contains("latest_scores: 0 compared"), "\(gone.text)")
      let without = try tally(["verify", "--sample", "1", "--no-table"] + rig.connectionWithoutTable)
      #expect(without.code == 0 && !without.output.contains("scores:"), "\(without.text)")
      #expect(without.output.contains("states: \(states) compared, \(states) equal"))
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func everyKindOfDifferenceIsFound(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      try rig.produceHistory()
      try rig.run()
      let rows = rig.history.events.count
      let people = rig.history.people.count
      let table = rig.table

      let place = "\"partition\" = 1 AND \"offset\""
      _ = try table.query("UPDATE scores SET engagement = engagement + 0.25 WHERE \(place) = 20")
      _ = try table.query("UPDATE scores SET engagement = engagement - 0.125 WHERE \(place) = 30")
      _ = try table.query("UPDATE scores SET engagement_category = 'nonsense' WHERE \(place) = 30")
      _ = try table.query("UPDATE scores SET churn = NULL WHERE \(place) = 40")
      _ = try table.query("DELETE FROM scores WHERE \(place) = 50")
      _ = try table.query(
        """
        INSERT INTO scores (pipeline, entity_id, event_id, event_time, as_of, topic, "partition", "offset", engagement,
          churn, lifetime_value, engagement_category, intervene, model_versions, definition, scored_at)
        SELECT pipeline, 'a ghost', event_id, event_time, as_of, topic, "partition", 50, engagement,
          churn, lifetime_value, engagement_category, intervene, model_versions, definition, scored_at
        FROM scores WHERE \(place) = 60
        """)
      let found = try Findings(try rig.verified(["--sample", "1"]), code: 1)
      #expect(
        found["scores"]
          == Findings.Counts(
            compared: rows - 1, equal: rows - 4, different: 3, missing: 1, unexpected: 1))
      let engagement = try #require(found.column("scores", "engagement"))
      #expect(engagement.count == 2 && engagement.examples == ["1/20", "1/30"])
      #expect(abs((engagement.largest ?? 0) - 0.25) < 1e-6)
      #expect(found.column("scores", "engagement_category") == .init(count: 1, examples: ["1/30"]))
      #expect(found.column("scores", "churn") == .init(count: 1, examples: ["1/40"]))
      #expect(found.places("scores", "missing_at") == ["1/50"])
      #expect(found.places("scores", "unexpected_at") == ["1/50"])
      #expect(found["latest_scores"] == Findings.Counts(compared: people, equal: people))
      #expect(found["states"] == Findings.Counts(compared: people, equal: people))
      let text = try rig.ask(["verify", "--sample", "1"])
      #expect(
        text.code == 1 && text.output.contains("  engagement: 2, largest difference 0.2"), "\(text.text)")
      #expect(text.output.contains("tally replay") && !text.output.contains("ghost"), "\(text.text)")
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func latestRowsAndStates(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      try rig.produceHistory()
      try rig.run()
      let people = rig.history.people
      _ = try rig.table.query(
        "UPDATE latest_scores SET churn_risk_score = 1000 WHERE entity_id = '\(people[0])'")
      _ = try rig.table.query("UPDATE latest_scores SET \"offset\" = 1 WHERE entity_id = '\(people[1])'")
      _ = try rig.table.query("DELETE FROM latest_scores WHERE entity_id = '\(people[2])'")
      _ = try rig.table.query("UPDATE latest_scores SET as_of = event_time WHERE as_of <> event_time")

      // Another person's state, no state, no sense, and one who must not be there.
      let keys = try people.prefix(9).map { try rig.stateKey($0) }
      try rig.redis.command(
        "EVAL", "redis.call('SET', KEYS[1], redis.call('GET', KEYS[2]))", "2", keys[3], keys[4])
      try rig.redis.command("DEL", keys[5])
      try rig.redis.command("SET", keys[6], "nonsense")
      let found = try Findings(try rig.verified(["--sample", "1"]), code: 1)
      #expect(
        found["states"]
          == Findings.Counts(
            compared: people.count - 1, equal: people.count - 3, different: 2, missing: 1))
      #expect(found.column("states", "(cannot be read)")?.count == 1)
      let connections = try #require(found.column("states", "total_connections"))
      #expect(connections.count == 1 && (connections.largest ?? 0) >= 1)
      let latest = try #require(found["latest_scores"])
      #expect(latest.compared == people.count - 1 && latest.missing == 1 && latest.different >= 2)
      #expect((found.column("latest_scores", "churn_risk_score")?.largest ?? 0) > 900)
      #expect(found.column("latest_scores", "offset")?.count == 1)
      let text = try rig.ask(["verify", "--sample", "1"])
      #expect(text.output.contains("tally rebuild"), "\(text.text)")

      // What it says to do makes it equal again.
      try #require(rig.ask(["rebuild"]).code == 0)
      let mended = try Findings(try rig.verified(["--sample", "1"]), code: 1)
      #expect(mended["states"] == Findings.Counts(compared: people.count, equal: people.count))
    }
  }

  /// No false alarm while rows and states move, people are erased and letters come.
  @Test(arguments: TestTable.Kind.allCases)
  func besideARunningPipeline(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let messages = rig.mixedMessages()
      try rig.broker.produce(Array(messages[..<600]), to: "events")
      let settings = try Places.write("worker: {batch_rows_max: 3}\n", as: "tally.yaml")
      try rig.run(["--config", settings])
      let process = try rig.start(["--config", settings, "--workers", "2"])
      try rig.broker.produce(Array(messages[600...]), to: "events")
      try rig.waitForProgress(of: process, to: 700)
      var moving = 0
      while rig.table.progress < messages.count || moving == 0 {
        let before = rig.table.progress
        if let person = rig.history.people.randomElement() {
          try #require(rig.ask(["erase", person]).code == 0)
        }
        let found = try rig.verified(["--sample", "1", "--all"])
        #expect(found.code == 0, "\(found.text)")
        if rig.table.progress > before { moving += 1 }
        guard found.code == 0 else { break }
      }
      process.terminate()
      #expect(try process.wait().code == 0)
      try rig.run()
      let end = try rig.verified(["--sample", "1", "--all"])
      #expect(end.code == 0, "\(end.text)")
    }
  }

  /// While all states are made anew in another generation: equal, or a word that it must be tried again.
  @Test func besideARebuild() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = rig.mixedMessages()
      try rig.broker.produce(messages, to: "events")
      try rig.run()
      let process = try TallyProcess(
        ["rebuild", "--set", "worker.batch_rows_max=3"] + rig.connection)
      var equal = 0
      while process.exitCode() == nil {
        let found = try rig.verified(["--sample", "1"])
        if found.code == 0 {
          equal += 1
        } else {
          #expect(found.errors.contains("try again"), "\(found.text)")
        }
      }
      #expect(try process.wait().code == 0 && equal > 0, "\(process.text)")
      let end = try rig.verified(["--sample", "1"])
      #expect(end.code == 0, "\(end.text)")
    }
  }
}
