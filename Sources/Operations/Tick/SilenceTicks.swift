import Ingest
import Configuration
package import Dataflow
package import Events
import Features

/// Appends ticks for entities that have fallen silent: one a threshold, dated at the moment at which it was reached.
package struct SilenceTicks {
  package let access: any PipelineAccess
  package let clock: any Clock
  /// Silence after which a tick is due, ascending.
  package let thresholds: [Span]
  /// Whether ticks are counted only.
  package let isDryRun: Bool

  package init(access: any PipelineAccess, clock: any Clock, thresholds: [Span], isDryRun: Bool) {
    self.access = access
    self.clock = clock
    self.thresholds = thresholds
    self.isDryRun = isDryRun
  }

  /// A span of time as the operator wrote it, which stands in the ticks' ids.
  package struct Span {
    package let text: String
    package let micros: Int64

    package init(text: String, micros: Int64) {
      self.text = text
      self.micros = micros
    }
  }

  private struct Counts {
    var due: [Int]
    var unreadable = 0
  }

  /// Looks at all states in the store. Throws `Failure` and `PortError`.
  package func append(asOf moment: EventTime) throws {
    try access.requireState(
      for: "tick", instead: "nobody's row changes while they are silent, and a tick would be a dead letter")
    let rule = try access.settings.controlRule(access.pipeline)
    let (store, _) = try access.openStatesInForce(partitionCount: try access.partitionCount())
    defer { store.close() }
    let appender = isDryRun ? nil : try access.makeAppender()
    defer { appender?.close() }
    let state = EntityState(access.pipeline.program)
    var entities: Set<[UInt8]> = []
    var counts = Counts(due: Array(repeating: 0, count: thresholds.count))
    let progress = access.report.begin("tick: looking at states", total: nil)
    try store.forEachState { _, id, bytes in
      // One that is written while we look may be shown twice.
      guard entities.insert(id).inserted else { return }
      progress.advance()
      guard state.decode(bytes) else {
        counts.unreadable += 1
        return
      }
      for (index, threshold) in thresholds.enumerated() {
        let due = state.activeTime + threshold.micros
        // The states of events in seconds or milliseconds, which older versions took, can get no valid tick.
        guard due > state.watermark, due <= moment, due >= EventTimeBounds.start else { continue }
        counts.due[index] += 1
        try appender?.append(
          .tick, id: "tick-\(threshold.text)-\(state.activeTime)", entityID: id, time: due, signedBy: rule,
          nowMicros: clock.wallMicros())
      }
    }
    try appender?.flush()
    report(counts, entities: entities.count)
  }

  private func report(_ counts: Counts, entities: Int) {
    let list = zip(thresholds, counts.due).map { "\($0.text): \($1)" }.joined(separator: ", ")
    let verb = isDryRun ? "would be appended" : "appended"
    access.report.say("tick: \(counts.due.reduce(0, +)) ticks \(verb) for \(entities) entities (\(list))")
    if counts.unreadable > 0 {
      access.report.warn(
        "\(counts.unreadable) states cannot be read; their entities' next events are dead letters that name them"
      )
    }
  }
}
