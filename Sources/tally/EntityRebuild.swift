import Configuration
import Dataflow
import Events
import FeatureStore
import Features
import Foundation
import Ingest
import Pipeline

/// Makes one person's state anew from the log, beside a running pipeline if need be.
///
/// States are a function of the log below W, and W moves while others work. So the log is read on beyond W, the state is
/// kept for every offset from W on at which it changes, and the one that fits is written by compare-and-set of the
/// partition record at hand. The record moves too, so that workers drop what they have cached.
struct EntityRebuild {
  let id: String
  let acceptShorterLog: Bool
  let settings: Settings
  let pipeline: LoadedPipeline
  let store: any StateStore

  /// Longest time to get in between a pipeline's own writes, seconds.
  private static let deadlineSeconds = 60.0

  /// Makes the state anew on the partition that the person belongs to. Throws `Failure` when that cannot be done.
  func run(_ positions: PipelinePositions) throws {
    let homes = try settings.homes(
      Int32(positions.facts.count), checkedBy: positions.facts.map(\.record))
    let key = Array(id.utf8)
    let facts = positions.facts[key.withUnsafeBytes { Int(homes.home(of: $0)) }]
    var isStored = false
    try key.withUnsafeBytes { raw in
      try store.fetch(
        partitions: [], entities: [EntityRequest(partition: facts.partition, entityID: raw)],
        record: { _, _ in }, state: { _, bytes in isStored = bytes != nil })
    }
    guard try rebuild(facts, homes, isStored: isStored) else {
      throw Failure("neither the store nor the scored part of the log knows this person: nothing to rebuild")
    }
  }

  /// Makes the state of the person on a partition anew. Returns whether there was anything to make or to remove.
  private func rebuild(_ facts: PartitionFacts, _ homes: KeyHomes, isStored: Bool) throws -> Bool {
    guard facts.record != nil || isStored else {
      throw Failure("partition \(facts.partition) has no record in the store: nothing was scored yet")
    }
    guard let record = facts.record else {
      throw Failure(
        "partition \(facts.partition) has states but no record: make all of them anew, with tally rebuild")
    }
    guard record.definition == pipeline.program.stateHash.hex else {
      throw Failure("the store's states are of another definition: make all of them anew, with tally rebuild")
    }
    guard facts.bounds.low <= record.leftOut.end(from: record.firstOffset) || acceptShorterLog else {
      throw Failure(
        "the log begins at offset \(facts.bounds.low), the states at \(record.firstOffset): the person's older events "
          + "are gone; --accept-shorter-log makes a state that knows only what is left")
    }
    let start = max(facts.bounds.low, record.firstOffset)
    let source = try TopicLogSource(
      settings.sourceConfiguration(group: "tally-rebuild"),
      LogPart(
        partitions: [facts.partition], from: [facts.partition: start],
        leftOut: [facts.partition: record.leftOut],
        unpackedBytesMax: [facts.partition: record.unpackedBytesMax]))
    defer { source.close() }
    var history = EntityHistory(id: id, partition: facts.partition, pipeline: pipeline, from: start)
    let decoder = try settings.makeDecoder(pipeline, homes: homes)
    var progress = Progress(
      what: "rebuild: reading partition \(facts.partition)", total: source.offsetsAtStart)
    let batch = RecordBatch()
    var isReading = true
    while isReading {
      switch try source.poll(into: batch, limit: 512, timeoutMs: 500, fillMs: 0) {
      case .assigned(let partitions): try source.assign(partitions.map { (partition: $0, offset: start) })
      case .revoked, .finished: isReading = false
      // A worker leaves them out, too.
      case .unreadable(let partition, let from, let until, let why):
        tellUnreadable(partition, from..<until, why)
      case .stuck(let partition, let from, _, let why): throw Failure.unread(partition, from: from, why)
      case .records:
        history.add(batch, decoder: decoder, keepingFrom: record.nextOffset)
        progress.advance(Int64(batch.records.count))
      }
    }
    progress.finish("records")
    history.isReadUp(to: facts.bounds.high)
    guard isStored || history.hasEvents else { return false }
    source.follow()
    try write(history, source, decoder, batch, leftOut: record.leftOut.orders)
    return true
  }

  private func write(
    _ history: consuming EntityHistory, _ source: TopicLogSource, _ decoder: any RecordDecoder,
    _ batch: RecordBatch, leftOut: LeftOutRanges
  ) throws {
    let deadline = Date().addingTimeInterval(Self.deadlineSeconds)
    while Date() < deadline {
      guard let bytes = try store.records([history.partition])[0] else {
        throw Failure(
          "partition \(history.partition): its record is gone; make all states anew, with tally rebuild")
      }
      let record = try PartitionRecord.read(bytes, partition: history.partition)
      guard record.leftOut.orders == leftOut else {
        throw Failure(
          "partition \(history.partition): offsets were ordered to be left out meanwhile; start this again")
      }
      // Of what is left out nothing comes.
      if record.nextOffset <= record.leftOut.end(from: history.end) {
        let state = history.state(below: record.nextOffset)
        if try replace(bytes, record, by: state, partition: history.partition) {
          let what = state.isEmpty ? "removed: the log has no event of this person" : "made anew"
          say("rebuild: the state on partition \(history.partition) was \(what)")
          return
        }
      }
      switch try source.poll(into: batch, limit: 512, timeoutMs: 5, fillMs: 0) {
      case .stuck(let partition, let from, _, let why): throw Failure.unread(partition, from: from, why)
      default: break
      }
      history.add(batch, decoder: decoder, keepingFrom: 0)
    }
    throw Failure(
      "the pipeline writes too often to get in between; stop tally run for a moment and try again")
  }

  private func replace(
    _ expected: [UInt8], _ record: PartitionRecord, by state: [UInt8], partition: Int32
  ) throws -> Bool {
    guard record.successor == 0 else {
      throw Failure("the states were moved to another generation meanwhile; start this again")
    }
    var next = record
    next.repairs += 1
    var write = StateWrite()
    write.partition = partition
    write.expected = expected
    write.record = next.encoded
    write.bytes = Array(id.utf8) + state
    write.entries = [StateEntry(entityID: 0..<id.utf8.count, state: id.utf8.count..<write.bytes.count)]
    return try store.write(write) != .conflict
  }
}

/// A person's state at every offset from some offset on, as far as the log was read.
struct EntityHistory {
  let partition: Int32
  /// Everything below was read.
  private(set) var end: Int64
  private let id: [UInt8]
  private let program: FeatureProgram
  private let state: EntityState
  private let events: EventBatch
  /// Stored forms (empty: no state), each good for W above its offset and up to the next one's.
  private var versions: [(offset: Int64, bytes: [UInt8])] = [(-1, [])]

  init(id: String, partition: Int32, pipeline: LoadedPipeline, from start: Int64) {
    self.id = Array(id.utf8)
    self.partition = partition
    end = start
    program = pipeline.program
    state = EntityState(program)
    state.partition = partition
    events = EventBatch(symbols: program.symbols)
  }

  /// Whether any event made a state.
  var hasEvents: Bool { versions.count > 1 || !versions[0].bytes.isEmpty }

  /// Says that the log has nothing more below an offset (transactions end with records that nobody sees).
  mutating func isReadUp(to offset: Int64) { end = max(end, offset) }

  /// Applies the person's events among these records; forgets versions that are not needed for W ≥ `keepingFrom`.
  mutating func add(_ batch: RecordBatch, decoder: any RecordDecoder, keepingFrom first: Int64) {
    for record in batch.records {
      end = max(end, record.offset + 1)
      guard record.key.elementsEqual(id) else { continue }
      events.removeAll()
      guard decoder.decode(record, into: events) == nil else { continue }
      let effect = program.process(events.events[0], in: events, to: state)
      guard effect == .applied || effect == .erased else { continue }
      if record.offset < first { versions.removeAll() }
      var writer = WireWriter()
      if state.events > 0 { state.encode(into: &writer) }
      versions.append((record.offset, writer.bytes))
    }
  }

  /// The stored form as of W; empty: no state.
  func state(below next: Int64) -> [UInt8] { versions.last { $0.offset < next }?.bytes ?? [] }
}
