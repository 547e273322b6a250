import TestPlaces
import Foundation
import TestServers
import Testing

/// `delivery: exactly-once`. The faults are in the chaos tests.
@Suite struct ExactlyOnceTests {
  private static let isReal = ProcessInfo.processInfo.environment["TALLY_BROKERS"] != nil

  /// A broker that forgets the offsets of transactions is found after the first one.
  @Test(.enabled(if: !isReal)) func theMockIsRefused() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      try rig.broker.produce([rig.history.message(at: 0)], to: "events")
      let refused = try tally(["run", "--until-end", "--delivery", "exactly-once"] + rig.connection)
      #expect(refused.code == 1 && refused.errors.contains("cannot promise exactly once"), "\(refused.text)")
      #expect(refused.errors.contains("effectively-once"), "what to do instead")
    }
  }

  /// From one guarantee to the other and back, each time after a crash.
  @Test(.enabled(if: isReal, "needs TALLY_BROKERS"), arguments: TestTable.Kind.allCases)
  func guaranteesTakeTurns(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let messages = rig.history.messages
      let id = ["--set", "scores.transactional_id=\(rig.broker.name("t"))"]
      let settings = try Places.write(
        "worker: {batch_rows_max: 16, transaction_rows_max: 23}\nkafka: {session_timeout: 6s}\n",
        as: "tally.yaml")
      let turns = ["exactly-once", "effectively-once", "exactly-once", "effectively-once"]
      var sent = 0
      for (turn, guarantee) in turns.enumerated() {
        let next = messages.count * (turn + 1) / turns.count
        try rig.broker.produce(Array(messages[sent..<next]), to: "events")
        let process = try rig.start(["--config", settings, "--delivery", guarantee] + id)
        try rig.waitForProgress(of: process, to: sent + (next - sent) / 2, seconds: 90)
        process.kill9()
        sent = next
      }
      try rig.run(["--delivery", "exactly-once"] + id, seconds: 90)
      let reference = try Reference.shared()
      #expect(try rig.table.scores() == reference.scores)
      #expect(try rig.table.latest() == reference.latest)
      #expect(try rig.states() == reference.states)
      let totals = try Totals(try rig.ask(["status"]).output)
      #expect(totals == Totals(read: messages.count, scored: messages.count))
      for standing in try Standing.all(try rig.ask(["status", "--json"]).output) {
        #expect(standing.w == standing.c && standing.c == standing.t)
      }
    }
  }
}
