import TestPlaces
import Foundation
import TestServers
import Testing

/// `tally dead-letters replay` when something is in its way.
@Suite struct LetterReplayTests {
  private static let home = Homes.partition(of: "alice")

  /// Letters of one person that a larger limit makes events, as many as asked, all on one partition.
  private func rig(_ kind: TestTable.Kind, letters: Int, bytes: (Int) -> Int) throws -> Rig {
    let rig = try Rig(kind)
    let small = try Places.write("worker: {value_size_max: 1KiB}\n", as: "tally.yaml")
    let messages = (0..<letters).map { number in
      DeadLetterTests.login(
        "n\(number)", "alice", note: String(repeating: "x", count: bytes(number)))
    }
    try rig.broker.produce(messages, to: "events")
    let run = try rig.run(["--config", small])
    #expect(try Totals(run.output).read == letters)
    return rig
  }

  /// Killed between appending and marking, letters come a second time: they must be duplicates then, though a person's
  /// state knows the last 32 event ids only.
  @Test(arguments: TestTable.Kind.allCases)
  func whatIsAppendedTwiceIsScoredOnce(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try rig(kind, letters: 80) { _ in 1_100 }
      let stop =
        kind == .sqlite
        ? [
          """
          CREATE TRIGGER stop BEFORE UPDATE ON dead_letters WHEN OLD."offset" >= 40
          BEGIN SELECT RAISE(ABORT, 'stop'); END
          """
        ]
        : [
          """
          CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN IF OLD."offset" >= 40 THEN RAISE ''stop''; END IF; RETURN NEW; END'
          """, "CREATE TRIGGER stop BEFORE UPDATE ON dead_letters FOR EACH ROW EXECUTE FUNCTION stop()",
        ]
      for statement in stop { _ = try rig.table.query(statement) }
      let failed = try rig.ask(["dead-letters", "replay", "--all"])
      #expect(failed.code == 1, "\(failed.text)")
      let drop = "DROP TRIGGER stop" + (kind == .sqlite ? "" : " ON dead_letters")
      _ = try rig.table.query(drop)
      let again = try rig.ask(["dead-letters", "replay", "--all"])
      #expect(again.code == 0, "\(again.text)")
      let run = try rig.run()
      let totals = try Totals(run.output)
      #expect(totals.scored == 80 && totals.read == totals.scored + totals.duplicate, "\(run.output)")
      #expect(try rig.ask(["features", "alice"]).output.hasPrefix("80 events"))
    }
  }

  /// One that no broker takes does not keep the others back, nor has them appended again and again.
  @Test func aLetterThatCannotBeAppendedIsLeftOut() async throws {
    try await onThread {
      let rig = try rig(.sqlite, letters: 5) { $0 == 2 ? 9_000 : 1_100 }
      let limit = ["-X", "message.max.bytes=4000"]
      for expected in [4, 0] {
        let result = try rig.ask(["dead-letters", "replay", "--all"] + limit)
        #expect(result.code == 1 && result.errors.contains("\(Self.home)/2"), "\(result.text)")
        #expect(result.errors.contains("message.max.bytes"), "\(result.text)")
        #expect(result.output.contains("\(expected) replayed"), "\(result.text)")
        #expect(try rig.count("events") == 9)
      }
      #expect(try rig.ask(["dead-letters", "replay", "\(Self.home)/2"]).code == 0)
      #expect(try Totals(try rig.run().output).scored == 5)
    }
  }

  @Test func errorsNameTheirFlagAndTerminalsAreLeftAlone() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce([BrokerMessage("dave", "no \u{9b}31m event", partition: 0)], to: "events")
      try rig.run()
      let since = try rig.ask(["dead-letters", "list", "--since", "yesterday"])
      #expect(since.code == 1 && since.errors.contains("--since yesterday"), "\(since.text)")
      let shown = try rig.ask(["dead-letters", "show", "0/0"])
      #expect(shown.code == 0 && !shown.output.unicodeScalars.contains("\u{9b}"), "\(shown.text)")
    }
  }
}
