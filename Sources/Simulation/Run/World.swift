import Dataflow

/// One run: the neighbours' servers, the processes, simulated time, and who acts next.
final class World {
  let plan: RunPlan
  let pipeline: SimulatedPipeline
  let reduction: Reduction
  let log: InputLog
  let planned: [PlannedRecord]
  let topic = OutputTopic()
  let store: StoreServer
  let table: TableServer
  private(set) lazy var group = Group(self)
  private(set) lazy var transactions = Transactions(self)
  var history: History?

  private let scheduler: Scheduler
  private var timeline = Timeline()
  private(set) var lives: [Life] = []
  private(set) var steps = 0
  private var drawn = 0
  /// Processes that are about to start, and effects that are still to come.
  private var starting = 0
  private var pendingEffects = 0
  private var awayUntil = [Int64](repeating: 0, count: Call.Service.allCases.count)
  private var isClosing = false
  /// What processes that start now promise, and what they do about lost states.
  private var guarantee: DeliveryGuarantee
  private var startsLostStateAnew: Bool
  private(set) var faults: [Fault] = []
  private(set) var failure: String?
  private(set) var violations: [String] = []
  /// What operators have accepted as gone and ordered to skip, by partition.
  var acceptedGaps: [LeftOutRanges]
  var orders: [LeftOutRanges]
  /// What they say when processes start now.
  var gapsNow: [Int32: LeftOut] = [:]
  /// By partition, how many lives had begun when an operator ordered last to leave something out.
  var livesBeforeOrder: [Int]
  /// Whether processes that start now have a table, and C where the table began, by partition.
  var hasTable: Bool
  var tableBegan: [Int32: Int64] = [:]
  /// Numbers of promotions that were begun.
  var promotions = 0
  /// How often a log was cut or brought back.
  var logChanges = 0
  /// Guarantee of each life, by its number.
  private(set) var promises: [DeliveryGuarantee] = []

  /// Calls that a run may take, and time after the last fault, before it is said to make no progress.
  private static let stepsMax = 20_000
  private static let calmMax: Int64 = 15_000_000
  private static let watchEvery: Int64 = 50_000

  init(_ plan: RunPlan, _ reduction: Reduction, pipeline: SimulatedPipeline, scheduler: Scheduler) {
    self.plan = plan
    self.reduction = reduction
    self.pipeline = pipeline
    self.scheduler = scheduler
    guarantee = plan.guarantee
    startsLostStateAnew = plan.startsLostStateAnew
    hasTable = plan.tableAt == 0
    planned = Workload(plan).records.filter { $0.isLast || (reduction.records?.contains($0.number) ?? true) }
    log = InputLog(planned, partitions: plan.partitions)
    store = StoreServer(bugs: plan.neighbourBugs)
    table = TableServer(bugs: plan.neighbourBugs)
    acceptedGaps = Array(repeating: LeftOutRanges(), count: plan.partitions)
    orders = acceptedGaps
    livesBeforeOrder = Array(repeating: 0, count: plan.partitions)
  }

  /// Plays the run to its end.
  func play() {
    for record in planned {
      after(record.appendAt) { [self] in
        log.append(to: record.partition)
        for life in lives { life.wake() }
      }
    }
    for process in 0..<plan.processes { start(process, after: pause(0...300)) }
    if !hasTable {
      after(plan.tableAt) { [self] in addTable(ending: lives.filter { !$0.isOver && !$0.isDead }) }
    }
    after(plan.quietAt) { [self] in watch() }
    dispatch(nil)
    timeline = Timeline()
    for life in lives { life.stop = {} }
  }

  // MARK: Time

  var now: Int64 { timeline.now }

  func after(_ micros: Int64, _ body: @escaping () -> Void) { timeline.add(at: now + micros, .run(body)) }

  /// The next random numbers of what happens outside of calls.
  func draw() -> Draw {
    drawn += 1
    return Draw(plan.seed, .world, drawn)
  }

  func draw(for life: Life, _ number: Int) -> Draw { Draw(plan.seed, .life, life.number << 20 ^ number) }

  func heartbeatDelay() -> Int64 {
    var draw = draw()
    return Int64(draw.below(plan.heartbeatMs * 1000)) + 100
  }

  func markerDelay() -> Int64 {
    var draw = draw()
    return Int64(draw.below(plan.markerDelayMs * 1000 + 1))
  }

  /// A time between happenings, microseconds from milliseconds.
  private func pause(_ milliseconds: ClosedRange<Int>) -> Int64 {
    var draw = draw()
    return draw.milliseconds(milliseconds)
  }

  /// How long a call takes.
  func latency(_ step: Int) -> Int64 {
    var draw = Draw(plan.seed, .latency, step)
    switch draw.below(100) {
    case 0..<70: return Int64(draw.int(50...500))
    case 70..<96: return Int64(draw.int(500...5000))
    default: return Int64(draw.int(5000...60_000))
    }
  }

  /// Lets a life wait while others act.
  func suspend(_ life: Life, for micros: Int64) {
    life.token += 1
    timeline.add(at: now + micros, .wake(life, token: life.token))
    dispatch(life)
  }

  func wake(_ life: Life) {
    life.token += 1
    timeline.add(at: now, .wake(life, token: life.token))
  }

  /// Lets happen what is due until it is the holder's turn; nil: until the run is over.
  private func dispatch(_ holder: Life?) {
    while let what = timeline.next() {
      switch what {
      case .run(let body): body()
      case .wake(let life, let token):
        guard life.token == token, !life.isOver else { continue }
        if life === holder { return }
        guard let task = life.task else { continue }
        scheduler.resume(task, suspending: holder?.task)
        if holder != nil { return }
      }
      if holder == nil, isClosing, lives.allSatisfy(\.isOver) { return }
    }
  }

  // MARK: Lives

  func start(_ process: Int, after micros: Int64) {
    starting += 1
    after(micros) { [self] in
      starting -= 1
      guard !isClosing else { return }
      let number = lives.count
      var lifePlan = LifePlan(
        plan, guarantee: guarantee, life: number, startsLostStateAnew: startsLostStateAnew)
      lifePlan.acceptedGaps = gapsNow
      lifePlan.hasTable = hasTable
      let life = Life(self, process: process, number: number, plan: lifePlan)
      life.logChanges = logChanges
      promises.append(guarantee)
      lives.append(life)
      life.task = scheduler.task { [self] in live(life) }
      wake(life)
    }
  }

  private func live(_ life: Life) {
    remark("\(life.name) starts: \(life.plan.guarantee.rawValue), batches of \(life.plan.rowsMax)")
    let isTransactional = life.plan.guarantee == .exactlyOnce
    let worker = SimulatedWorker(
      life.plan, pipeline,
      SimulatedPorts(
        source: SimulatedSource(life),
        decoder: EventReader(KeyHomes(.murmur2, partitionCount: Int32(plan.partitions))),
        store: plan.keepsState ? SimulatedStore(life) : nil,
        scorer: SumScorer(), models: SimulatedModels(life), decider: LargeTrigger(),
        topic: isTransactional ? SimulatedTransactionalTopic(life) : SimulatedTopic(life),
        table: life.plan.hasTable ? SimulatedTable(life) : nil, clock: SimulatedClock(life),
        recorder: SilentRecorder()))
    life.stop = worker.stop
    do {
      try worker.run()
      remark("\(life.name) ends")
    } catch is Crash {
      remark("\(life.name) is dead")
    } catch {
      end(life, by: error)
    }
    life.isOver = true
    life.stop = {}
    guard !isClosing, !lives.contains(where: { $0.process == life.process && !$0.isOver }) else { return }
    start(life.process, after: pause(10...600))
  }

  /// A refusal is right when the store has lost something and nobody said what to do about it; now somebody does.
  private func end(_ life: Life, by error: any Error) {
    remark("\(life.name) ends with an error: \(error)")
    var isRight = false
    if let error = error as? PortError, error.code == .refused {
      isRight = takeUp(life, error)
      if store.isDamaged, !life.plan.startsLostStateAnew {
        startsLostStateAnew = true
        isRight = true
      }
    }
    if !isRight { fail("\(life.name) ended with an error that nothing justifies: \(error)") }
  }

  /// Counts a call. Throws when there were too many.
  func step(of life: Life) throws -> Int {
    steps += 1
    if steps > Self.stepsMax {
      fail("no progress: more than \(Self.stepsMax) calls; \(standings)")
      throw Crash()
    }
    return steps
  }

  func fail(_ text: String) {
    if failure == nil { failure = text }
    remark("FAILED: \(text)")
    isClosing = true
    for life in lives where !life.isOver && !life.isDead {
      life.die()
      wake(life)
    }
  }

  // MARK: Faults

  func fault(at step: Int, _ life: Life) -> (FaultKind, Draw)? {
    guard now < plan.quietAt, !isClosing,
      let drawn = reduction.faults.map({ $0[step] }) ?? step, let (kind, draw) = plan.fault(at: drawn)
    else { return nil }
    faults.append(Fault(step: step, kind: kind))
    return (kind, draw)
  }

  func isAway(_ service: Call.Service) -> Bool { now < awayUntil[service.rawValue] }

  /// An effect that comes when nobody waits for it any more.
  func later(_ name: String, _ life: Life, _ body: @escaping () -> Void) {
    pendingEffects += 1
    var draw = draw()
    let delay = draw.chance(700) ? draw.milliseconds(1...100) : draw.milliseconds(100...1500)
    let who = life.name
    after(delay) { [self] in
      pendingEffects -= 1
      remark("late effect: \(name) of \(who)")
      body()
    }
  }

  /// Something happens beside the call.
  func inject(_ kind: FaultKind, _ life: Life, _ draw: inout Draw) {
    let alive = lives.filter { !$0.isOver && !$0.isDead }
    if [.storeRollback, .shardRollback, .storeLoss, .recordLoss].contains(kind) { noteLostOrders() }
    switch kind {
    case .killOther:
      let others = alive.filter { $0 !== life }
      guard !others.isEmpty else { return }
      let other = others[draw.below(others.count)]
      remark("\(other.name) is killed")
      other.die()
      wake(other)
    case .leave: alive[draw.below(alive.count)].stop()
    case .rebalance: group.rebalance(but: 0)
    case .brokerOutage: awayUntil[Call.Service.broker.rawValue] = now + draw.milliseconds(20...600)
    case .storeOutage: awayUntil[Call.Service.store.rawValue] = now + draw.milliseconds(20...600)
    case .tableOutage: awayUntil[Call.Service.table.rawValue] = now + draw.milliseconds(20...600)
    case .storeRollback: remark("\(store.rollBack(draw.int(1...20), partition: nil)) writes are lost")
    case .shardRollback:
      let partition = Int32(draw.below(plan.partitions))
      remark("\(store.rollBack(draw.int(1...12), partition: partition)) writes of \(partition) are lost")
    case .storeLoss: store.lose(recordsOnly: false)
    case .recordLoss:
      // That is an operator's doing, while no worker runs.
      guard pendingEffects == 0 else { return }
      for other in alive {
        other.die()
        if other !== life { wake(other) }
      }
      store.lose(recordsOnly: true)
    case .guaranteeSwitch:
      guarantee = guarantee == .exactlyOnce ? .effectivelyOnce : .exactlyOnce
      for other in alive where draw.chance(800) { other.stop() }
    case .generationSwitch: switchGeneration(Int32(draw.below(plan.partitions)), &draw)
    case .promotion: promote(to: draw.int(1...4), tries: 0, draw)
    case .modelsOutage: awayUntil[Call.Service.models.rawValue] = now + draw.milliseconds(20...900)
    case .refusal: alive[draw.below(alive.count)].refusesUntil = now + draw.milliseconds(50...900)
    case .acknowledgementLoss:
      alive[draw.below(alive.count)].isUnheardUntil = now + draw.milliseconds(50...900)
    case .logTruncation: truncate(Int32(draw.below(plan.partitions)), &draw)
    case .skipOrder:
      let partition = Int32(draw.below(plan.partitions))
      if plan.keepsState {
        orderSkip(partition, &draw)
      } else {
        orderSkipBesideOffset(partition, stopping: alive, &draw)
      }
    default: break
    }
  }

  /// Whether the partition's record in force says that its C moves with transactions.
  func isExactlyOnce(_ partition: Int32) -> Bool {
    standing(partition)?.guarantee == .exactlyOnce
  }

  /// Something that must never happen.
  func violate(_ text: String) {
    remark("VIOLATION: \(text)")
    violations.append(text)
  }

  // MARK: The end

  /// From the last fault on: ends the run when everything is worked off.
  private func watch() {
    if isClosing { return }
    if isDrained {
      remark("everything is worked off: all workers are asked to stop")
      isClosing = true
      for life in lives where !life.isOver {
        life.stop()
        life.wake()
      }
    } else if now > plan.quietAt + Self.calmMax {
      fail("no progress within \(Self.calmMax / 1_000_000) s after the last fault; \(standings)")
    } else {
      after(Self.watchEvery) { [self] in watch() }
    }
  }

  private var isDrained: Bool {
    log.isComplete && pendingEffects == 0 && starting == 0 && transactions.isCalm
      && lives.allSatisfy { $0.isOver || (!$0.isPaused && !$0.isDead) }
      && hasTable
      && (0..<Int32(plan.partitions)).allSatisfy { partition in
        guard let standing = standing(partition) else { return false }
        return standing.nextOffset >= log.end(Int(partition)) && standing.isWhole
      }
  }

  private var standings: String {
    (0..<Int32(plan.partitions)).map { partition in
      let next = standing(partition).map { String($0.nextOffset) } ?? "none"
      let table = table.positions[partition].map(String.init) ?? "none"
      let committed = group.committed[Int(partition)].map { String($0.offset) } ?? "none"
      return "partition \(partition): W \(next), T \(table), C \(committed), log \(log.end(Int(partition)))"
    }.joined(separator: "; ")
  }
}
