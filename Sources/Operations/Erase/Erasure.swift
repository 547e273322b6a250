import Configuration
package import Dataflow
import Events
import Ingest
import Pipeline

/// Forgets an entity: an erasure in the log, and what replay runs have of it.
package struct Erasure {
  package let access: any PipelineAccess
  package let clock: any Clock
  /// The entity's id.
  package let key: [UInt8]

  package init(access: any PipelineAccess, clock: any Clock, key: [UInt8]) {
    self.access = access
    self.clock = clock
    self.key = key
  }

  private var settings: Settings { access.settings }
  private static let pauseMs = 200

  /// Appends the erasure; waits, if asked, until the pipeline has done it, then looks for what is left. Returns false when some replay
  /// run could not be rid of the entity. Throws `Failure` and `PortError`.
  package func run(waitSeconds: Int?, vacuums: Bool) throws -> Bool {
    let rule = try settings.controlRule(access.pipeline)
    let partitions = try access.partitionCount()
    let (store, _) = try access.openStatesInForce(partitionCount: partitions)
    defer { store.close() }
    try append(rule)
    let ends = try access.logPositions((0..<partitions).map { $0 }).bounds.map(\.high)
    access.report.say("erase: appended to \(settings.topic); done when the pipeline gets there")
    var failure: (any Error)?
    if let waitSeconds {
      do { try waitUntilDone(waitSeconds, ends, store) } catch { failure = error }
    }
    // Last: a run that reads the log may have rebuilt them meanwhile.
    let runs = try ReplayRuns(access: access).erase(key, partitions: partitions, store)
    if !runs.runs.isEmpty {
      access.report.say(
        "erase: \(runs.rows) rows and \(runs.states) states removed from replay runs: "
          + runs.runs.joined(separator: ", "))
    }
    for problem in runs.problems {
      access.report.warn("the entity could not be removed from replay run \(problem)")
    }
    if let failure { throw failure }
    let traces = EraseTraces(access: access, key: key, vacuums: vacuums)
    if waitSeconds != nil {
      try traces.remove()
      access.report.say("erase: done")
      try traces.tellOfLetters()
    }
    access.report.say("erase: \(traces.whatStays)")
    return runs.problems.isEmpty
  }

  /// To the partition that the entity belongs to.
  private func append(_ rule: ControlRule?) throws {
    let now = clock.wallMicros()
    let appender = try access.makeAppender()
    defer { appender.close() }
    try appender.append(
      .erasure, id: "erase-\(now)", entityID: key, time: now, signedBy: rule, nowMicros: now)
    try appender.flush()
  }

  /// Waits until W and T of all partitions have passed these ends.
  private func waitUntilDone(_ seconds: Int, _ ends: [Int64], _ store: any StateStore) throws {
    let deadline = clock.monotonicNanos() + UInt64(seconds) * 1_000_000_000
    let numbers = ends.indices.map { Int32($0) }
    repeat {
      let records = try store.records(numbers).map { $0.flatMap { PartitionRecord.decode($0)?.record } }
      let table = try access.tablePositions(numbers)
      let isDone = ends.indices.allSatisfy { index in
        let next = records[index]?.nextOffset ?? 0
        return (next >= ends[index] || ends[index] == 0)
          && (table[index]?.next ?? next) >= min(next, ends[index])
      }
      if isDone { return }
      clock.sleep(milliseconds: Self.pauseMs)
    } while clock.monotonicNanos() < deadline
    throw Failure(
      "the pipeline has not got there within \(seconds) s; is tally run working? See tally status",
      reason: .unavailable)
  }
}
