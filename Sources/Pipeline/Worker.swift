public import Dataflow
import Events
public import Features

/// Reads records, keeps states, scores and delivers: effectively once, or exactly once.
///
/// One worker is one thread; nothing in it is shared but the stop signal. Every batch goes
/// decode → fetch → apply and read → score → sinks durable → state, position → group offset (exactly once: the offset moves in the
/// topic's transaction, before the state), and each store moves its own position with its data by compare-and-set, so that
/// a crash between any two steps repeats work but never its effect.
///
/// What is next, `WorkerMachine` says; the parts do it: `Takeover`, `BatchPass`, `BatchDelivery`, `StateWriter`, `LeavingOut`, `Progress`.
/// After an error that `run` throws, nothing more is written; start again and it goes on from W.
public final class Worker {
  let context: WorkerContext
  let pass: BatchPass
  private let delivery: BatchDelivery
  private let states: StateWriter
  private let takeover: Takeover
  private let leavingOut: LeavingOut
  private let progress: Progress
  private let onBatch: ((ScoredBatch) -> Void)?
  private var machine = WorkerMachine()

  /// When the log was read last, or the partitions were taken over.
  private var readNanos: UInt64 = 0
  private var lastCommitNanos: UInt64 = 0
  /// When it was looked last whether partitions that get nothing have orders.
  private var lookedNanos: UInt64 = 0
  private var polledAtMicros: Int64 = 0
  /// Ages of a batch's records at one moment, nanoseconds.
  private var ages: [UInt64] = []

  /// A worker that has nothing yet; the group gives it partitions when it runs.
  ///
  /// `cache` nil: the program keeps no state; `ports.store` may be nil then, too. `onBatch` sees every batch once it is durable.
  public init(
    identity: PipelineIdentity, program: FeatureProgram, context score: ScoreContext, ports: WorkerPorts,
    cache: StateCache?, configuration: WorkerConfiguration, stop: StopSignal,
    onBatch: ((ScoredBatch) -> Void)? = nil
  ) {
    precondition((cache != nil) == program.keepsState && (ports.store != nil || !program.keepsState))
    let events = EventPass(program: program, decoder: ports.decoder)
    let batch = ScoredBatch(context: score, events: events.events, capacityRows: configuration.rowsMax)
    context = WorkerContext(
      identity: identity, configuration: configuration, ports: ports, batch: batch, stop: stop)
    pass = BatchPass(context: context, pass: events, cache: cache)
    delivery = BatchDelivery(context: context, pass: pass)
    states = StateWriter(context: context, pass: pass)
    progress = Progress(context: context)
    leavingOut = LeavingOut(context: context, progress: progress)
    takeover = Takeover(context: context, leavingOut: leavingOut, progress: progress)
    self.onBatch = onBatch
  }

  private var ports: WorkerPorts { context.ports }
  private var configuration: WorkerConfiguration { context.configuration }
  private var assignment: Assignment { context.assignment }
  private var batch: ScoredBatch { context.batch }

  /// Works until the source is finished or someone stops it. Throws `PortError` on what trying again cannot mend.
  public func run() throws {
    defer { close() }
    ports.recorder.state("running", healthy: true)
    var backoff = Backoff(configuration)
    while !context.stop.isStopped {
      ports.recorder.beat()
      do {
        guard try takeTurn() else { return }
        guard !backoff.isWaiting || !machine.wasRevoked else { continue }
        if backoff.isWaiting { assignment.tellRunning(ports.recorder) }
        backoff.reset()
      } catch let error as PortError where error.code == .unavailable {
        ports.recorder.state("waiting for \(error)", healthy: false)
        try pause(milliseconds: backoff.next())
      }
    }
    progress.showReached()
  }

  /// Commits what is left to commit and closes all neighbours; `run` does it at its end. For a worker that never ran.
  public func close() {
    progress.commitOffsets(surely: true)
    ports.topic?.close()
    ports.table?.close()
    ports.source.close()
    context.store.close()
    ports.recorder.state("stopped", healthy: true)
  }

  /// Waits before the next try. Between tries to take partitions over nothing is polled, so that the group is served here: else a rebalance
  /// would go unnoticed.
  private func pause(milliseconds: Int) throws {
    guard case .acquiring = machine.phase, !configuration.has(.deafWhileAcquiring) else {
      return ports.clock.sleep(milliseconds: milliseconds)
    }
    if try context.serveGroup(forMs: milliseconds) { machine.gaveUp() }
  }

  // MARK: Turns

  /// Everything up to one poll and what follows from it. Returns false at the end of a bounded source.
  private func takeTurn() throws -> Bool {
    machine.beginTurn()
    while true {
      switch machine.next(isUnsettled: context.isUnsettled) {
      case .settle:
        do { try context.settle() } catch let error as PortError where error.code == .unavailable {}
      case .acquire(let partitions): try acquire(partitions)
      default:
        guard let action = try poll() else { return true }
        return try perform(action)
      }
    }
  }

  private func acquire(_ partitions: [Int32]) throws {
    forgetAll()
    machine.acquired(isGivenUp: try !takeover.take(partitions))
    readNanos = ports.clock.monotonicNanos()
  }

  /// What the source has, and what is to be done about it; nil: nothing.
  private func poll() throws -> WorkerMachine.Action? {
    let begun = ports.clock.monotonicNanos()
    let outcome: PollOutcome
    do {
      outcome = try ports.source.poll(
        into: batch.records, limit: configuration.rowsMax, timeoutMs: configuration.pollTimeoutMs,
        fillMs: context.fillMs())
    } catch let error as PortError where error.code == .refused && !assignment.owned.isEmpty {
      // The log may have lost what is next: the partitions' positions tell what to do about it.
      let partitions = assignment.partitions
      forgetAll()
      _ = try takeover.take(partitions)
      throw error
    }
    return machine.polled(outcome, owned: assignment.partitions, hasPaused: hasPaused(before: begun))
  }

  /// Does what a poll has asked for. Returns false at the end of a bounded source.
  private func perform(_ action: WorkerMachine.Action) throws -> Bool {
    switch action {
    case .process:
      try processOrGiveUp()
      progress.report()
      try commitOffsetsIfDue()
      guard isLookDue() else { break }
      if context.offsets?.isInDoubt ?? false { progress.commitOffsets(surely: true) }
      if try leavingOut.areOrderedOn() { machine.mustAcquire(assignment.partitions) }
    case .leaveOut(let range, let partition, let why):
      try orGiveUp { try leavingOut.leaveOut(range, of: partition, why) }
      progress.report()
    case .wait(let from, let until, let partition, let why):
      if try leavingOut.noteStuck(partition, from: from, until: until, why) {
        machine.mustAcquire(assignment.partitions)
      }
    case .giveBack(let isLost):
      if !isLost { progress.commitOffsets(surely: true) }
      context.offsets?.isInDoubt = false
      ports.recorder.released(assignment.partitions)
      forgetAll()
      try ports.source.unassign()
    case .end:
      progress.commitOffsets()
      return false
    case .settle, .acquire, .poll: break
    }
    return true
  }

  /// Whether the log was not read for so long that it could have been recreated and filled beyond W: then partitions are taken over
  /// again, which compares the record before W with its fingerprint. A log that is read all the time shows such a change
  /// itself, by an offset that it does not have. Only time outside of `poll` counts, or a poll of that length by itself: a frozen
  /// process. However slow a link is, what has come over it is not thrown away.
  private func hasPaused(before begun: UInt64) -> Bool {
    let now = ports.clock.monotonicNanos()
    let outsideMs = Int(clamping: (begun &- readNanos) / 1_000_000)
    let insideMs = Int(clamping: (now &- begun) / 1_000_000)
    readNanos = now
    let frozenMs =
      configuration.verifyAfterMs + configuration.pollTimeoutMs + configuration.transactionIntervalMs
    return !assignment.owned.isEmpty && (outsideMs > configuration.verifyAfterMs || insideMs > frozenMs)
  }

  private func isLookDue() -> Bool {
    let now = ports.clock.monotonicNanos()
    guard now &- lookedNanos >= UInt64(configuration.verifyAfterMs) * 1_000_000 else { return false }
    lookedNanos = now
    return true
  }

  private func commitOffsetsIfDue() throws {
    let now = ports.clock.monotonicNanos()
    guard now &- lastCommitNanos >= UInt64(configuration.commitIntervalMs) * 1_000_000 else { return }
    lastCommitNanos = now
    progress.commitOffsets()
    // Fetching goes on meanwhile: over a slow link the answer may take longer than a pause may.
    readNanos &+= ports.clock.monotonicNanos() &- now
    if batch.records.records.isEmpty { try orGiveUp { try progress.commitReached() } }
  }

  /// Forgets partitions and states; nothing is written.
  private func forgetAll() {
    assignment.removeAll()
    pass.forgetStates()
  }

  // MARK: Batches

  /// Processes the batch. When it fails on the way, its partitions are taken over again: the source has gone on and cached states
  /// may hold part of it.
  private func processOrGiveUp() throws {
    guard !batch.records.records.isEmpty else { return progress.noteReached() }
    context.beginTransaction()
    try orGiveUp {
      polledAtMicros = ports.clock.wallMicros()
      repeat { try processSlice() } while pass.takeRest()
      try leavingOut.passLeftOut()
      progress.noteReached()
    }
  }

  /// Takes one slice of the batch from records to durable scores and states.
  private func processSlice() throws {
    guard try pass.takeSlice() else { return }
    if configuration.has(.stateBeforeSinks) { try states.writeStates() }
    var mark = ports.clock.monotonicNanos()
    try delivery.deliver()
    mark = pass.told(.sink, since: mark)
    if !configuration.has(.stateBeforeSinks) { try states.writeStates() }
    _ = pass.told(.state, since: mark)
    tellFinished()
    pass.finish()
    onBatch?(batch)
  }

  /// What fails on the way makes the partitions be taken over again.
  private func orGiveUp(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch is Abandoned {
      context.abandonTransaction()
      forgetAll()
      machine.gaveUp()
    } catch is Superseded {
      ports.recorder.state("taking partitions over again", healthy: false)
      machine.mustAcquire(assignment.partitions)
    } catch let error as PortError where error.code == .unavailable {
      machine.mustAcquire(assignment.partitions)
      throw error
    }
  }

  /// Tells the recorder of the durable slice.
  private func tellFinished() {
    let now = ports.clock.wallMicros()
    recordAges(.brokerWait, at: polledAtMicros)
    recordAges(.total, at: now)
    let totals = pass.totals
    ports.recorder.count(
      read: totals.read - totals.rebuilt, scored: totals.scored, duplicate: totals.duplicate,
      erased: totals.erased, deadLettered: totals.deadLettered)
    if totals.promoted > 0 { ports.recorder.promoted(records: totals.promoted) }
    if totals.rebuilt > 0 { ports.recorder.rebuilt(records: totals.rebuilt) }
    if totals.withoutModel > 0 { ports.recorder.withoutModel(events: totals.withoutModel) }
    if totals.folded > 0 { ports.recorder.folded(events: totals.folded) }
  }

  /// What is made again was on its way long ago: its age would say nothing.
  private func recordAges(_ stage: Stage, at now: Int64) {
    ages.removeAll(keepingCapacity: true)
    for index in pass.verdicts.indices where pass.verdicts[index] != .passedOver {
      let record = batch.records.records[index]
      let place = assignment.ownPlace(of: record.partition)
      if record.ingestTimeMs > 0, !assignment.owned[place].isAgain(record) {
        ages.append(UInt64(max(0, now - record.ingestTimeMs * 1000)) * 1000)
      }
    }
    ages.withUnsafeBufferPointer { ports.recorder.record(stage, nanos: $0) }
  }
}
