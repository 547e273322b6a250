import Dataflow
import Events
import Features
import Foundation
import Ingest

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
        path: file, topic: settings.topic, limits: DecoderLimits(valueBytesMax: settings.valueBytesMax))
      source = opened
      total = nil
      homes = .onePartition
    } else {
      homes = try settings.homes(try settings.partitionCount(), records: [], pipeline)
      let opened = try TopicLogSource(settings.sourceConfiguration(group: "tally-log"))
      source = opened
      total = opened.offsetsAtStart
    }
  }

  /// Decodes every record and calls `body` with those that are events, in the order of each partition's log. Returns the
  /// numbers of records and of dead letters. Stops early when `body` returns false.
  func forEachEvent(
    _ settings: Settings, _ pipeline: LoadedPipeline, what: String,
    _ body: (Event, EventBatch, RawRecord) throws -> Bool
  ) throws -> (records: Int64, deadLetters: Int64) {
    defer { source.close() }
    let decoder = try settings.makeDecoder(pipeline, homes: homes)
    let events = EventBatch(symbols: pipeline.program.symbols)
    let batch = RecordBatch()
    var progress = Progress(what: what, total: total)
    var deadLetters: Int64 = 0
    while true {
      switch try source.poll(into: batch, limit: 512, timeoutMs: 500, fillMs: 0) {
      case .assigned(let partitions):
        try source.assign(partitions.map { (partition: $0, offset: try source.bounds($0).low) })
      case .revoked: try source.unassign()
      case .finished:
        progress.finish("records read")
        return (progress.done, deadLetters)
      case .records:
        for record in batch.records {
          events.removeAll()
          if decoder.decode(record, into: events) != nil {
            deadLetters += 1
          } else if try !body(events.events[0], events, record) {
            return (progress.done, deadLetters)
          }
          progress.advance()
        }
      }
    }
  }
}
