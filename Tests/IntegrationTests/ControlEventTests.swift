import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally tick` and `tally erase`.
@Suite struct ControlEventTests {
  @Test(arguments: TestTable.Kind.allCases)
  func erasedFromStateRowsAndLetters(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let person = rig.history.people[5]
      try rig.produceHistory()
      // Letters under the person's key, and one that only names the person.
      try rig.broker.produce(
        [
          BrokerMessage(person, "not an event", contentType: "application/json"),
          BrokerMessage(
            "somebody-else",
            "{\"event_id\":\"x\",\"entity_id\":\"\(person)\",\"event_time_us\":1767225600000000,"
              + "\"engagement\":{\"type\":\"login\"}}", contentType: "application/json"),
          BrokerMessage("somebody-else", "not an event either", contentType: "application/json"),
        ], to: "events")
      let process = try rig.start()
      try rig.waitForProgress(of: process, to: rig.history.events.count + 3)
      _ = try rig.stateKey(person)
      #expect(rig.table.number("SELECT count(*) FROM dead_letters") == 3)
      let others = "SELECT count(*) FROM scores WHERE entity_id <> '\(person)'"
      let othersBefore = rig.table.number(others)

      let erased = try rig.ask(["erase", person, "--wait", "30"])
      #expect(erased.code == 0, "\(erased.text)")
      #expect(try rig.redis.command("EXISTS", try erasedKey(rig, person)) == "0")
      for table in ["scores", "latest_scores"] {
        #expect(rig.table.number("SELECT count(*) FROM \(table) WHERE entity_id = '\(person)'") == 0)
      }
      #expect(rig.table.number("SELECT count(*) FROM dead_letters") == 1)
      #expect(rig.table.number(others) == othersBefore)

      // What comes later starts from nothing.
      try rig.broker.produce(
        [
          BrokerMessage(
            person,
            "{\"event_id\":\"new\",\"entity_id\":\"\(person)\",\"event_time_us\":1767225600000000,"
              + "\"engagement\":{\"type\":\"login\"}}", contentType: "application/json")
        ], to: "events")
      try rig.waitForProgress(of: process, to: rig.history.events.count + 5)
      process.terminate()
      #expect(try process.wait().code == 0)
      #expect(process.output.contains(" + erased 1 + "), "\(process.output)")
      #expect(try rig.ask(["status"]).output.contains(" + erased 1 + "))
      let now = try rig.ask(["features", person])
      #expect(now.output.hasPrefix("1 events"), "\(now.text)")
      #expect(!process.text.contains(person), "people stay out of logs")

      // The same from the log, in another generation.
      let states = try rig.storedStates()
      let run = try tally(
        ["run", "--until-end"] + rig.connectionWithoutTable
          + ["--no-table", "--generation", "2", "--group", rig.broker.name("again")])
      #expect(run.code == 0, "\(run.text.suffix(600))")
      let both = try rig.storedStates()
      #expect(
        states.allSatisfy { both[$0.key.replacingOccurrences(of: "/1/", with: "/2/")] == $0.value })
      #expect(both.count == 2 * states.count)
    }
  }

  private func erasedKey(_ rig: Rig, _ person: String) throws -> String {
    // The key it had: that of any other person of its partition with the id exchanged.
    guard let other = try? rig.stateKey(rig.history.people[6]) else { return "" }
    return other.replacingOccurrences(of: rig.history.people[6], with: person)
  }

  @Test func theSilentAreTicked() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let people = rig.history.people.count
      let latest = try #require(rig.table.number("SELECT max(event_time) FROM scores"))
      let now = ["--now", "\(latest + 5 * 86_400_000_000)"]

      let dry = try rig.ask(["tick", "--dry-run"] + now)
      #expect(dry.code == 0 && dry.output.contains("would be appended for \(people) entities"), "\(dry.text)")
      #expect(try rig.count("events") == rig.history.events.count)

      let first = try rig.ask(["tick"] + now)
      let second = try rig.ask(["tick"] + now)
      #expect(first.code == 0 && second.code == 0, "\(first.text)\(second.text)")
      let ticks = (try rig.count("events") - rig.history.events.count) / 2
      #expect(ticks >= 2 * people, "everybody was silent for a day and for three")
      let run = try rig.run()
      #expect(try Totals(run.output) == Totals(read: 2 * ticks, scored: ticks, duplicate: ticks))

      // As of the tick, the days since are exactly the threshold.
      let days = try rig.table.query(
        "SELECT event_id, days_since_last_login, as_of FROM latest_scores WHERE entity_id = '\(rig.history.people[0])'"
      )[0]
      #expect(days[0].hasPrefix("tick-"), "\(days)")
      let third = try rig.ask(["tick"] + now)
      #expect(third.output.contains("tick: 0 ticks"), "\(third.text)")
      let later = try rig.ask([
        "tick", "--dry-run", "--idle", "30d", "--now", "\(latest + 31 * 86_400_000_000)",
      ])
      #expect(later.output.contains("tick: \(people) ticks would"), "\(later.text)")
    }
  }

  /// Somebody who comes back after a tick: the tick is not an event of theirs.
  @Test func tickedThenActiveAgain() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let day: Int64 = 86_400_000_000
      let start: Int64 = 1_767_225_600_000_000
      func login(_ id: String, _ time: Int64) -> BrokerMessage {
        BrokerMessage(
          "p",
          "{\"event_id\":\"\(id)\",\"entity_id\":\"p\",\"event_time_us\":\(time),"
            + "\"engagement\":{\"type\":\"login\"}}", contentType: "application/json")
      }
      try rig.broker.produce([login("a", start)], to: "events")
      try rig.run()
      #expect(try rig.ask(["tick", "--now", "\(start + 2 * day)"]).output.contains("tick: 1 ticks"))
      try rig.run()
      #expect(try rig.ask(["tick", "--now", "\(start + 4 * day)"]).output.contains("tick: 1 ticks"))
      try rig.run()
      try rig.broker.produce([login("b", start + 5 * day)], to: "events")
      try rig.run()
      let rows = try rig.table.query(
        "SELECT event_id, as_of FROM scores WHERE entity_id = 'p' ORDER BY \"offset\"")
      #expect(
        rows == [
          ["a", "\(start)"], ["tick-1d-\(start)", "\(start + day)"],
          ["tick-3d-\(start)", "\(start + 3 * day)"], ["b", "\(start + 5 * day)"],
        ])
      #expect(try rig.ask(["features", "p"]).output.hasPrefix("2 events"))
      #expect(try rig.ask(["tick", "--now", "\(start + 5 * day)"]).output.contains("tick: 0 ticks"))
      #expect(try rig.ask(["tick", "--now", "\(start + 6 * day)"]).output.contains("tick: 1 ticks"))
    }
  }

  @Test func wrongUse() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      #expect(try rig.ask(["erase", ""]).code == 1)
      #expect(try rig.ask(["erase", "x", "--vacuum"]).code == 64)
      #expect(try rig.ask(["tick", "--idle", "3d,1d"]).errors.contains("ascending"))
      #expect(try rig.ask(["tick", "--idle", "soon"]).errors.contains("15m, 12h or 7d"))
    }
  }
}
