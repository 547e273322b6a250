import Configuration
package import Dataflow
import Events
import FeatureStore
import Features
import Ingest
import Pipeline
import Tables

/// Rebuilds the states, where they belong, of entities that an earlier version left where their first event was seen; and removes
/// their states and rows there. For a pipeline that nobody scores.
///
/// Each step may be done again: what tells which entities are astray, their states elsewhere, goes last.
package struct StrayRebuild {
  package let access: any PipelineAccess
  package let store: any StateStore

  package init(access: any PipelineAccess, store: any StateStore) {
    self.access = access
    self.store = store
  }

  private var pipeline: LoadedPipeline { access.pipeline }
  /// States written at once.
  private static let statesAtOnce = 512

  /// Does all of it, then notes in the partition records that everything is at home. Throws `Failure` and `PortError`.
  package func run(_ positions: PipelinePositions) throws {
    let facts = positions.facts
    let homes = access.homes(Int32(facts.count))
    for one in facts { try TakeoverRules.checkHomes(one, partitioner: homes.partitioner) }
    guard !HomeSurvey.unseen(facts).isEmpty else {
      return access.report.say(
        "rebuild: all states are known to be where their entities belong; nothing to do")
    }
    for one in facts {
      guard let record = one.record, record.definition != pipeline.program.stateHash.hex else { continue }
      throw Failure(
        "partition \(one.partition): the states are of another definition; name the pipeline file that they were made with "
          + "(--pipeline)", reason: .otherDefinition)
    }
    var astray: [Int32: [[UInt8]]] = [:]
    let survey = try HomeSurvey(of: facts, in: store, homes) { astray[$0, default: []].append(Array($1)) }
    if let better = survey.better {
      throw Failure(
        "by \(better.rawValue) all states are where they belong: set kafka.partitioner: \(better.rawValue)",
        reason: .keysElsewhere)
    }
    let ids = Set(astray.values.flatMap { $0 })
    let byHome = Dictionary(grouping: ids) { id in id.withUnsafeBytes { homes.home(of: $0) } }
    for (partition, ids) in byHome.sorted(by: { $0.key < $1.key }) {
      try makeAnew(ids, facts[Int(partition)], homes)
    }
    let rows = try removeRows(astray)
    for (partition, ids) in astray { try write(ids.map { ($0, []) }, to: partition) }
    for partition in HomeSurvey.unseen(facts) { try stamp(partition, homes.partitioner) }
    access.report.say(
      "rebuild: \(ids.count) of \(survey.entities) entities were astray: their states are rebuilt where they belong, "
        + "\(rows) rows from elsewhere are removed")
  }

  /// Makes the states of entities of one partition from its log below W.
  private func makeAnew(_ ids: [[UInt8]], _ facts: PartitionFacts, _ homes: KeyHomes) throws {
    guard let record = facts.record else { return }
    guard facts.bounds.low <= record.leftOut.end(from: record.firstOffset) else {
      throw Failure(
        "partition \(facts.partition): the log begins at offset \(facts.bounds.low), the states at \(record.firstOffset): older "
          + "events are gone; restore the log, or start over with another group, redis.generation and table",
        reason: .logTruncated)
    }
    var states: [[UInt8]: EntityState] = [:]
    for id in ids { states[id] = EntityState(pipeline.program) }
    for state in states.values { state.partition = facts.partition }
    let pass = EventPass(program: pipeline.program, decoder: try access.makeDecoder(homes))
    let start = max(facts.bounds.low, record.firstOffset)
    try read(facts.partition, start..<record.nextOffset, of: record) { raw in
      guard let state = states[Array(raw.key)] else { return }
      pass.removeAll()
      guard case .event(let event) = pass.decode(raw) else { return }
      _ = pass.apply(event, to: state)
    }
    try write(
      states.map { id, state in
        var writer = WireWriter()
        if state.events > 0 { state.encode(into: &writer) }
        return (id, writer.bytes)
      }, to: facts.partition)
  }

  private func read(
    _ partition: Int32, _ offsets: Range<Int64>, of record: PartitionRecord,
    _ body: (RawRecord) -> Void
  ) throws {
    let source = try access.openLog(
      LogPart(
        partitions: [partition], from: [partition: offsets.lowerBound],
        until: [partition: offsets.upperBound],
        leftOut: [partition: record.leftOut], unpackedBytesMax: [partition: record.unpackedBytesMax]),
      reader: "tally-rebuild")
    defer { source.close() }
    let progress = access.report.begin(
      "rebuild: reading partition \(partition)", total: source.offsetsAtStart)
    try LogReading(source, from: [partition: offsets.lowerBound], report: access.report).forEachBatch {
      batch in
      for record in batch.records { body(record) }
      progress.advance(Int64(batch.records.count))
      return true
    }
    progress.finish("records")
  }

  /// Puts states (empty: none) beside the partition's record, which moves without W.
  private func write(_ states: [(id: [UInt8], bytes: [UInt8])], to partition: Int32) throws {
    for start in stride(from: 0, to: states.count, by: Self.statesAtOnce) {
      try change(partition) { record, write in
        record.repairs += 1
        for (id, bytes) in states[start..<min(start + Self.statesAtOnce, states.count)] {
          let begin = write.bytes.count
          write.bytes += id + bytes
          let end = begin + id.count
          write.entries.append(StateEntry(entityID: begin..<end, state: end..<write.bytes.count))
        }
      }
    }
  }

  private func stamp(_ partition: Int32, _ partitioner: Partitioner) throws {
    try change(partition) { record, _ in record.partitioner = partitioner }
  }

  /// Compare-and-set of a partition's record. Throws `Failure` when somebody else moves it.
  private func change(
    _ partition: Int32, _ body: (inout PartitionRecord, inout StateWrite) -> Void
  ) throws {
    guard let bytes = try store.records([partition])[0] else {
      throw Failure(
        "partition \(partition): its record is gone; rebuild all states, with tally rebuild",
        reason: .lostState)
    }
    var record = try PartitionRecord.read(bytes, partition: partition)
    var write = StateWrite()
    write.partition = partition
    write.expected = bytes
    body(&record, &write)
    write.record = record.encoded
    guard try store.write(write) != .conflict else {
      throw Failure(
        "partition \(partition): somebody else moves it; stop all tally runs of the pipeline, then start this again",
        reason: .busy
      )
    }
  }

  /// Removes the rows of entities by the partition on which they are astray. Returns how many.
  private func removeRows(_ astray: [Int32: [[UInt8]]]) throws -> Int {
    let name = pipeline.declaration.name
    let rows: StrayRows
    switch access.settings.table {
    case .none: return 0
    case .sqlite(let path): rows = try StrayRows(sqlite: path, pipeline: name)
    case .postgres(let connection):
      rows = try StrayRows(postgres: access.settings.postgres(connection), pipeline: name)
    }
    return try astray.reduce(0) { sum, one in
      sum + (try rows.remove(one.value, topic: access.settings.topic, partition: one.key))
    }
  }
}
