import Configuration
import Dataflow
import Events
import Features
import Foundation
import Ingest

/// What a log held.
struct EventLogCounts {
  /// Records read.
  var records: Int64 = 0
  /// Dead letters by reason.
  private(set) var reasons: [DeadLetterReason: Int64] = [:]
  /// What the decoder said of each reason's first letter.
  private var details: [DeadLetterReason: String] = [:]

  /// All dead letters.
  var deadLetters: Int64 { reasons.values.reduce(0, +) }

  mutating func add(_ reason: DeadLetterReason, detail: String) {
    if reasons.updateValue(reasons[reason, default: 0] + 1, forKey: reason) == nil {
      details[reason] = detail
    }
  }

  /// One line a reason, the most frequent first: what people need to mend their log.
  var lines: [String] {
    reasons.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map { reason, count in
      let detail = details[reason] ?? ""
      return "  \(reason.rawValue): \(count)" + (detail.isEmpty ? "" : " (the first: \(detail))")
    }
  }
}

/// A log read from its first record to its present end, without a group: a file of lines, or the topic.
struct EventLog {
  let source: any RecordSource
  /// Records to come, if known.
  let total: Int64?
  /// Where the log's entities live.
  let homes: KeyHomes

  /// Opens `file`, or the topic of the settings when it is nil.
  init(_ settings: Settings, _ pipeline: LoadedPipeline, file: String?) throws {
    if let file {
      let opened = try FileSource(
        path: file, topic: settings.topic, limits: settings.decoderLimits)
      source = opened
      total = nil
      homes = .onePartition
    } else {
      let count = try settings.partitionCount()
      homes = try settings.homes(count, records: [], pipeline)
      let part = LogPart(leftOut: try settings.leftOutByGroup(pipeline, partitions: count))
      let opened = try TopicLogSource(settings.sourceConfiguration(group: "tally-log"), part)
      source = opened
      total = opened.offsetsAtStart
    }
  }

  /// Decodes every record and calls `body` with those that are events, in the order of each partition's log. Returns what
  /// the log held. Stops early when `body` returns false.
  func forEachEvent(
    _ settings: Settings, _ pipeline: LoadedPipeline, what: String,
    _ body: (Event, EventBatch, RawRecord) throws -> Bool
  ) throws -> EventLogCounts {
    defer { source.close() }
    let decoder = try settings.makeDecoder(pipeline, homes: homes)
    let events = EventBatch(symbols: pipeline.program.symbols)
    let batch = RecordBatch()
    var progress = Progress(what: what, total: total)
    var counts = EventLogCounts()
    while true {
      switch try source.poll(into: batch, limit: 512, timeoutMs: 500, fillMs: 0) {
      case .assigned(let partitions):
        try source.assign(partitions.map { (partition: $0, offset: try source.bounds($0).low) })
      case .revoked: try source.unassign()
      // A worker leaves them out, too.
      case .unreadable(let partition, let from, let until, let why):
        tellUnreadable(partition, from..<until, why)
      case .stuck(let partition, let from, _, let why): throw Failure.unread(partition, from: from, why)
      case .finished:
        progress.finish("records read")
        counts.records = progress.done
        return counts
      case .records:
        for record in batch.records {
          events.removeAll()
          if let reason = decoder.decode(record, into: events) {
            counts.add(reason, detail: decoder.refusedDetail)
          } else if try !body(events.events[0], events, record) {
            counts.records = progress.done
            return counts
          }
          progress.advance()
        }
      }
    }
  }
}
