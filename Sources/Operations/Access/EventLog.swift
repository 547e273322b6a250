import Configuration
package import Dataflow
package import Events
import Features
import Foundation
import Ingest

/// What a log held.
package struct EventLogCounts {
  /// Records read.
  package var records: Int64 = 0
  /// Dead letters by reason.
  package private(set) var reasons: [DeadLetterReason: Int64] = [:]
  /// What the decoder said of each reason's first letter.
  private var details: [DeadLetterReason: String] = [:]

  /// All dead letters.
  package var deadLetters: Int64 { reasons.values.reduce(0, +) }

  package mutating func add(_ reason: DeadLetterReason, detail: String) {
    if reasons.updateValue(reasons[reason, default: 0] + 1, forKey: reason) == nil {
      details[reason] = detail
    }
  }

  /// One line a reason, the most frequent first: what a producer needs to know to mend its records.
  package var lines: [String] {
    reasons.sorted { ($1.value, $0.key.rawValue) < ($0.value, $1.key.rawValue) }.map { reason, count in
      let detail = details[reason] ?? ""
      return "  \(reason.rawValue): \(count)" + (detail.isEmpty ? "" : " (the first: \(detail))")
    }
  }
}

/// A log read from its first record to its present end, without a group: a file of lines, or the topic.
package struct EventLog {
  private let access: any PipelineAccess
  private let source: any RecordSource
  /// Records to come, if known.
  private let total: Int64?
  /// Where the log's entities live.
  private let homes: KeyHomes

  /// Opens `file`, or the topic of the settings when it is nil.
  package init(_ access: any PipelineAccess, file: String?) throws {
    self.access = access
    if let file {
      source = try access.openFiles([file])
      total = nil
      homes = .onePartition
    } else {
      let count = try access.partitionCount()
      homes = try access.homes(count, records: [])
      let part = LogPart(leftOut: try access.leftOutByGroup(partitions: count))
      let opened = try access.openLog(part, reader: "tally-log")
      source = opened
      total = opened.offsetsAtStart
    }
  }

  /// Decodes every record and calls `body` with those that are events (as positions in the pass's), in the order of each partition's log.
  /// Returns what the log held. Stops early when `body` returns false.
  package func forEachEvent(
    what: String, _ body: (Int32, EventPass, RawRecord) throws -> Bool
  ) throws -> EventLogCounts {
    defer { source.close() }
    let pass = EventPass(program: access.pipeline.program, decoder: try access.makeDecoder(homes))
    let progress = access.report.begin(what, total: total)
    var counts = EventLogCounts()
    var isWanted = true
    try LogReading(source, report: access.report).forEachBatch { batch in
      for record in batch.records {
        pass.removeAll()
        switch pass.decode(record) {
        case .refused(let reason): counts.add(reason, detail: pass.refusal.detail)
        // It is about models, not about somebody.
        case .promotion: break
        case .event(let event):
          guard try body(event, pass, record) else {
            isWanted = false
            return false
          }
        }
        progress.advance()
      }
      return true
    }
    if isWanted { progress.finish("records read") }
    counts.records = progress.done
    return counts
  }
}
