import Operations
import ArgumentParser
import Configuration
import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Kafka
import Pipeline

/// `tally status`: where every partition stands.
struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints W, T, C, end and lag of every partition, and the totals.",
    discussion: """
      W: next offset by the store. T: by the table. C: the group's committed offset. Effectively once keeps C ≤ W ≤ T.
      End: the last stable offset, up to which committed records can be read. At rest the lag is 0: marks of transactions behind the
      last record count as read once the group shows it, worker.commit_interval later.
      Dropped: events of types, and attributes, that the pipeline does not declare, by name; as the processes of the pipeline have
      told Redis every 5 seconds and at their end, until 30 days after the last one; not of a pipeline that keeps no state, whose W
      is C: its record lies beside the group's offset.
      Skipped: offsets below W that held no record when they were read: markers of transactions, or what a compacted topic has
      lost. Left out: offsets below W without a score for good: deleted (run --accept-gap), unreadable, skipped (tally skip); orders that
      lie ahead are listed, too.

      Examples:
        tally status --config tally.yaml
        tally status --json
      """)

  @OptionGroup var connection: ConnectionOptions
  @Flag(help: "One JSON object a partition; what was dropped, in each, is that of all partitions.") var json =
    false

  func run() throws {
    try reporting {
      let settings = try connection.settings()
      let pipeline = try LoadedPipeline(file: settings.pipeline)
      let partitions = try settings.partitionCount()
      let access = Deployment(settings, pipeline)
      let store = try access.openStates(partitionCount: partitions)
      defer { store.close() }
      let positions = try PipelinePositions(access, store: store, partitions: partitions)
      let facts = positions.facts
      let names = try pipeline.program.keepsState ? readNames(settings, pipeline) : NameCounts()
      show(
        positions.standings, table: facts.map(\.table), committed: facts.map(\.committed),
        ends: facts.map(\.bounds.high), names: names)
      if !json { for line in names.lines { say(line) } }
    }
  }

  private func readNames(_ settings: Settings, _ pipeline: LoadedPipeline) throws -> NameCounts {
    let totals = try settings.makeNameTotals(pipeline)
    defer { totals.close() }
    return try totals.read()
  }

  private func show(
    _ standings: [PartitionStanding], table: [Int64?], committed: [CommittedOffset?], ends: [Int64],
    names: NameCounts
  ) {
    func text(_ offset: Int64?) -> String { offset.map(String.init) ?? "-" }
    func pad(_ text: String) -> String { String(repeating: " ", count: max(0, 12 - text.count)) + text }
    if !json { say(["partition", "W", "T", "C", "end", "lag"].map(pad).joined()) }
    var totals = PartitionCounters()
    var skipped: Int64 = 0
    for partition in ends.indices {
      let record = standings[partition].record
      let next = record?.nextOffset ?? 0
      // What the group shows beyond W are marks of transactions, when it commits the same W.
      let reached = committed[partition].map { $0.offset == next ? $0.shown : next } ?? next
      let lag = max(ends[partition] - reached, 0)
      if json {
        func value(_ offset: Int64?) -> String { offset.map(String.init) ?? "null" }
        say(
          "{\"partition\":\(partition),\"w\":\(value(record?.nextOffset)),\"t\":\(value(table[partition])),"
            + "\"c\":\(value(committed[partition]?.offset)),\"end\":\(ends[partition]),\"lag\":\(lag),"
            + "\"generation\":\(standings[partition].generation),\"skipped\":\(record?.skippedOffsets ?? 0),"
            + "\"model_set\":\"\(record?.modelSet ?? "")\",\"model_set_number\":\(record?.modelSetNumber ?? 0),"
            + "\"left_out\":[\((record?.leftOut.ranges ?? []).map(Self.json).joined(separator: ","))],"
            + "\"left_out_unlisted\":\(record?.leftOut.forgotten ?? 0),"
            + Self.json(record?.counters ?? PartitionCounters()) + ",\(names.json)}")
      } else {
        say(
          [
            "\(partition)", text(record?.nextOffset), text(table[partition]),
            text(committed[partition]?.offset),
            "\(ends[partition])", "\(lag)",
          ].map(pad).joined())
      }
      skipped += record?.skippedOffsets ?? 0
      guard let counters = record?.counters else { continue }
      totals.read += counters.read
      totals.scored += counters.scored
      totals.duplicate += counters.duplicate
      totals.erased += counters.erased
      totals.promoted += counters.promoted
      for index in counters.deadLettered.indices {
        totals.deadLettered[index] += counters.deadLettered[index]
      }
    }
    guard !json else { return }
    let dead = totals.deadLettered.reduce(0, +)
    let reasons = DeadLetterReason.allCases.filter { totals.deadLettered[$0.index] > 0 }.map {
      "\($0.rawValue) \(totals.deadLettered[$0.index])"
    }
    say(
      "read \(totals.read) = scored \(totals.scored) + duplicate \(totals.duplicate)"
        + (totals.erased > 0 ? " + erased \(totals.erased)" : "")
        + (totals.promoted > 0 ? " + promoted \(totals.promoted)" : "") + " + dead-lettered \(dead)"
        + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: ", ")))"))
    for partition in ends.indices {
      if let text = standings[partition].record?.leftOutText { say("partition \(partition): \(text)") }
    }
    for line in Self.models(standings.map(\.record)) { say(line) }
    if skipped > 0 {
      say("skipped \(skipped) offsets without a record: markers of transactions, or compacted away")
    }
  }

  private static func json(_ range: LeftOut) -> String {
    "{\"from\":\(range.from),\"to\":\(range.until - 1),\"cause\":\"\(range.cause.rawValue)\"}"
  }

  /// Which set of models is in force on which partitions, a line each.
  private static func models(_ records: [PartitionRecord?]) -> [String] {
    var places: [(models: ModelSetInForce, partitions: [Int])] = []
    for (partition, record) in records.enumerated() {
      guard let models = record?.inForce, !models.hash.isEmpty else { continue }
      if let index = places.firstIndex(where: { $0.models == models }) {
        places[index].partitions.append(partition)
      } else {
        places.append((models, [partition]))
      }
    }
    return places.map { models, partitions in
      let way = models.number == 0 ? "since the beginning" : "by promotion \(models.number)"
      let list = partitions.map { "\($0)" }.joined(separator: ", ")
      return
        "models \(models.hash) are in force \(way) on partition\(partitions.count == 1 ? "" : "s") \(list)"
    }
  }

  /// `"read":9,"scored":8,"duplicate":0,"erased":0,"dead_lettered":{"future-time":1}`.
  private static func json(_ counters: PartitionCounters) -> String {
    let letters = DeadLetterReason.allCases.filter { counters.deadLettered[$0.index] > 0 }.map {
      "\"\($0.rawValue)\":\(counters.deadLettered[$0.index])"
    }
    return "\"read\":\(counters.read),\"scored\":\(counters.scored),\"duplicate\":\(counters.duplicate),"
      + "\"erased\":\(counters.erased),\"promoted\":\(counters.promoted),"
      + "\"dead_lettered\":{\(letters.joined(separator: ","))}"
  }
}

extension PartitionRecord {
  /// What is left out, for readers; nil: nothing.
  var leftOutText: String? {
    guard !leftOut.isEmpty else { return nil }
    let counts = LeftOutCause.allCases.compactMap { cause in
      passedOffsets[cause].map { "\($0) \(cause.rawValue)" }
    }
    let ahead = leftOut.count(below: .max) - leftOut.count(below: nextOffset)
    let parts = counts + (ahead > 0 ? ["\(ahead) ahead"] : [])
    return "left out \(parts.joined(separator: ", ")): \(leftOut.text)"
  }
}
