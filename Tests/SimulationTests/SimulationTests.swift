import Simulation
import TestThreads
import Testing

@testable import tally

@Suite("Simulation", .serialized, .onThreads) struct SimulationTests {
  @Test("a thousand histories of faults end as the sequential model says")
  func thousandSeeds() throws {
    let totals = SimulationTotals()
    try totals.run(1...1000, threads: 2)
    for line in totals.summary { print(line) }
    #expect(totals.failed == nil, "tally simulate --history \(totals.failed ?? 0)")
    #expect(totals.runs == 1000)
    for kind in FaultKind.allCases { #expect(totals.count(of: kind) > 50, "\(kind.rawValue)") }
  }

  @Test("so do a thousand of a pipeline that keeps no state")
  func thousandSeedsWithoutState() throws {
    let totals = SimulationTotals()
    try totals.run(1...1000, SimulationOptions(keepsState: false), threads: 2)
    for line in totals.summary { print(line) }
    #expect(totals.failed == nil, "tally simulate --without-state --history \(totals.failed ?? 0)")
    #expect(totals.runs == 1000)
    let ofStore: Set<FaultKind> = [
      .storeOutage, .storeRollback, .shardRollback, .storeLoss, .recordLoss, .generationSwitch,
    ]
    for kind in FaultKind.allCases {
      #expect(ofStore.contains(kind) == (totals.count(of: kind) <= 50), "\(kind.rawValue)")
    }
  }

  @Test("a run is a function of its seed")
  func sameAgain() throws {
    let simulator = try Simulator()
    let other = try Simulator()
    for seed in UInt64(1)...20 {
      let options = SimulationOptions(keepsState: seed % 2 == 0)
      let first = simulator.run(seed, options, withHistory: true)
      let second = other.run(seed, options, withHistory: true)
      #expect(first.history == second.history && first.history.count > 10, "seed \(seed)")
      #expect(first.faults == second.faults)
    }
  }

  @Test("leaving all faults out leaves a run without faults")
  func withoutFaults() throws {
    let simulator = try Simulator()
    for seed in UInt64(1)...20 {
      let report = simulator.run(seed, keeping: Reduction(faults: [:]))
      #expect(report.faults.isEmpty && report.problems.isEmpty)
    }
  }
}

/// Bugs that nobody should be able to plant unnoticed.
@Suite("Planted bugs", .serialized, .onThreads) struct PlantedBugTests {
  /// Seeds within which each must be found.
  private static let seedsMax: UInt64 = 3000

  /// Bugs that only rare histories show: the kinds of faults that those are made of.
  private static let focus: [String: Set<FaultKind>] = [
    "deaf-while-acquiring": [.guaranteeSwitch, .pause, .leave],
    "commits-first-by-itself": [.guaranteeSwitch, .late],
    "first-reading-believed": [.pause, .twin],
    "writes-after-revocation": [.guaranteeSwitch, .pause, .leave],
    "membership-at-commit": [.pause, .slow, .brokerOutage, .killOther],
    "failed-commit-forgotten": [.late],
    "clear-compares-nothing": [.storeLoss, .late, .pause, .crashLate],
  ]

  /// Those that only a pipeline without states can have.
  private static let withoutState: Set<String> = [
    "transaction-without-record", "commits-unchecked", "failed-commit-forgotten",
  ]

  /// Those that both can have, and what keeps no state is no safer from.
  private static let withAndWithout = [
    "state-before-sinks", "table-from-w", "table-after-transaction", "abandoned-transaction-kept",
    "writes-after-revocation", "reads-before-w", "left-out-state-first", "left-out-untold",
    "table-compares-nothing", "table-rows-repeated", "membership-unchecked", "reads-unstable-offsets",
    "never-settles", "resends-in-transaction", "table-forgets-left-out",
  ]

  @Test("every planted bug is found", arguments: PlantedBug.allCases)
  func isFound(bug: PlantedBug) throws { try find(bug, keepsState: !Self.withoutState.contains(bug.name)) }

  @Test("also where no state is kept", arguments: withAndWithout)
  func isFoundWithoutState(name: String) throws {
    try find(try #require(PlantedBug.named(name)), keepsState: false)
  }

  private func find(_ bug: PlantedBug, keepsState: Bool) throws {
    let totals = SimulationTotals()
    var options = SimulationOptions(only: Self.focus[bug.name] ?? [], keepsState: keepsState)
    options.bug = bug
    try totals.run(1...Self.seedsMax, options, threads: 2)
    #expect(totals.failed != nil, "not found in \(totals.runs) seeds")
    if let failed = totals.failed {
      print("planted \(bug.name)\(keepsState ? "" : ", without state"): found by seed \(failed)")
    }
  }

  @Test("a failing seed is made smaller, and fails again with what is left")
  func shrinks() throws {
    let simulator = try Simulator()
    var options = SimulationOptions()
    options.bug = PlantedBug.named("position-before-states")
    let seed = try #require((UInt64(1)...100).first { !simulator.run($0, options).problems.isEmpty })
    let whole = simulator.run(seed, options)
    let (reduction, report) = simulator.shrink(seed, options)
    #expect(!report.problems.isEmpty)
    #expect(report.faults.count <= 3 && report.records < whole.records / 4)
    let again = simulator.run(seed, options, keeping: reduction, withHistory: true)
    #expect(again.history == report.history && again.problems == report.problems)
    #expect(report.history.contains { $0.contains("FAULT") })
  }
}
