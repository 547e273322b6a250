import TestPlaces
import Foundation
import TestServers
import Testing

/// `kill -9` in mid-stream, again and again: every event is scored, none twice, no state is applied twice.
@Suite struct CrashTests {
  /// Kills of one log; every restart waits until the group has given the dead member up: 10 s, 19 s on a
  /// mock broker.
  private static let kills = 3

  @Test(arguments: TestTable.Kind.allCases)
  func killedAgainAndAgain(_ kind: TestTable.Kind) async throws {
    try await onThread {
      let rig = try Rig(kind)
      let count = rig.history.events.count
      try rig.produceHistory()
      // Small batches: many moments to be killed in, and a log that one run does not get through.
      let settings = try Places.write("worker: {batch_rows_max: 16}\n", as: "tally.yaml")
      for kill in 1...Self.kills {
        let before = rig.table.progress
        let process = try rig.start(["--config", settings])
        let goal = min(before + 300 + 200 * kill, count - 100)
        try rig.waitForProgress(of: process, to: goal)
        process.kill9()
        #expect(process.exitCode() == 128 + SIGKILL, "\(process.text)")
      }
      let middle = rig.table.progress
      #expect(middle < count, "the last kill came too late to be in mid-stream")
      try rig.run(["--config", settings])
      try checkSettled(rig, Reference.shared())
    }
  }
}

/// Checks that a rig ends as an undisturbed run does: rows, states, topic, positions, totals.
func checkSettled(_ rig: Rig, _ reference: Reference) throws {
  let count = rig.history.events.count
  #expect(try rig.table.scores() == reference.scores)
  #expect(try rig.table.latest() == reference.latest)
  #expect(rig.table.number("SELECT count(*) FROM dead_letters") == 0)
  #expect(try rig.states() == reference.states, "no event is applied twice or left out")

  var values: [String: [UInt8]] = [:]
  for message in try rig.messages("scores") {
    let score = try TopicScore(json: message.value ?? [])
    if let first = values.updateValue(score.value, forKey: score.place) {
      #expect(first == score.value, "a repeat is byte-identical")
    }
  }
  #expect(values.count == count)

  let status = try Standing.all(try rig.ask(["status", "--json"]).output)
  #expect(status.count == Rig.partitions)
  for standing in status {
    #expect(standing.w == standing.end && standing.t == standing.end && standing.lag == 0)
    #expect((standing.c ?? 0) <= (standing.w ?? -1))
  }
  let totals = try Totals(try rig.ask(["status"]).output)
  #expect(totals == Totals(read: count, scored: count))
}
