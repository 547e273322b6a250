import TestPlaces
import Foundation
import TestServers
import Testing

/// Two processes of one group.
@Suite struct GroupTests {
  @Test func secondProcessSharesThenTakesOver() async throws {
    try await onThread {
      let rig = try Rig(.postgres)
      let messages = rig.history.messages
      var sent = 0
      func produce(_ count: Int) throws {
        let end = min(sent + count, messages.count)
        try rig.broker.produce(Array(messages[sent..<end]), to: "events")
        sent = end
      }
      try produce(1000)
      let first = try rig.start()
      try rig.waitForProgress(of: first, to: sent)
      let second = try rig.start()
      try until("both to write", seconds: 40, telling: { first.text + second.text }) {
        try produce(40)
        try rig.waitForProgress(of: first, to: sent)
        return try writers(rig) == 2
      }
      try produce(500)
      try rig.waitForProgress(of: second, to: sent)

      first.terminate()
      let ended = try first.wait(seconds: 5)
      #expect(ended.code == 0, "\(ended.text)")
      try produce(messages.count)
      try rig.waitForProgress(of: second, to: sent)
      second.terminate()
      let last = try second.wait(seconds: 5)
      #expect(last.code == 0, "\(last.text)")

      let (one, two) = (try Totals(ended.output), try Totals(last.output))
      #expect(one.isBalanced && two.isBalanced)
      #expect(one.scored > 0 && two.scored > 0)
      #expect(one.scored + two.scored == messages.count, "no event is counted by both")
      try checkSettled(rig, Reference.shared())
    }
  }

  /// Connections that have written a batch.
  private func writers(_ rig: Rig) throws -> Int {
    let rows = try rig.table.query(
      """
      SELECT count(*) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%EXECUTE tally_latest%'
      """)
    return rows.first.flatMap { Int($0[0]) } ?? 0
  }
}
