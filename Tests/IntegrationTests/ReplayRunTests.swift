import TestPlaces
import Foundation
import TestServers
import Testing

@testable import Operations
@testable import tally

/// `tally runs`, and what an erasure takes from replay runs.
@Suite struct ReplayRunTests {
  @Test(arguments: TestTable.Kind.allCases)
  func listedErasedAndCleared(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let person = rig.history.people[3]
      #expect(try rig.ask(["runs"]).output == "no runs\n")
      try rig.broker.produce(
        rig.history.messages + [BrokerMessage(person, "no event", contentType: "application/json")],
        to: "events")
      try rig.run()
      let states = try rig.storedStates()
      for run in ["january", "february"] {
        #expect(try rig.ask(["replay", "--run", run]).code == 0)
      }
      // From files: one partition, and no Redis.
      let file = try rig.ask(["replay", rig.history.file, "--run", "filed", "--store", "memory"])
      #expect(file.code == 0, "\(file.text)")
      let (events, people) = (rig.history.events.count, rig.history.people.count)
      let listed = try rig.ask(["runs", "--json"])
      #expect(listed.code == 0, "\(listed.text)")
      let lines = listed.output.split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      for (line, (name, kept, letters)) in zip(
        lines, [("february", people, 1), ("filed", 0, 0), ("january", people, 1)])
      {
        #expect(
          line.hasPrefix("{\"run\":\"\(name)\",") && line.contains("\"scores\":\(events),")
            && line.contains("\"people\":\(people),") && line.contains("\"letters\":\(letters),")
            && line.contains("\"states\":\(kept),") && !line.contains("null"), "\(line)")
      }
      let pretty = try rig.ask(["runs"])
      #expect(pretty.output.contains("january") && pretty.output.contains("2026-"), "\(pretty.text)")

      // An erasure, without waiting for the pipeline: runs are rid of the person at once, and of nobody else.
      let own = try rig.table.scores(of: "january").filter { $0.value.hasPrefix(person + "/") }.count
      #expect(own > 0)
      let erased = try rig.ask(["erase", person])
      #expect(erased.code == 0, "\(erased.text)")
      #expect(
        erased.output.contains(
          "\(3 * (own + 1) + 2) rows and 2 states removed from replay runs: february, filed, january"),
        "\(erased.text)")
      for run in ["january", "february", "filed"] {
        let left = try rig.table.scores(of: run)
        #expect(left.count == events - own && !left.values.contains { $0.hasPrefix(person + "/") })
      }
      #expect(
        try rig.storedStates().count == states.count + 2 * (people - 1), "the live state waits for the log")
      #expect(erased.output.contains("what stays:"), "\(erased.text)")
      let again = try rig.ask(["erase", person])
      #expect(!again.output.contains("removed from replay runs"), "\(again.text)")

      let dry = try rig.ask(["runs", "clear", "january", "filed", "--dry-run"])
      #expect(dry.code == 0 && dry.output.contains("january would be removed"), "\(dry.text)")
      #expect(try rig.ask(["runs", "clear", "january", "march"]).errors.contains("there is no run march"))
      #expect(try rig.ask(["runs", "clear"]).code == 64)
      #expect(try rig.ask(["runs", "clear", "january"]).code == 0)
      #expect((try? rig.table.scores(of: "january")) == nil)
      let rest = try rig.ask(["runs", "clear", "--all"])
      #expect(rest.code == 0 && rest.output.contains("february removed"), "\(rest.text)")
      #expect(try rig.ask(["runs"]).output == "no runs\n")
      #expect(try rig.storedStates() == states)

      // States alone are found by their generation.
      let without = try tally(["replay", "--run", "bare", "--no-table"] + rig.connectionWithoutTable)
      #expect(without.code == 0, "\(without.text)")
      let bare = try ReplayRun(name: "bare").generation
      let found = try rig.ask(["runs"])
      #expect(found.output.contains("generation \(bare)"), "\(found.text)")
      #expect(try rig.ask(["runs", "clear", "--of-generation", "1"]).code == 1)
      #expect(try rig.ask(["runs", "clear", "--of-generation", "\(bare)"]).code == 0)
      #expect(try rig.storedStates() == states)
    }
  }

  /// A run that cannot be reached does not keep the others back, and is told.
  @Test func aBrokenRunIsNamed() async throws {
    try await onThread {
      let folder = try Places.newFolder("broken-run")
      let rig = try Rig(.sqlite, folder: folder)
      try rig.broker.produce([DeadLetterTests.login("a", "alice")], to: "events")
      try rig.run()
      #expect(try rig.ask(["replay", "--run", "good"]).code == 0)
      try Data(String(repeating: "no database ", count: 400).utf8).write(
        to: URL(fileURLWithPath: folder + "/scores-replay-bad.db"))
      let erased = try rig.ask(["erase", "alice"])
      #expect(erased.code == 1 && erased.errors.contains("replay run bad:"), "\(erased.text)")
      #expect(erased.output.contains("2 rows and 1 states removed from replay runs: good"), "\(erased.text)")
      #expect(erased.output.contains("what stays:"))
    }
  }

  @Test func filesOfRunsAreTold() throws {
    #expect(ReplayRun(file: "tally-replay-january.db", beside: "/x/tally.db")?.name == "january")
    for other in [
      "tally.db", "tally-replay-.db", "tally-replay-j.db-wal", "other-replay-j.db", "tally-replay-J.db",
    ] {
      #expect(ReplayRun(file: other, beside: "/x/tally.db") == nil, "\(other)")
    }
    #expect(!ReplayRun.isGeneration(1) && !ReplayRun.isGeneration(1 << 63))
    #expect(try ReplayRun.isGeneration(ReplayRun(name: "x").generation))
  }
}
