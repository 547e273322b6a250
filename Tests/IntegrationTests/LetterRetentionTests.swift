import TestPlaces
import Foundation
import TestServers
import Testing

/// How letters leave the table: `dead_letters.keep` and `tally dead-letters purge`.
@Suite struct LetterRetentionTests {
  private static let day: Int64 = 86_400_000_000

  /// A rig with letters: `count` of alice, undecodable, and one too large of bob.
  private func rig(_ kind: TestTable.Kind, count: Int) throws -> Rig {
    let rig = try Rig(kind)
    let messages = (0..<count).map {
      BrokerMessage("alice", "no event \($0)", contentType: "application/json")
    }
    try rig.broker.produce(
      messages + [DeadLetterTests.login("big", "bob", note: String(repeating: "x", count: 300_000))],
      to: "events")
    let run = try rig.run()
    #expect(try Totals(run.output).read == count + 1)
    return rig
  }

  /// Makes the letters of one person look as old as that.
  private func age(_ rig: Rig, _ person: String, days: Int) throws {
    let moment = Int64(Date().timeIntervalSince1970 * 1_000_000) - Int64(days) * Self.day
    let (time, key) =
      rig.table.kind == .sqlite
      ? ("\(moment)", "CAST('\(person)' AS blob)")
      : ("'epoch'::timestamptz + \(moment) * interval '1 microsecond'", "convert_to('\(person)', 'UTF8')")
    _ = try rig.table.query("UPDATE dead_letters SET recorded_at = \(time) WHERE key = \(key)")
  }

  /// More than one statement's worth goes, beside a run; counters and younger letters stay, and the log says so.
  @Test(arguments: TestTable.Kind.allCases)
  func oldOnesGoByThemselves(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try rig(kind, count: 1_203)
      try age(rig, "alice", days: 91)
      try age(rig, "bob", days: 89)
      let letters = "SELECT count(*) FROM dead_letters"
      // Without the setting they stay.
      try rig.run()
      #expect(rig.table.number(letters) == 1_204)
      let process = try rig.start(["--set", "dead_letters.keep=90d"])
      try until("the old letters to go", telling: { process.text }) {
        rig.table.number(letters) == 1 || process.exitCode() != nil
      }
      try until("the run to say so", telling: { process.text }) {
        process.text.contains("1203 dead letters removed") || process.exitCode() != nil
      }
      process.terminate()
      #expect(try process.wait().code == 0)
      #expect(try rig.table.query("SELECT reason FROM dead_letters") == [["too-large"]])
      let status = try rig.ask(["status"])
      #expect(status.output.contains("undecodable 1203"), "\(status.text)")
      let replay = try rig.ask(["dead-letters", "replay", "\(Homes.partition(of: "alice"))/0"])
      #expect(replay.code == 1 && replay.errors.contains("or no longer"), "\(replay.text)")
      #expect(replay.errors.contains("dead_letters.keep"), "\(replay.text)")
    }
  }

  @Test(arguments: TestTable.Kind.allCases)
  func purgedByHand(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try rig(kind, count: 700)
      try age(rig, "alice", days: 10)
      let letters = "SELECT count(*) FROM dead_letters"
      func purge(_ options: [String], _ said: String, leaves: Int) throws {
        let result = try rig.ask(["dead-letters", "purge"] + options)
        #expect(result.code == 0 && result.output.contains(said), "\(options): \(result.text)")
        #expect(rig.table.number(letters) == leaves, "\(options)")
      }
      try purge(["--older-than", "11d"], "dead-letters: 0 removed\n", leaves: 701)
      try purge(
        ["--older-than", "9d", "--dry-run"], "700 would be removed (undecodable: 700)", leaves: 701)
      try purge(["--replayed"], "0 removed", leaves: 701)
      let address = "\(Homes.partition(of: "alice"))/3"
      try purge([address, "2/99999"], "1 removed (undecodable: 1); 1 were not there", leaves: 700)
      try purge(["--older-than", "9d", "--reason", "too-large"], "0 removed", leaves: 700)
      try purge(["--older-than", "9d"], "699 removed (undecodable: 699)", leaves: 1)
      try purge(["--all"], "1 removed (too-large: 1)", leaves: 0)
      let none = try rig.ask(["dead-letters", "purge"])
      #expect(none.code == 64, "\(none.text)")
      #expect(try rig.ask(["dead-letters", "purge", "--older-than", "long"]).code == 1)
      #expect(try rig.ask(["status"]).output.contains("too-large 1"), "counters stay")
    }
  }
}
