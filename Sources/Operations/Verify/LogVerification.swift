import Configuration
package import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Ingest
import Pipeline
import Tables
package import Verification

/// Reads log, states and tables for `tally verify`, in an order in which a running pipeline cannot make false differences.
///
/// First the log up to W as it is at the start; then the states, each with the W that it is of, in one atomic read; then
/// one snapshot of the tables with their T, which is never behind any W seen before; then the log once more from where it
/// was left up to T. So every state is compared as of its W, and the tables as of their T, wherever the pipeline is by then.
package struct LogVerification {
  package let access: any PipelineAccess
  /// Loads the pipeline's models, as a worker does; called once it is known that there is something to compare.
  package let makeModels: () throws -> (scorer: any RowScorer, sets: any ModelSets)
  package let decider: any Decider
  package let sample: EntitySample
  /// The only entity; nil: a share of all.
  package let only: String?
  /// Offsets of a partition whose rows are compared; nil: all.
  package let last: Int64?
  /// Whether the log may lack records in its middle.
  package let isCompacted: Bool

  package init(
    access: any PipelineAccess,
    makeModels: @escaping () throws -> (scorer: any RowScorer, sets: any ModelSets), decider: any Decider,
    sample: EntitySample,
    only: String?, last: Int64?, isCompacted: Bool
  ) {
    self.access = access
    self.makeModels = makeModels
    self.decider = decider
    self.sample = sample
    self.only = only
    self.last = last
    self.isCompacted = isCompacted
  }

  private var pipeline: LoadedPipeline { access.pipeline }
  private var settings: Settings { access.settings }

  /// States read at once.
  private static let statesAtOnce = 256

  /// Compares. Throws `Failure` or `PortError`.
  package func run() throws -> VerificationReport {
    let partitions = try access.partitionCount()
    let store = try access.openStates(partitionCount: partitions)
    defer { store.close() }
    let positions = try PipelinePositions(access, store: store, partitions: partitions)
    let homes = try access.homes(partitions, checkedBy: positions.facts.map(\.record))
    let start = try VerificationStart(positions, pipeline: pipeline, last: last)
    let (scorer, sets) = try makeModels()
    let context = pipeline.context(topic: settings.topic, scorer: scorer, decider: decider)
    var rules = StateRules()
    rules.logIsWhole = start.logIsWhole && !isCompacted
    rules.logIsCompacted = isCompacted
    rules.expiresBeforeMs = expiresBeforeMs
    let recomputed = Recomputation(
      program: pipeline.program, context: context, sample: sample,
      decoder: try access.makeDecoder(homes), scorer: scorer, decider: decider,
      scoresFrom: start.scoresFrom, rules: rules, models: sets, noted: try Self.noted(start, sets))
    try read(start.logFrom, start.next, into: recomputed, start, checking: start.records)

    guard let table = try openTable(context) else {
      let ends = try readStates(of: recomputed.ids, recomputed, store, start, homes)
      try read(start.next, ends, into: recomputed, start)
      recomputed.finishStates()
      return report(recomputed, start, tables: [])
    }
    let strangers = try table.snapshot { try self.strangers($0, recomputed) }
    let ends = try readStates(of: recomputed.ids + strangers, recomputed, store, start, homes)
    return try table.snapshot { snapshot in
      let numbers = start.next.keys.sorted()
      let rowsUntil = try snapshot.positions(numbers)
      var until = ends
      for (partition, next) in zip(numbers, rowsUntil) {
        guard let next else { continue }
        guard next >= until[partition] ?? next else {
          throw Failure(
            "partition \(partition): the table (T \(next)) is behind the store (W \(until[partition] ?? next)): was it "
              + "restored or emptied? tally status shows the positions", reason: .tableBehind)
        }
        until[partition] = next
      }
      try read(start.next, until, into: recomputed, start)
      recomputed.finishStates()
      guard rowsUntil.contains(where: { $0 != nil }) else {
        return report(recomputed, start, tables: [])
      }
      return report(
        recomputed, start,
        tables: try compare(
          snapshot, table, recomputed, context, start,
          notBegun: zip(numbers, rowsUntil).filter { $0.1 == nil }.map(\.0)))
    }
  }

  /// What is known of models where reading begins, and behind what is left out.
  private static func noted(
    _ start: VerificationStart, _ sets: any ModelSets
  ) throws -> [Int32: [NotedModels]] {
    var found: [Int32: [NotedModels]] = [:]
    for (partition, from) in start.logFrom {
      let ends = (start.records[partition]?.leftOut.ranges ?? []).map(\.until).filter { $0 > from }
      found[partition] = try ([from] + ends).compactMap { offset in
        try sets.inForce(at: offset, of: partition).map { NotedModels(from: offset, models: $0) }
      }
    }
    return found
  }

  /// A log that is cut off may know nothing of some of a share's entities; of the only entity it knows all or, by the state's
  /// count of events, not.
  private func report(
    _ recomputed: Recomputation, _ start: VerificationStart, tables: [Comparison]
  ) -> VerificationReport {
    let isWhole = start.logIsWhole || (only != nil && recomputed.entitiesWithEvents > 0)
    return VerificationReport(recomputed, tables: tables, isWhole: isWhole)
  }

  /// Entities whose last event came before this may have no state any more, milliseconds UTC; nil: states do not expire.
  private var expiresBeforeMs: Int64? {
    guard settings.redisExpiry, let ttl = pipeline.declaration.features.idleTTL else { return nil }
    return Int64(Date().timeIntervalSince1970 * 1000) - ttl / 1000 * 2
  }

  private func openTable(_ context: ScoreContext) throws -> ScoreTable? {
    switch settings.table {
    case .none: nil
    case .sqlite(let path): try ScoreTable(sqlite: path, context: context)
    case .postgres(let connection):
      try ScoreTable(postgres: settings.postgres(connection), context: context)
    }
  }

  /// Reads the log between two sets of positions.
  private func read(
    _ from: [Int32: Int64], _ until: [Int32: Int64], into recomputed: Recomputation,
    _ start: VerificationStart, checking records: [Int32: PartitionRecord] = [:]
  ) throws {
    let wanted = Set(from.keys.filter { (until[$0] ?? 0) > from[$0] ?? 0 })
    guard !wanted.isEmpty else { return }
    let source = try access.openLog(
      LogPart(
        partitions: wanted, from: from, until: until, leftOut: start.records.mapValues(\.leftOut),
        unpackedBytesMax: start.records.mapValues(\.unpackedBytesMax)), reader: "tally-verify")
    defer { source.close() }
    let progress = access.report.begin("verify: reading the log", total: source.offsetsAtStart)
    try LogReading(source, from: from, report: access.report).forEachBatch { batch in
      for record in batch.records {
        guard let known = records[record.partition], known.lastOffsetPlusOne == record.offset + 1,
          known.lastTimestampMs != record.ingestTimeMs
        else { continue }
        throw Failure(
          "partition \(record.partition): the record at offset \(record.offset) is not the one that was scored: the topic "
            + "was recreated; use another generation, group and table", reason: .topicRecreated)
      }
      try recomputed.add(batch)
      progress.advance(Int64(batch.records.count))
      return true
    }
    progress.finish("records")
  }

  /// Hands over the states of entities, each with the W that it is of. Returns the largest W of every partition.
  private func readStates(
    of entities: [(id: [UInt8], partition: Int32)], _ recomputed: Recomputation, _ store: any StateStore,
    _ start: VerificationStart, _ homes: KeyHomes
  ) throws -> [Int32: Int64] {
    var ends = start.next
    let partitions = start.next.keys.sorted()
    var all = entities.filter { start.next[$0.partition] != nil }
    if let only, entities.isEmpty {
      let id = Array(only.utf8)
      all = [(id, id.withUnsafeBytes { homes.home(of: $0) })].filter { start.next[$0.1] != nil }
    }
    for begin in stride(from: 0, to: all.count, by: Self.statesAtOnce) {
      let some = all[begin..<min(begin + Self.statesAtOnce, all.count)]
      let ids = some.flatMap(\.id)
      var records: [[UInt8]?] = []
      var states: [[UInt8]?] = []
      try ids.withUnsafeBytes { raw in
        var place = 0
        let requests = some.map { entity in
          defer { place += entity.id.count }
          return EntityRequest(
            partition: entity.partition,
            entityID: UnsafeRawBufferPointer(rebasing: raw[place..<(place + entity.id.count)]))
        }
        try store.fetch(
          partitions: partitions, entities: requests,
          record: { _, bytes in records.append(bytes.map { Array($0) }) },
          state: { _, bytes in states.append(bytes.map { Array($0) }) })
      }
      let next = try start.positions(partitions, records)
      for (partition, next) in next { ends[partition] = max(ends[partition] ?? 0, next) }
      for (index, entity) in some.enumerated() where pipeline.program.keepsState {
        guard let next = next[entity.partition] else { continue }
        recomputed.expectState(
          of: entity.id, partition: entity.partition, next: next, stored: states[index])
      }
    }
    return ends
  }

  /// Entities of the sample that the log does not know and a table does.
  private func strangers(
    _ snapshot: ScoreSnapshot, _ recomputed: Recomputation
  ) throws -> [(id: [UInt8], partition: Int32)] {
    let known = Set(recomputed.ids.map(\.id))
    var found: [(id: [UInt8], partition: Int32)] = []
    try forEachID(snapshot) { ids in
      let unknown = ids.filter { !known.contains(Array($0.utf8)) }
      var seen = Set<[UInt8]>()
      for table in ScoreTable.Name.allCases {
        for row in try snapshot.rows(table, of: unknown) where seen.insert(Array(row.entityID.utf8)).inserted
        {
          found.append((Array(row.entityID.utf8), row.partition))
        }
      }
    }
    return found
  }

  /// Calls `body` with the ids of the sample that have rows, a page at a time; some may come twice.
  private func forEachID(_ snapshot: ScoreSnapshot, _ body: ([String]) throws -> Void) throws {
    if let only { return try body([only]) }
    for table in ScoreTable.Name.allCases {
      try snapshot.forEachEntity(table) { page in
        try body(page.filter { id in Array(id.utf8).withUnsafeBytes { sample.contains($0) } })
      }
    }
  }

  /// Compares the tables; `notBegun`: partitions of which they have no rows yet.
  private func compare(
    _ snapshot: ScoreSnapshot, _ table: ScoreTable, _ recomputed: Recomputation, _ context: ScoreContext,
    _ start: VerificationStart, notBegun: [Int32]
  ) throws -> [Comparison] {
    var ids = Set(recomputed.ids.map(\.id))
    try forEachID(snapshot) { page in ids.formUnion(page.map { Array($0.utf8) }) }
    let all = ids.map { $0 }
    let progress = access.report.begin("verify: comparing", total: Int64(2 * all.count))
    let comparisons = try ScoreTable.Name.allCases.map { name in
      var comparison = ScoreComparison(
        name, recomputed, definition: context.definition,
        logFrom: start.logFrom)
      for begin in stride(from: 0, to: all.count, by: ScoreSnapshot.idsMax) {
        let some = Array(all[begin..<min(begin + ScoreSnapshot.idsMax, all.count)])
        let rows = try snapshot.rows(
          name, of: some.map { String(decoding: $0, as: UTF8.self) },
          from: name == .scores ? start.scoresFrom : [:])
        comparison.add(rows, of: some)
        progress.advance(Int64(some.count))
      }
      let letters = try snapshot.letters(
        at: comparison.absent.map { LetterAddress(partition: $0.partition, offset: $0.offset) })
      var firstOffsets = comparison.asksForFirstOffsets ? try snapshot.firstOffsets() : [:]
      for partition in notBegun { firstOffsets[partition] = .max }
      comparison.settle(firstOffsets: firstOffsets, refused: letters)
      return comparison.result
    }
    progress.finish("look-ups")
    return comparisons
  }
}
