import Dataflow
import Events
import FeatureStore
import Features
import Pipeline
import TestPlaces

@testable import Configuration
@testable import Operations

/// Logs of the engagement pipeline, and what a worker would have made of them.
enum SamplePipeline {
  /// 2026-01-10T00:00:00Z.
  static let nowMicros: Int64 = 1_768_003_200_000_000
  static let day: Int64 = 86_400_000_000

  static func load() throws -> LoadedPipeline { try LoadedPipeline(file: Places.pipeline) }

  /// A login as its producers write it.
  static func login(_ id: String, _ number: Int, at time: Int64) -> String {
    #"{"event_id":"\#(id)-\#(number)","entity_id":"\#(id)","event_time_us":\#(time),"#
      + #""engagement":{"type":"login","attributes":{"device":"mobile"}}}"#
  }
}

extension MemoryAccess {
  /// Appends logins of these entities, one after the other, to the partitions that they belong to.
  func feed(
    _ ids: [String], rounds: Int = 3, from time: Int64 = SamplePipeline.nowMicros - 20 * SamplePipeline.day
  ) {
    let homes = homes(Int32(log.partitions.count))
    for round in 0..<rounds {
      for (place, id) in ids.enumerated() {
        let at = time + Int64(round * ids.count + place) * 60_000_000
        let home = Array(id.utf8).withUnsafeBytes { homes.home(of: $0) }
        log.append(
          Int(home), key: id, value: SamplePipeline.login(id, round, at: at), timestampMs: at / 1000)
      }
    }
  }

  /// The states that a worker has made of each partition's log below W, naively: one entity after the other.
  func score(below next: [Int64]? = nil, changing change: (inout PartitionRecord) -> Void = { _ in }) throws {
    let count = Int32(log.partitions.count)
    let homes = homes(count)
    let decoder = try makeDecoder(homes)
    let store = try openStates(partitionCount: count)
    for partition in 0..<count {
      var states: [[UInt8]: EntityState] = [:]
      var record = PartitionRecord()
      record.generation = settings.generation
      record.nextOffset = next?[Int(partition)] ?? log.bounds(partition).high
      record.definition = pipeline.program.stateHash.hex
      record.clusterID = "memory"
      record.partitionCount = count
      record.partitioner = .murmur2
      record.firstOffset = log.bounds(partition).low
      change(&record)
      let source = MemoryLogSource(
        log, LogPart(partitions: [partition], until: [partition: record.nextOffset]))
      try LogReading(source).forEachBatch { batch in
        for raw in batch.records {
          let events = EventBatch(symbols: pipeline.program.symbols)
          guard decoder.decode(raw, into: events) == nil else { continue }
          let state = states[Array(raw.key)] ?? EntityState(pipeline.program)
          state.partition = partition
          states[Array(raw.key)] = state
          _ = pipeline.program.process(events.events[0], in: events, to: state)
          record.counters.read += 1
          record.counters.scored += 1
        }
        return true
      }
      var write = StateWrite()
      write.partition = partition
      write.expected = try store.records([partition])[0] ?? []
      write.record = record.encoded
      for (id, state) in states {
        var writer = WireWriter()
        if state.events > 0 { state.encode(into: &writer) }
        let begin = write.bytes.count
        write.bytes += id + writer.bytes
        write.entries.append(
          StateEntry(
            entityID: begin..<begin + id.count, state: begin + id.count..<write.bytes.count))
      }
      guard try store.write(write) == .written else { throw TestFailure("the sample's states conflict") }
    }
  }

  /// What the store has of an entity.
  func stored(_ id: String) throws -> [UInt8]? {
    let count = Int32(log.partitions.count)
    return try EntityLookup(Array(id.utf8), homes(count)).state(in: openStates(partitionCount: count))
  }

  /// Puts bytes in the place of an entity's state.
  func damage(_ id: String, _ bytes: [UInt8]) throws {
    let count = Int32(log.partitions.count)
    let store = try openStates(partitionCount: count)
    let entity = EntityLookup(Array(id.utf8), homes(count))
    let record = try store.records([entity.partition])[0] ?? []
    // A record that is replaced by itself tells nothing: move it, and back.
    var moved = try PartitionRecord.read(record, partition: entity.partition)
    moved.repairs += 1
    _ = try store.write(entity.write(bytes, over: record, record: moved.encoded))
  }

  func record(_ partition: Int32) throws -> PartitionRecord? {
    let store = try openStates(partitionCount: Int32(log.partitions.count))
    return try store.records([partition])[0].map { try PartitionRecord.read($0, partition: partition) }
  }

  func positions() throws -> PipelinePositions {
    let count = Int32(log.partitions.count)
    return try PipelinePositions(self, store: openStates(partitionCount: count), partitions: count)
  }
}
