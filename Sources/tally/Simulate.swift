import ArgumentParser
import Foundation
@_spi(Simulation) import Pipeline
import Simulation
import Synchronization

/// `tally simulate`: the worker among neighbours that fail as a seed says.
struct Simulate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Runs the worker through simulated histories of faults and compares every end with a model.",
    discussion: """
      The worker that `tally run` runs, on a simulated broker, store, table and clock: crashes before and after every call,
      answers that are lost or come late, rebalances, processes that stand still and come back, transactions that are aborted, stores
      that lose their last writes. A run is a function of its seed. At its end topic, table, states, positions and counters
      must be, bit for bit, what a sequential model makes of the log. A seed that fails is made smaller and printed as a history;
      the exit code is 1.

      Examples:
        tally simulate --seeds 1..1000
        tally simulate --seeds 1..100000 --threads 2 --guarantee exactly-once
        tally simulate --history 4711
        tally simulate --history 4711 --faults 12,45 --records 0,3,9
        tally simulate --seeds 1..1000 --plant table-rows-repeated
      """)

  @Option(help: "Seeds, as FIRST..LAST.") var seeds: String?
  @Option(help: "effectively-once, exactly-once, or any: the seed chooses, also to change it on the way.")
  var guarantee = "any"
  @Option(help: "Threads, each with runs of its own; default: as many as the machine has processors.")
  var threads: Int?
  @Option(help: "Print the whole history of one seed, smaller if it fails.") var history: UInt64?
  @Option(help: "With --history: only the faults at these calls.") var faults: String?
  @Option(help: "With --history: only these records.") var records: String?
  @Option(
    help: ArgumentHelp(
      "Plant a bug that must be found: \(PlantedBug.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "bug"))
  var plant: String?

  func run() throws {
    try reporting {
      guard let choice = GuaranteeChoice(rawValue: guarantee) else {
        throw Failure("--guarantee \(guarantee): effectively-once, exactly-once or any")
      }
      let bug = try plantedBug()
      if let seed = history { return try show(seed, choice, bug) }
      try runAll(try range(), choice, bug)
    }
  }

  private func plantedBug() throws -> PlantedBug? {
    guard let plant else { return nil }
    guard let bug = PlantedBug(rawValue: plant) else {
      throw Failure("--plant \(plant): see --help for the names")
    }
    guard WorkerBug(rawValue: plant) == nil || WorkerBug.canBePlanted else {
      throw Failure("--plant \(plant): a bug of the worker can only be planted in a debug build")
    }
    return bug
  }

  private func range() throws -> ClosedRange<UInt64> {
    let parts = (seeds ?? "").split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
    guard parts.count == 2, let first = parts[0], let last = parts[1], first <= last else {
      throw Failure("--seeds FIRST..LAST is needed, for example --seeds 1..1000, or --history SEED")
    }
    return first...last
  }

  private func show(_ seed: UInt64, _ choice: GuaranteeChoice, _ bug: PlantedBug?) throws {
    let simulator = try Simulator(.pipeline)
    if faults != nil || records != nil {
      let reduction = Reduction(faults: try numbers(faults), records: try numbers(records))
      let report = simulator.run(seed, choice, bug: bug, keeping: reduction, withHistory: true)
      for line in SimulationText.history(report, SimulationText.command(seed, choice, bug, reduction)) {
        say(line)
      }
      if !report.problems.isEmpty { throw ExitCode.failure }
      return
    }
    guard !simulator.run(seed, choice, bug: bug).problems.isEmpty else {
      let report = simulator.run(seed, choice, bug: bug, withHistory: true)
      for line in SimulationText.history(report, nil) { say(line) }
      return
    }
    try fail(seed, choice, bug, simulator)
  }

  private func numbers(_ list: String?) throws -> Set<Int>? {
    guard let list else { return nil }
    let parts = list.split(separator: ",").map { Int($0) }
    guard !parts.contains(nil) else { throw Failure("\(list): numbers with commas between them") }
    return Set(parts.compactMap { $0 })
  }

  /// Prints the smallest history of a failing seed.
  private func fail(_ seed: UInt64, _ choice: GuaranteeChoice, _ bug: PlantedBug?, _ simulator: Simulator)
    throws
  {
    say("seed \(seed) fails; making it smaller …")
    let (reduction, report) = simulator.shrink(seed, choice, bug: bug)
    for line in SimulationText.history(report, SimulationText.command(seed, choice, bug, reduction)) {
      say(line)
    }
    throw ExitCode.failure
  }

  private func runAll(_ seeds: ClosedRange<UInt64>, _ choice: GuaranteeChoice, _ bug: PlantedBug?) throws {
    let count = max(1, threads ?? ProcessInfo.processInfo.activeProcessorCount)
    let total = SimulationTotals()
    total.onProgress = { say($0) }
    try total.run(seeds, choice, bug: bug, threads: count)
    for line in total.summary { say(line) }
    if let seed = total.failed { try fail(seed, choice, bug, try Simulator(.pipeline)) }
  }
}
