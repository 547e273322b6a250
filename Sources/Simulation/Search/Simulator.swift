/// What came of a run.
public struct RunReport: Sendable {
  /// Seed that it is a function of.
  public var seed: UInt64
  /// Faults that happened.
  public var faults: [Fault]
  /// Calls of ports.
  public var steps: Int
  /// Records of the log.
  public var records: Int
  /// Lives of processes.
  public var lives: Int
  /// What was wrong, most telling first; empty: nothing.
  public var problems: [String]
  /// What happened, if it was asked for.
  public var history: [String]
}

/// Runs seeds on the calling thread, one after the other.
public final class Simulator {
  private let wiring: WorkerWiring
  private let pipeline: SimulatedPipeline
  private let cast = Cast()

  /// Throws when the features cannot be compiled.
  public init(_ wiring: WorkerWiring) throws {
    self.wiring = wiring
    pipeline = try SimulatedPipeline()
  }

  /// Plays one run and checks its end.
  public func run(
    _ seed: UInt64, _ choice: GuaranteeChoice = .any, bug: PlantedBug? = nil,
    keeping reduction: Reduction = Reduction(),
    withHistory: Bool = false
  ) -> RunReport {
    let plan = RunPlan(seed: seed, choice: choice, bug: bug)
    let world = World(plan, reduction, wiring: wiring, pipeline: pipeline, cast: cast)
    if withHistory { world.history = History() }
    world.play()
    let problems = world.failure.map { [$0] } ?? Checker(world).problems
    return RunReport(
      seed: seed, faults: world.faults, steps: world.steps, records: world.planned.count,
      lives: world.promises.count, problems: problems, history: world.history?.lines ?? [])
  }

  /// Makes a failing run smaller, as long as it fails: leaves out faults, then records (ddmin; Zeller and Hildebrandt 2002).
  ///
  /// At most `runsMax` runs. Returns the smallest with its history.
  public func shrink(
    _ seed: UInt64, _ choice: GuaranteeChoice = .any, bug: PlantedBug? = nil, runsMax: Int = 600
  ) -> (reduction: Reduction, report: RunReport) {
    let whole = run(seed, choice, bug: bug)
    var best = Reduction(
      faults: Set(whole.faults.map(\.step)),
      records: Set(
        Workload(RunPlan(seed: seed, choice: choice, bug: bug)).records.filter { !$0.isLast }.map(\.number)))
    var runsLeft = runsMax
    func fails(_ reduction: Reduction) -> Bool {
      guard runsLeft > 0 else { return false }
      runsLeft -= 1
      return !run(seed, choice, bug: bug, keeping: reduction).problems.isEmpty
    }
    for _ in 0..<2 {
      best.faults = Self.minimum(of: best.faults ?? []) {
        fails(Reduction(faults: $0, records: best.records))
      }
      best.records = Self.minimum(of: best.records ?? []) {
        fails(Reduction(faults: best.faults, records: $0))
      }
    }
    let report = run(seed, choice, bug: bug, keeping: best, withHistory: true)
    // Faults that no longer happen in the smaller run say nothing.
    let happened = Set(report.faults.map(\.step))
    best.faults = best.faults?.intersection(happened)
    return (best, report)
  }

  /// A part of the set that still fails, from which no chunk tried can be left out.
  private static func minimum(of set: Set<Int>, _ fails: (Set<Int>) -> Bool) -> Set<Int> {
    var kept = set.sorted()
    var chunk = max(1, kept.count / 2)
    while !kept.isEmpty {
      var place = 0
      var isSmaller = false
      while place < kept.count {
        let rest = kept[..<place] + kept[min(place + chunk, kept.count)...]
        if fails(Set(rest)) {
          kept = Array(rest)
          isSmaller = true
        } else {
          place += chunk
        }
      }
      if chunk == 1 && !isSmaller { break }
      chunk = max(1, chunk / 2)
    }
    return Set(kept)
  }
}
