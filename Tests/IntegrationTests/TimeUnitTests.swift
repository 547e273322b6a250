import TestPlaces
import Foundation
import TestServers
import Testing

/// Event times in seconds, milliseconds and nanoseconds: the same dead letters wherever a log is read.
@Suite struct TimeUnitTests {
  private static let units: [(name: String, text: String)] = [
    ("s", "1767225600"), ("ms", "1767225600000"), ("ns", "1767225600000000000"), ("us", "1767225600000000"),
  ]
  private static let kinds = [
    "\"engagement\":{\"type\":\"login\"}", "\"profile\":{\"attributes\":{\"age\":30}}", "\"tick\":{}",
    "\"erasure\":{}",
  ]

  private static func event(_ unit: (name: String, text: String), _ kind: Int) -> String {
    "{\"event_id\":\"\(unit.name)\(kind)\",\"entity_id\":\"p-\(unit.name)\",\"event_time_us\":\(unit.text),\(kinds[kind])}"
  }

  @Test(arguments: TestTable.Kind.allCases)
  func liveReplayAndVerify(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      for unit in Self.units {
        try rig.broker.produce(
          (0..<4).map { BrokerMessage("p-\(unit.name)", Self.event(unit, $0)) }, to: "events")
      }
      let expected = Totals(read: 16, scored: 3, deadLettered: 12)
      #expect(try Totals(try rig.run().output).deadLettered == expected.deadLettered)
      for (unit, word) in [("s", "seconds"), ("ms", "milliseconds"), ("ns", "nanoseconds")] {
        let letters = try rig.table.query(
          "SELECT detail FROM dead_letters WHERE reason = 'invalid-time' AND detail LIKE '% looks like \(word) since%'"
        )
        #expect(letters.count == 4, "\(unit)")
      }
      #expect(rig.table.number("SELECT count(*) FROM dead_letters WHERE detail LIKE '%17672%'") == 0)
      let all = try rig.table.query("SELECT \"partition\", \"offset\" FROM dead_letters LIMIT 1")[0]
      let shown = try rig.ask(["dead-letters", "show", "\(all[0])/\(all[1])"])
      #expect(
        shown.output.contains("a replay would end as invalid-time: event_time_us looks like"), "\(shown.text)"
      )
      let replay = try rig.ask(["replay", "--run", "units"])
      #expect(replay.code == 0 && replay.output.contains("invalid-time: 12"), "\(replay.text)")
      #expect(try rig.ask(["verify", "--sample", "1"]).code == 0)
      let features = try rig.ask(["features", "p-ms", "--from-log"])
      #expect(features.code == 1)
      #expect(
        features.errors.contains("invalid-time: 12 (the first: event_time_us looks like"), "\(features.text)")
    }
  }

  /// An event of 2088 in a file: taken as it is with a word of warning, or refused by a declared instant, by all that read files.
  @Test func latest() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let lines = [Self.event(Self.units[3], 0), Self.event(("late", "3750000000000000"), 0)]
      let file = try Places.write(lines.joined(separator: "\n") + "\n", as: "events.jsonl")
      let free = try rig.ask(["replay", file, "--run", "free", "--store", "memory"])
      #expect(free.output.contains("scored 2") && free.errors.contains("--latest TIME"), "\(free.text)")
      let bound = ["--latest", "2026-01-01T00:00:00Z"]
      let held = try rig.ask(["replay", file, "--run", "held"] + bound)
      #expect(
        held.output.contains("scored 1 + duplicate 0 + dead-lettered 1 (future-time: 1)"), "\(held.text)")
      #expect(!held.errors.contains("--latest TIME"))
      // Another instant is another log: the run does not go on with it.
      let other = try rig.ask(["replay", file, "--run", "held", "--latest", "2027-01-01T00:00:00Z"])
      #expect(other.code == 1, "\(other.text)")
      let features = try rig.ask(["features", "p-late", "--events", file] + bound)
      #expect(features.code == 1 && features.errors.contains("future-time: 1"), "\(features.text)")
      let seconds = try rig.ask(["replay", file, "--run", "s", "--latest", "1767225600"])
      #expect(seconds.code == 1 && seconds.errors.contains("looks like seconds"), "\(seconds.text)")
      let topic = try rig.ask(["replay", "--run", "topic"] + bound)
      #expect(topic.code == 64 && topic.errors.contains("--latest goes with files only"), "\(topic.text)")
    }
  }

  /// Without a bound nothing in a file is too far ahead of anything.
  @Test func files() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let lines = Self.units.flatMap { unit in (0..<3).map { Self.event(unit, $0) } }
      let file = try Places.write(lines.joined(separator: "\n") + "\n", as: "events.jsonl")
      let replay = try rig.ask(["replay", file, "--run", "files", "--store", "memory"])
      #expect(
        replay.code == 0 && replay.output.contains("dead-lettered 9 (invalid-time: 9)"), "\(replay.text)")
      let labels = "entity_id,label_time_us,churn_30_day\np-us,1767225600000001,1\n"
      let train = try rig.ask([
        "train", "--events", file, "--labels", try Places.write(labels, as: "labels.csv"), "--only", "churn",
      ])
      #expect(
        train.output.contains("invalid-time: 9 (the first: event_time_us looks like seconds since 1970"),
        "\(train.text)")
      let seconds = labels.replacingOccurrences(of: "1767225600000001", with: "1767225600")
      let refused = try rig.ask([
        "train", "--events", file, "--labels", try Places.write(seconds, as: "labels.csv"), "--only", "churn",
      ])
      #expect(
        refused.code == 1 && refused.errors.contains(":2: label_time_us looks like seconds"),
        "\(refused.text)")
    }
  }

  @Test(arguments: [
    (["features", "p", "--as-of", "1767225600"], "--as-of 1767225600: the number looks like seconds"),
    (["tick", "--now", "1767225600000"], "--now 1767225600000: the number looks like milliseconds"),
    (["dead-letters", "list", "--since", "1767225600"], "--since 1767225600: the number looks like seconds"),
    (["generate", "--labels", "/dev/null", "--end-time", "1767225600000000"], "--end-time takes seconds"),
  ])
  func options(_ command: [String], _ expected: String) async throws {
    try await onThread {
      let isLocal = command[0] == "generate"
      let result = try isLocal ? tally(command) : try Rig(.sqlite).ask(command)
      #expect(result.code != 0 && result.errors.contains(expected), "\(result.text)")
    }
  }
}
