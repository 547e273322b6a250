import TestPlaces
import Foundation
import TestServers
import Testing

/// Servers and scorers die, sleep, fill up and are cut off while events are scored; in the end everything is as if nothing
/// had happened. `scripts/chaos.sh` runs the long form.
@Suite struct ChaosTests {
  @Test func shortForm() async throws {
    try await onThread { try run(.short) }
  }

  @Test(
    .enabled(if: ProcessInfo.processInfo.environment["TALLY_CHAOS_ROUNDS"] != nil, "for scripts/chaos.sh"))
  func asked() async throws {
    try await onThread {
      guard let plan = try ChaosPlan.asked() else { return }
      try run(plan)
    }
  }

  /// The comparison finds what it must find, each thing under its name.
  @Test func theComparisonBites() async throws {
    try await onThread {
      let rig = try Rig(.sqlite)
      let messages = ChaosLoad.messages(rig.history, count: 600, seed: 3)
      try rig.broker.produce(messages, to: "events")
      let settings = try Places.write("worker: {value_size_max: 4KiB}\n", as: "tally.yaml")
      try rig.run(["--config", settings])
      let undisturbed = try Rig(beside: rig, "undisturbed")
      try undisturbed.run(["--config", settings])
      func compare() throws -> ChaosFinding {
        var finding = ChaosFinding()
        try ChaosComparison(rig, undisturbed, .effectivelyOnce).compare(into: &finding)
        return finding
      }
      #expect(try compare().count == 0)

      let scores = try rig.messages("scores")
      try rig.broker.produce([scores[3]], to: "scores")
      #expect(try compare().count == 0 && compare().repeats == 1, "a byte-identical repeat is allowed")
      var changed = scores[4]
      changed.value = changed.value.map {
        Array(String(decoding: $0, as: UTF8.self).replacing("engagement", with: "engagemenT").utf8)
      }
      try rig.broker.produce([changed], to: "scores")
      try rig.table.query("DELETE FROM scores WHERE rowid = 5")
      try rig.table.query("UPDATE scores SET churn = churn + 0.0000001 WHERE rowid = 7")
      try rig.table.query("UPDATE dead_letters SET \"offset\" = 100000 WHERE rowid = 1")
      try rig.redis.command("APPEND", rig.stateKey(rig.history.people[3]), "x")
      let found = try compare()
      #expect(found.lost == 2, "a row of scores and a letter")
      #expect(found.doubledInTable == 1, "a letter of a record that is none")
      #expect(found.differingScores == 2, "a row and a message")
      #expect(found.differingStates == 1)
      #expect(found.differingCounters == 0)

      // As if the first batch of a partition had been counted twice.
      try rig.redis.command("COPY", undisturbed.recordKey(0), rig.recordKey(1), "REPLACE")
      #expect(try compare().differingCounters == 1)
    }
  }

  private func run(_ plan: ChaosPlan) throws {
    var report = ChaosReport()
    // What has been found is told also when the run is ended in its midst.
    func write() throws {
      guard let path = plan.report else { return }
      try Data(report.text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
    for delivery in plan.deliveries {
      for fault in plan.faults {
        guard let why = fault.problem(plan, delivery) else { continue }
        report.skip(fault, delivery, why: why)
      }
    }
    for round in 0..<plan.rounds {
      for delivery in plan.deliveries {
        for fault in plan.faults where fault.problem(plan, delivery) == nil {
          let trial = ChaosTrial(
            fault: fault, plan: plan, delivery: delivery, seed: plan.seed + UInt64(round))
          var finding = ChaosFinding()
          do { finding = try trial.run() } catch { finding.failures.append("seed \(trial.seed): \(error)") }
          report.add(finding, fault, delivery)
          try write()
        }
      }
    }
    #expect(report.findings == 0, "\(report.text)")
    #expect(!report.isEmpty)
    print(report.text)
  }
}
