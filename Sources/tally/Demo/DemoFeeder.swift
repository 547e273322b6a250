import Foundation
import Kafka
import Metrics
import Synthetic

/// What the demo streams after the history.
struct LiveSettings: Sendable {
  /// Events a second.
  var rate: Double
  /// Events in all; nil: until stopped.
  var limit: Int?
  /// Share of extra records that cannot be scored.
  var badShare: Double
}

/// Produces the demo's events on a thread of its own: the history, then live ones.
final class DemoFeeder: @unchecked Sendable {
  private let kafka: KafkaConfiguration
  private let data: any DemoData
  private let live: LiveSettings
  private let metrics: PipelineMetrics
  private let stopped: StopFlag
  private let lock = NSLock()
  private var currentPhase = "catching up on the history"
  private var failed: (any Error)?
  private var sent: UInt64 = 0
  /// Records between producer and scorer while catching up: the embedded broker keeps 5 MB a partition.
  private static let underwayMax: UInt64 = 20_000
  private static let stackBytes = 8 << 20

  init(
    _ kafka: KafkaConfiguration, _ data: any DemoData, live: LiveSettings, metrics: PipelineMetrics,
    stopped: StopFlag
  ) {
    self.kafka = kafka
    self.data = data
    self.live = live
    self.metrics = metrics
    self.stopped = stopped
  }

  /// What is being streamed, for the view's title.
  var phase: String { lock.withLock { currentPhase } }
  /// What went wrong, if anything.
  var failure: (any Error)? { lock.withLock { failed } }

  /// Starts streaming; calls `onEnd` when everything is scored, or when it failed or was stopped.
  func start(_ onEnd: @escaping @Sendable () -> Void) {
    let thread = Thread { [self] in
      do { try feed() } catch { lock.withLock { failed = error } }
      onEnd()
    }
    thread.stackSize = Self.stackBytes
    thread.start()
  }

  private func feed() throws {
    let sender = try SyntheticSender(kafka, topic: "events")
    defer { sender.close() }
    try data.forEachRecord(isOfFile: false) { record in
      try send(record, sender)
      if sent & 0xff == 0 { holdBack(sender) }
      return !stopped.isSet
    }
    guard !stopped.isSet else { return }
    try sender.flush()
    awaitScored()
    metrics.forgetLatencies()
    lock.withLock { currentPhase = "live, \(Int(live.rate)) records a second" }
    try feedLive(sender)
    try sender.flush()
    awaitScored()
  }

  private func feedLive(_ sender: SyntheticSender) throws {
    var pace = Pace(eventsPerSecond: live.rate)
    var events = 0
    pace.wait { sender.poll(milliseconds: $0) }
    try data.forEachLive(badShare: live.badShare) { record, isFirst in
      if isFirst && events > 0 { pace.wait { sender.poll(milliseconds: $0) } }
      if isFirst { events += 1 }
      guard !stopped.isSet, events <= live.limit ?? Int.max else { return false }
      try send(record, sender)
      return true
    }
  }

  private func send(_ record: SyntheticRecord, _ sender: SyntheticSender) throws {
    try sender.send(record)
    sent += 1
  }

  /// Waits while the scorer is too far behind.
  private func holdBack(_ sender: SyntheticSender) {
    while !stopped.isSet && sent > metrics.read + Self.underwayMax {
      sender.poll(milliseconds: 10)
    }
  }

  private func awaitScored() {
    while !stopped.isSet && metrics.read < sent { usleep(5_000) }
  }
}
