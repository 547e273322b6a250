import TestPlaces
import Foundation
import Ingest
import TestServers
import Testing

@testable import Configuration
@testable import tally

/// Pipelines that have ticks and erasures signed, in every command that reads the log.
@Suite struct SignedControlTests {
  private static let first = String(repeating: "first-key-", count: 4)
  private static let second = String(repeating: "second-key-", count: 4)

  private func id(_ key: String) throws -> String { try #require(ControlKey(Array(key.utf8))).id }

  private func keyFile(_ keys: String..., mode: mode_t = 0o600) throws -> String {
    let path = try Places.write(keys.joined(separator: "\n") + "\n", as: "control.key")
    chmod(path, mode)
    return path
  }

  /// The tests' pipeline with a `control:`.
  private func pipeline(_ control: String) throws -> String {
    try Places.write(readText(Places.pipeline) + "\ncontrol: \(control)\n", as: "engagement.yaml")
  }

  private func options(_ pipeline: String, _ keys: String?) -> [String] {
    ["--pipeline", pipeline] + (keys.map { ["--set", "control.key_file=\($0)"] } ?? [])
  }

  private func command(_ words: [String], _ rig: Rig, _ own: [String]) throws -> TallyResult {
    // The last --pipeline counts.
    var connection = rig.connection
    connection.removeSubrange(0..<2)
    return try tally(words + connection + own)
  }

  @Test(arguments: TestTable.Kind.allCases)
  func onlySignedErasuresCount(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let keys = try keyFile(Self.first)
      let own = options(try pipeline("[{key: \(try id(Self.first))}]"), keys)
      let foreign = options(try pipeline("[{key: \(try id(Self.second))}]"), try keyFile(Self.second))
      let people = rig.history.people
      func forged(_ person: String) -> BrokerMessage {
        BrokerMessage(
          person,
          "{\"event_id\":\"forged\",\"entity_id\":\"\(person)\",\"event_time_us\":1767225600000000,\"erasure\":{}}",
          contentType: "application/json")
      }
      try rig.broker.produce(rig.history.messages + [forged(people[0])], to: "events")
      let run = try command(["run", "--until-end"], rig, own)
      #expect(run.code == 0, "\(run.text)")
      // By another key, and unsigned: letters. By the pipeline's: done.
      #expect(try command(["erase", people[1]], rig, foreign).code == 0)
      #expect(try rig.ask(["erase", people[2]]).code == 0)
      #expect(try command(["erase", people[3]], rig, own).code == 0)
      let time = kind == .sqlite ? "event_time" : "(extract(epoch FROM event_time) * 1000000)::bigint"
      let latest = try #require(rig.table.number("SELECT max(\(time)) FROM scores"))
      let ticks = try command(
        ["tick", "--idle", "1d", "--now", "\(latest + 2 * 86_400_000_000)"], rig, own)
      #expect(ticks.code == 0 && ticks.output.contains("tick: \(people.count) ticks"), "\(ticks.text)")
      let again = try command(["run", "--until-end"], rig, own)
      #expect(again.code == 0, "\(again.text)")
      let totals = try Totals(again.output)
      // The erased person has no state for a tick.
      #expect(totals.scored == people.count - 1 && totals.deadLettered == 3, "\(again.output)")
      #expect(
        again.output.contains("not-signed: 2") && again.output.contains(" + erased 1 + "), "\(again.output)")
      for (person, isThere) in zip(people, [true, true, true, false]) {
        let rows = rig.table.number("SELECT count(*) FROM scores WHERE entity_id = '\(person)'") ?? 0
        #expect(rows > 0 || !isThere)
        #expect((rows > 0) == isThere, "\(person)")
      }
      let listed = try command(["dead-letters", "list", "--reason", "not-signed"], rig, own)
      #expect(listed.output.contains("no header tally-signature"), "\(listed.text)")
      #expect(listed.output.contains("by another key than \(try id(Self.first))"), "\(listed.text)")
      #expect(!listed.text.contains(Self.first) && !run.text.contains(Self.first))

      // Rebuilt, replayed and verified, the same.
      let live = try rig.table.scores()
      let states = Set(try rig.storedStates().values)
      let verified = try command(["verify", "--sample", "1"], rig, own)
      #expect(verified.code == 0, "\(verified.text)")
      let replayed = try command(["replay", "--run", "again"], rig, own)
      #expect(replayed.code == 0, "\(replayed.text)")
      #expect(try rig.table.scores(of: "again") == live)
      #expect(Set(try rig.storedStates().values) == states)
      let rebuilt = try command(["rebuild"], rig, own)
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(Set(try rig.states().values) == states)
      // Without the keys, with others, or as another pipeline: refused, by everybody.
      for words in [["run", "--until-end"], ["verify"], ["replay"], ["rebuild"], ["erase", "x"], ["tick"]] {
        let without = try command(words, rig, options(own[1], nil))
        #expect(
          without.code == 1 && without.errors.contains("no control.key_file"), "\(words): \(without.text)")
      }
      let other = try command(["verify"], rig, options(own[1], try keyFile(Self.second)))
      #expect(try other.code == 1 && other.errors.contains(id(Self.first)), "\(other.text)")
      let unsigned = try command(["run", "--until-end"], rig, options(Places.pipeline, nil))
      #expect(unsigned.code == 1 && unsigned.errors.contains("definition"), "\(unsigned.text)")
    }
  }

  /// From a moment on: what lies before it needs no signature, and states made anew agree.
  @Test func turnedOnLater() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.produceHistory()
      try rig.run()
      let people = rig.history.people
      #expect(try rig.ask(["erase", people[0]]).code == 0)
      try rig.run()
      let since = Int64(Date().timeIntervalSince1970 * 1_000_000) + 1_000
      try until("the next millisecond") { Int64(Date().timeIntervalSince1970 * 1_000_000) > since + 2_000 }
      let own = options(
        try pipeline("[{key: \(try id(Self.first)), since_us: \(since)}]"),
        try keyFile(Self.second, Self.first))
      let refused = try command(["run", "--until-end"], rig, own)
      #expect(refused.code == 1 && refused.errors.contains("definition"), "\(refused.text)")
      let rebuilt = try command(["rebuild"], rig, own)
      #expect(rebuilt.code == 0, "\(rebuilt.text)")
      #expect(try rig.ask(["erase", people[1]]).code == 0, "by somebody who has no key")
      #expect(try command(["erase", people[2]], rig, own).code == 0)
      let run = try command(["run", "--until-end"], rig, own)
      #expect(run.code == 0 && run.output.contains("not-signed: 1"), "\(run.text)")
      for (person, isThere) in zip(people, [false, true, false]) {
        let features = try command(["features", person], rig, own)
        #expect((features.code == 0 && !features.output.hasPrefix("0 events")) == isThere, "\(features.text)")
      }
    }
  }

  @Test func filesOfKeysAreChecked() async throws {
    try await onThread {
      let pipeline = try pipeline("[{key: \(try id(Self.first))}]")
      func refused(_ keys: String, _ text: String, _ file: String = pipeline) throws {
        let result = try tally(["erase", "x"] + options(file, keys))
        #expect(result.code == 1 && result.errors.contains(text), "\(result.text)")
        #expect(!result.text.contains(Self.first) && !result.text.contains(Self.second))
      }
      try refused(try keyFile(Self.first, mode: 0o640), "others may read")
      try refused(try keyFile(Self.first, "short"), "key number 2")
      try refused(try keyFile(Self.second), "found the keys \(try id(Self.second))")
      try refused(try keyFile(Self.first), "does not ask for signatures", Places.pipeline)
      let checked = try tally(["check", pipeline])
      #expect(
        checked.output.contains("signed by key \(try id(Self.first)) from the beginning"), "\(checked.text)")
      for (control, text) in [
        ("[{key: ABC}]", "16 digits"), ("[{id: x}]", "the key \"id\""),
        ("[{key: 0123456789abcdef, since_us: 5}]", "from"),
        ("[{key: 0123456789abcdef}, {key: 0123456789abcdee}]", "a later since_us"), ("on", "a list"),
      ] {
        let wrong = try tally(["check", try self.pipeline(control)])
        #expect(wrong.code == 1 && wrong.errors.contains(text), "\(control): \(wrong.text)")
      }
    }
  }
}
