import Dataflow
import ArgumentParser
import Configuration
import Foundation
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
        tally simulate --seeds 1..1000 --without-state
        tally simulate --history 4711
        tally simulate --history 4711 --faults 12,45 --records 0,3,9
        tally simulate --seeds 1..1000 --plant table-rows-repeated
      """)

  @Option(help: "Seeds, as FIRST..LAST.") var seeds: String?
  @Option(help: "effectively-once, exactly-once, or any: the seed chooses, also to change it on the way.")
  var guarantee = "any"
  @Flag(help: "Of a pipeline that keeps no state, whose records lie beside the group's offsets.")
  var withoutState = false
  @Option(help: "Threads, each with runs of its own; default: as many as the machine has processors.")
  var threads: Int?
  @Option(help: "Print the whole history of one seed, smaller if it fails.") var history: UInt64?
  @Option(
    help: ArgumentHelp(
      "Only these kinds of faults, with commas: \(FaultKind.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "kinds"))
  var only: String?
  @Option(help: "With --history: only the faults at these calls; CALL=OTHER: the one of another call.")
  var faults: String?
  @Option(help: "With --history: only these records.") var records: String?
  #if PLANTED_BUGS
    @Option(
      help: ArgumentHelp(
        "Only in debug builds: plant a bug that must be found: \(PlantedBug.allCases.map(\.name).joined(separator: ", ")).",
        valueName: "bug"))
    var plant: String?
  #else
    @Option(help: .hidden) var plant: String?
  #endif

  private static let seedsMax: UInt64 = 1_000_000_000
  private static let threadsMax = 256

  func run() throws {
    try reporting {
      guard let choice = GuaranteeChoice(rawValue: guarantee) else {
        throw Failure("--guarantee \(guarantee): effectively-once, exactly-once or any", reason: .usage)
      }
      var options = SimulationOptions(
        choice: choice, only: try kinds(), keepsState: !withoutState)
      #if PLANTED_BUGS
        options.bug = try plantedBug()
      #else
        if let plant {
          throw Failure(
            "--plant \(plant): this build has no planted bugs; debug builds have them (swift build)",
            reason: .usage)
        }
      #endif
      if let seed = history { return try show(seed, options) }
      try runAll(try range(), options)
    }
  }

  #if PLANTED_BUGS
    private func plantedBug() throws -> PlantedBug? {
      guard let plant else { return nil }
      guard let bug = PlantedBug.named(plant) else {
        throw Failure("--plant \(plant): see --help for the names", reason: .usage)
      }
      return bug
    }
  #endif

  private func kinds() throws -> Set<FaultKind> {
    try Set(
      (only ?? "").split(separator: ",").map {
        guard let kind = FaultKind(rawValue: String($0)) else {
          throw Failure("--only \($0): see --help for the kinds", reason: .usage)
        }
        return kind
      })
  }

  private func range() throws -> ClosedRange<UInt64> {
    let parts = (seeds ?? "").split(separator: ".", omittingEmptySubsequences: true).map { UInt64($0) }
    guard parts.count == 2, let first = parts[0], let last = parts[1], first <= last else {
      throw Failure(
        "--seeds FIRST..LAST is needed, for example --seeds 1..1000, or --history SEED", reason: .usage)
    }
    guard last - first < Self.seedsMax else {
      throw Failure("--seeds \(seeds ?? ""): at most \(Self.seedsMax) at once", reason: .usage)
    }
    return first...last
  }

  private func show(_ seed: UInt64, _ options: SimulationOptions) throws {
    let simulator = try Simulator()
    if faults != nil || records != nil {
      let reduction = Reduction(faults: try places(faults), records: try numbers(records))
      let report = simulator.run(seed, options, keeping: reduction, withHistory: true)
      for line in SimulationText.history(report, SimulationText.command(seed, options, reduction)) {
        say(line)
      }
      if !report.problems.isEmpty { throw ExitCode.failure }
      return
    }
    guard !simulator.run(seed, options).problems.isEmpty else {
      let report = simulator.run(seed, options, withHistory: true)
      for line in SimulationText.history(report, nil) { say(line) }
      return
    }
    try fail(seed, options, simulator)
  }

  /// `12,45=57`: the fault of call 12, and that of call 57 at call 45.
  private func places(_ list: String?) throws -> [Int: Int]? {
    guard let list else { return nil }
    var places: [Int: Int] = [:]
    for part in list.split(separator: ",") {
      let pair = part.split(separator: "=").map { Int($0) }
      guard let place = pair.first ?? nil, let drawn = pair.last ?? nil, pair.count <= 2 else {
        throw Failure("--faults \(list): calls with commas between them, CALL or CALL=CALL", reason: .usage)
      }
      places[place] = drawn
    }
    return places
  }

  private func numbers(_ list: String?) throws -> Set<Int>? {
    guard let list else { return nil }
    let parts = list.split(separator: ",").map { Int($0) }
    guard !parts.contains(nil) else {
      throw Failure("\(list): numbers with commas between them", reason: .usage)
    }
    return Set(parts.compactMap { $0 })
  }

  /// Prints the smallest history of a failing seed.
  private func fail(_ seed: UInt64, _ options: SimulationOptions, _ simulator: Simulator)
    throws
  {
    say("seed \(seed) fails; making it smaller …")
    let (reduction, report) = simulator.shrink(seed, options)
    for line in SimulationText.history(report, SimulationText.command(seed, options, reduction)) {
      say(line)
    }
    throw ExitCode.failure
  }

  private func runAll(_ seeds: ClosedRange<UInt64>, _ options: SimulationOptions) throws {
    let count = threads ?? ProcessInfo.processInfo.activeProcessorCount
    guard (1...Self.threadsMax).contains(count) else {
      throw Failure("--threads \(count): 1 to \(Self.threadsMax)", reason: .usage)
    }
    let total = SimulationTotals()
    total.onProgress = { say($0) }
    try total.run(seeds, options, threads: count)
    for line in total.summary { say(line) }
    if let seed = total.failed { try fail(seed, options, try Simulator()) }
  }
}
