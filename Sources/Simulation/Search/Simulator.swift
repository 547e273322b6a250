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
  private let pipeline: SimulatedPipeline
  private let pipelineWithoutState: SimulatedPipeline
  private let scheduler = Scheduler()

  /// Throws when the features cannot be compiled.
  public init() throws {
    pipeline = try SimulatedPipeline(keepsState: true)
    pipelineWithoutState = try SimulatedPipeline(keepsState: false)
  }

  /// Plays one run and checks its end.
  public func run(
    _ seed: UInt64, _ options: SimulationOptions = SimulationOptions(),
    keeping reduction: Reduction = Reduction(),
    withHistory: Bool = false
  ) -> RunReport {
    let plan = RunPlan(seed, options)
    let world = World(
      plan, reduction, pipeline: plan.keepsState ? pipeline : pipelineWithoutState, scheduler: scheduler)
    if withHistory { world.history = History() }
    world.play()
    let problems = world.violations + (world.failure.map { [$0] } ?? Checker(world).problems)
    return RunReport(
      seed: seed, faults: world.faults, steps: world.steps, records: world.planned.count,
      lives: world.promises.count, problems: problems, history: world.history?.lines ?? [])
  }
}
