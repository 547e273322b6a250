import Configuration
import Dataflow
import FeatureStore
import Features
import Foundation
import Ingest
import Kafka
import Metrics
import Monitor
import Pipeline
import Registry
import Scorer

import Synchronization

/// A pipeline at work: workers on threads of their own, their metrics, and the signal that stops them.
final class PipelineRun: Sendable {
  let metrics: PipelineMetrics
  let board: EntityBoard?
  let stop = StopSignal()
  private let outcome = Mutex(Outcome())
  private let group = WorkerThreads()
  private let watcher = Mutex<BrokerWatcher?>(nil)
  /// Loads sets of models that are proposed; nil: none can be.
  let loader: ModelSetLoader?

  private struct Outcome {
    var failure: (any Error)?
    var running = 0
  }

  /// Builds and checks everything, then starts the workers. Throws what is wrong at start: a missing topic or model, an
  /// unreachable server, contradicting settings.
  convenience init(_ settings: Settings, _ pipeline: LoadedPipeline) throws {
    let plan = try WorkerPlan.live(settings, pipeline)
    let board = try plan.scorer.flatMap { try pipeline.makeBoard(settings, scorer: try $0()) }
    try self.init(settings, pipeline, plan, board: board)
    do {
      let made = try BrokerWatcher(
        settings, group: settings.groupName(of: pipeline), partitions: plan.homes.partitionCount,
        metrics: metrics)
      watcher.withLock { $0 = made }
    } catch {
      stop.stop()
      group.join()
      throw Failure("kafka \(settings.brokers): \(error)", reason: .kafkaUnavailable)
    }
  }

  /// As above, with neighbours of the caller's choice.
  init(
    _ settings: Settings, _ pipeline: LoadedPipeline, _ plan: WorkerPlan, board: EntityBoard? = nil
  ) throws {
    metrics = PipelineMetrics()
    loader = plan.loader
    let names = NameLedger(
      declaredTypes: pipeline.declaration.features.events.map(\.name),
      mapped: pipeline.declaration.input == nil ? [] : pipeline.program.mappedAttributes.map(\.name))
    metrics.readNames { names.counts() }
    self.board = board
    var workers: [WorkerBox] = []
    do {
      for number in 0..<settings.workers {
        let worker = try plan.makeWorker(
          number, settings, pipeline, recorder: metrics.recorder(worker: number), names: names.counter(),
          stop: stop
        ) { batch in board?.update(batch) }
        workers.append(WorkerBox(worker))
      }
    } catch {
      for worker in workers { worker.releaseUnused() }
      throw error
    }
    outcome.withLock { $0.running = workers.count }
    for (number, worker) in workers.enumerated() { start(worker, number: number) }
  }

  private func start(_ box: WorkerBox, number: Int) {
    group.start(name: "tally worker \(number)") { [self] in
      let failure = box.runAndRelease()
      outcome.withLock { outcome in
        if let failure, outcome.failure == nil { outcome.failure = failure }
        outcome.running -= 1
      }
      if failure != nil { stop.stop() }
    }
  }

  /// Whether all workers have ended.
  var isFinished: Bool { outcome.withLock { $0.running == 0 } }

  /// Waits until all workers have ended; rethrows the first failure.
  func join() throws {
    group.join()
    watcher.withLock { $0.take() }?.stop()
    if let failure = outcome.withLock({ $0.failure }) { throw failure }
  }
}

/// Hands a worker over to its thread, which must also release it: libxgboost keeps predictions in thread-local memory that a
/// booster's end looks at, and that is gone once the thread's own end has begun.
private final class WorkerBox: @unchecked Sendable {
  private var worker: Worker?

  init(_ worker: Worker) { self.worker = worker }

  /// Closes the neighbours of a worker that never runs.
  func releaseUnused() { worker.take()?.close() }

  /// Runs the worker, then releases it on this thread. Returns what it failed with.
  func runAndRelease() -> (any Error)? {
    guard let own = worker.take() else { return nil }
    do { try own.run() } catch { return error }
    return nil
  }
}

/// Threads with room for deep C stacks, and a way to wait for them.
private final class WorkerThreads: Sendable {
  private let group = DispatchGroup()
  private static let stackBytes = 8 << 20

  func start(name: String, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    let group = group
    let thread = Thread {
      body()
      group.leave()
    }
    thread.name = name
    thread.stackSize = Self.stackBytes
    thread.start()
  }

  func join() { group.wait() }
}
