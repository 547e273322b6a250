import TestPlaces
import Foundation
import TestServers
import Testing

/// An id that comes back after 32 others is a new event: it has a state, a score and a row of its own.
@Suite struct RepeatedIDTests {
  private static let start: Int64 = 1_767_225_600_000_000

  private static func login(_ person: String, _ id: String, _ number: Int) -> BrokerMessage {
    BrokerMessage(
      person,
      "{\"event_id\":\"\(id)\",\"entity_id\":\"\(person)\",\"event_time_us\":\(start + Int64(number) * 1_000_000),"
        + "\"engagement\":{\"type\":\"login\"}}", contentType: "application/json")
  }

  /// Each of a person's 41 ids twice over, so that every second one repeats after 40 others, and some at once, as duplicates.
  private static func log(_ people: [String]) -> [BrokerMessage] {
    (0..<82).flatMap { number in
      people.flatMap { person in
        let message = login(person, "e\(number % 41)", number)
        return number % 10 == 3 ? [message, message] : [message]
      }
    }
  }

  /// Rows are what was scored and not erased, at any batch size, after a kill, and in a replay.
  @Test(arguments: TestTable.Kind.allCases)
  func asManyRowsAsScores(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let people = (0..<6).map { "p\($0)" }
      let messages = Self.log(people)
      let scored = 82 * people.count
      try rig.broker.produce(messages, to: "events")
      let settings = try Places.write("worker: {batch_rows_max: 7}\n", as: "tally.yaml")
      let process = try rig.start(["--config", settings])
      try rig.waitForProgress(of: process, to: 101)
      process.kill9()
      let last = try rig.run()
      #expect(last.output.contains("read "), "\(last.text)")
      #expect(try rig.ask(["status"]).output.contains("scored \(scored) "))
      #expect(rig.table.number("SELECT count(*) FROM scores") == scored)
      #expect(rig.table.number("SELECT count(*) FROM scores WHERE event_id = 'e0'") == 2 * people.count)
      #expect(rig.table.number("SELECT count(*) FROM latest_scores") == people.count)
      let verified = try rig.ask(["verify", "--sample", "1", "--all"])
      #expect(
        verified.code == 0 && verified.output.contains("scores: \(scored) compared"), "\(verified.text)")

      let replay = try rig.ask(["replay", "--run", "again"])
      #expect(replay.code == 0, "\(replay.text)")
      #expect(try rig.table.dump("again", place: true) == rig.table.dump("", place: true))

      try #require(rig.ask(["erase", people[0]]).code == 0)
      try rig.broker.produce([Self.login(people[0], "e0", 90)], to: "events")
      try rig.run()
      #expect(rig.table.number("SELECT count(*) FROM scores") == scored - 82 + 1)
      #expect(try rig.ask(["verify", "--sample", "1", "--all"]).code == 0)
    }
  }
}
