import Dataflow
import FeatureStore
import Features
import Ingest
import Pipeline
import Synchronization
import TestPlaces

@testable import Configuration
@testable import Operations

/// A topic in memory, one array of records a partition.
final class MemoryLog {
  struct Record {
    let key: [UInt8]
    let value: [UInt8]
    let timestampMs: Int64
    var signature: [UInt8]?
  }

  private(set) var partitions: [[Record]]
  /// First offset of a partition that is still there.
  var low: [Int32: Int64] = [:]
  /// Offsets that nobody can read, and those that cannot be had for now.
  var unreadable: [Int32: Range<Int64>] = [:]
  var stuck: [Int32: Int64] = [:]
  var committed: [CommittedOffset?]
  /// Whether the broker lets nobody read the group's offsets.
  var deniesOffsets = false
  /// Whether nobody is in the group, so that anybody may set its offsets.
  var isGroupEmpty = true

  init(partitions count: Int) {
    partitions = Array(repeating: [], count: count)
    committed = Array(repeating: nil, count: count)
  }

  func append(_ partition: Int, key: String, value: String, timestampMs: Int64) {
    append(partition, key: Array(key.utf8), value: Array(value.utf8), timestampMs: timestampMs)
  }

  func append(
    _ partition: Int, key: [UInt8], value: [UInt8], timestampMs: Int64, signature: [UInt8]? = nil
  ) {
    partitions[partition].append(
      Record(key: key, value: value, timestampMs: timestampMs, signature: signature))
  }

  func bounds(_ partition: Int32) -> LogBounds {
    LogBounds(low: low[partition] ?? 0, high: Int64(partitions[Int(partition)].count))
  }
}

/// Reads a part of a memory log; what it gave lives until the next poll.
final class MemoryLogSource: LogSource {
  let topic = "events"
  let offsetsAtStart: Int64
  private let log: MemoryLog
  private let part: LogPart
  private let own: [Int32]
  private var ends: [Int32: Int64]
  private var next: [Int32: Int64]?
  private var isAsked = false
  private var given: [UnsafeMutableRawPointer] = []
  /// Called before each poll.
  var onPoll: (() -> Void)?

  init(_ log: MemoryLog, _ part: LogPart) {
    self.log = log
    self.part = part
    let all = log.partitions.indices.map { Int32($0) }
    own = all.filter { part.partitions?.contains($0) ?? true }
    ends = Dictionary(uniqueKeysWithValues: own.map { ($0, part.until[$0] ?? log.bounds($0).high) })
    offsetsAtStart = own.reduce(0) { sum, partition in
      let from = part.from[partition] ?? log.bounds(partition).low
      return sum + max(0, (part.until[partition] ?? log.bounds(partition).high) - from)
    }
  }

  deinit { release() }

  private func release() {
    for block in given { block.deallocate() }
    given.removeAll()
  }

  private func keep(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    block.copyMemory(from: bytes, byteCount: bytes.count)
    given.append(block)
    return UnsafeRawBufferPointer(start: block, count: bytes.count)
  }

  func identity() throws -> LogIdentity {
    LogIdentity(clusterID: "memory", partitionCount: Int32(log.partitions.count))
  }

  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    onPoll?()
    batch.records.removeAll()
    release()
    guard var next else { return .assigned(own) }
    defer { self.next = next }
    for partition in own {
      while let offset = next[partition], offset < min(ends[partition] ?? 0, log.bounds(partition).high) {
        if let range = log.unreadable[partition], range.contains(offset) {
          guard batch.records.isEmpty else { return .records }
          next[partition] = range.upperBound
          return .unreadable(partition: partition, from: offset, until: range.upperBound, why: "corrupt")
        }
        if log.stuck[partition] == offset {
          guard batch.records.isEmpty else { return .records }
          return .stuck(partition: partition, from: offset, until: nil, why: "no answer")
        }
        guard batch.records.count < limit else { return .records }
        next[partition] = offset + 1
        guard !(part.leftOut[partition]?.contains(offset) ?? false) else { continue }
        let record = log.partitions[Int(partition)][Int(offset)]
        batch.records.append(
          RawRecord(
            partition: partition, offset: offset, ingestTimeMs: record.timestampMs, key: keep(record.key),
            value: keep(record.value), contentType: .unspecified,
            signature: record.signature.map { keep($0) }))
      }
    }
    let isDone = own.allSatisfy { next[$0] ?? 0 >= ends[$0] ?? 0 }
    return batch.records.isEmpty && isDone ? .finished : .records
  }

  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] { partitions.map { _ in nil } }
  func bounds(_ partition: Int32) throws -> LogBounds {
    LogBounds(low: part.from[partition] ?? log.bounds(partition).low, high: ends[partition] ?? 0)
  }
  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    next = Dictionary(uniqueKeysWithValues: starts.map { ($0.partition, $0.offset) })
  }
  func unassign() throws { next = nil }
  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome { .written }
  func idle(timeoutMs: Int) throws -> Bool { false }
  func resume() throws {}
  func follow() { for partition in own { ends[partition] = .max } }
  func close() {}
}

/// States in memory that can be looked through.
final class SurveyedStates: StateSurvey {
  private let storage: MemoryStateStorage
  private let store: MemoryStateStore
  private let partitionCount: Int32
  private var generation: UInt64

  init(_ storage: MemoryStateStorage, partitionCount: Int32, generation: UInt64) {
    self.storage = storage
    self.partitionCount = partitionCount
    self.generation = generation
    store = MemoryStateStore(storage, partitionCount: partitionCount)
    for partition in 0..<partitionCount { store.use(generation: generation, of: partition) }
  }

  func use(generation: UInt64, of partition: Int32) { store.use(generation: generation, of: partition) }
  func records(_ partitions: [Int32]) throws -> [[UInt8]?] { try store.records(partitions) }
  func fetch(
    partitions: [Int32], entities: [EntityRequest],
    record: (Int, UnsafeRawBufferPointer?) -> Void, state: (Int, UnsafeRawBufferPointer?) -> Void
  ) throws {
    try store.fetch(partitions: partitions, entities: entities, record: record, state: state)
  }
  func forEachEntity(
    of partitions: [Int32], _ body: (_ partition: Int32, _ entityID: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    try store.forEachEntity(of: partitions, body)
  }
  func write(_ write: StateWrite) throws -> WriteOutcome { try store.write(write) }
  func clear(_ partition: Int32, whileRecordIs record: [UInt8]) throws -> Bool {
    try store.clear(partition, whileRecordIs: record)
  }
  func place(of entityID: UnsafeRawBufferPointer, partition: Int32) -> String {
    store.place(of: entityID, partition: partition)
  }
  func close() {}

  func forEachState(
    _ body: (_ partition: Int32, _ entityID: [UInt8], _ state: UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for partition in 0..<partitionCount {
      for (id, state) in storage.states(partition, generation: generation) {
        try state.withUnsafeBytes { try body(partition, id, $0) }
      }
    }
  }
  func generations() throws -> [UInt64: (records: Int, states: Int)] { [:] }
  func removeGeneration() throws {
    throw PortError(.misuse, "a test removes no generation")
  }
}

/// Appends to a memory log when it is flushed.
final class MemoryAppender: EventAppending {
  private let log: MemoryLog
  private let homes: KeyHomes
  private var queued: [(partition: Int, key: [UInt8], value: [UInt8], signature: [UInt8]?)] = []
  private let timestampMs: Int64
  /// Records after which the brokers are gone; nil: they stay.
  var recordsMax: Int?

  init(_ log: MemoryLog, _ homes: KeyHomes, timestampMs: Int64) {
    self.log = log
    self.homes = homes
    self.timestampMs = timestampMs
  }

  func append(
    key: [UInt8]?, value: [UInt8]?, headers: [(name: StaticString, value: String)], partition: Int32
  ) throws {
    let home =
      partition >= 0
      ? partition : key.map { key in key.withUnsafeBytes { homes.home(of: $0) } } ?? partition
    let signature = headers.first { "\($0.name)" == "\(ControlKey.header)" }?.value
    queued.append((Int(home), key ?? [], value ?? [], signature.map { Array($0.utf8) }))
  }
  func flush() throws {
    let sent = queued.prefix(recordsMax ?? .max)
    for one in sent {
      log.append(
        one.partition, key: one.key, value: one.value, timestampMs: timestampMs, signature: one.signature)
    }
    guard sent.count == queued.count else { throw Failure("the brokers are gone", reason: .kafkaUnavailable) }
    queued.removeAll()
  }
  func close() {}
}

/// What an operation has said.
final class SaidReport: OperationReport {
  let said = Mutex<[String]>([])
  let warned = Mutex<[String]>([])

  func say(_ text: String) { said.withLock { $0.append(text) } }
  func warn(_ text: String) { warned.withLock { $0.append(text) } }
  func begin(_ what: String, total: Int64?) -> any ProgressReport { Count() }

  var all: [String] { said.withLock { $0 } }
  var warnings: [String] { warned.withLock { $0 } }

  private final class Count: ProgressReport {
    var done: Int64 = 0
    func advance(_ count: Int64) { done += count }
    func finish(_ units: String) {}
  }
}

/// A clock that stands still but for sleeps.
final class SteppingClock: Clock {
  var nanos: UInt64 = 0
  /// Called at each sleep.
  var onSleep: (() -> Void)?

  func wallMicros() -> Int64 { SamplePipeline.nowMicros }
  func monotonicNanos() -> UInt64 { nanos }
  func sleep(milliseconds: Int) {
    nanos += UInt64(milliseconds) * 1_000_000
    onSleep?()
  }
}

/// A pipeline in memory: its log, its states, and what operations say.
struct MemoryAccess: PipelineAccess {
  let pipeline: LoadedPipeline
  let settings: Settings
  let log: MemoryLog
  let storage: MemoryStateStorage
  let said = SaidReport()
  var table: [TablePosition?]?
  /// Given to every log that is opened.
  var onPoll: (() -> Void)?
  /// Records that an appender can append before the brokers are gone; nil: all.
  var appendsMax: Int?

  init(partitions: Int = 2, pipeline: LoadedPipeline? = nil, settings given: Settings = Settings()) throws {
    self.pipeline = try pipeline ?? SamplePipeline.load()
    var settings = given
    settings.table = .none
    self.settings = settings
    log = MemoryLog(partitions: partitions)
    storage = MemoryStateStorage()
  }

  private init(_ other: MemoryAccess, _ settings: Settings) {
    pipeline = other.pipeline
    self.settings = settings
    log = other.log
    storage = other.storage
    table = other.table
    onPoll = other.onPoll
    appendsMax = other.appendsMax
  }

  var report: any OperationReport { said }
  func with(_ settings: Settings) -> MemoryAccess { MemoryAccess(self, settings) }
  func partitionCount() throws -> Int32 { Int32(log.partitions.count) }
  func openLog(_ part: LogPart, reader: String) throws -> any LogSource {
    let source = MemoryLogSource(log, part)
    source.onPoll = onPoll
    return source
  }
  func makeDecoder(_ homes: KeyHomes) throws -> any RecordDecoder {
    try EventDecoder(
      pipeline.program, homes: homes,
      limits: DecoderLimits(futureBound: pipeline.declaration.futureBound),
      control: try settings.controlRule(pipeline), pipeline: pipeline.declaration.name)
  }
  func openStates(partitionCount: Int32) throws -> any StateSurvey {
    guard pipeline.program.keepsState else { return offsetStore() }
    return SurveyedStates(storage, partitionCount: partitionCount, generation: settings.generation)
  }
  private func offsetStore() -> OffsetStore {
    OffsetStore(read: { [log] in $0.map { log.committed[Int($0)] } }) { [log] mark in
      guard log.isGroupEmpty else { return .conflict }
      log.committed[Int(mark.partition)] = CommittedOffset(mark.shown, metadata: mark.metadata)
      return .written
    }
  }
  func tablePositions(_ partitions: [Int32]) throws -> [TablePosition?] {
    partitions.map { table?[Int($0)] }
  }
  func logPositions(_ partitions: [Int32]) throws -> LogPositions {
    LogPositions(
      committed: partitions.map { log.committed[Int($0)] }, bounds: partitions.map { log.bounds($0) },
      log: LogIdentity(clusterID: "memory", partitionCount: Int32(log.partitions.count)))
  }
  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?]? {
    log.deniesOffsets ? nil : partitions.map { log.committed[Int($0)] }
  }
  func makeAppender() throws -> any EventAppending {
    let appender = MemoryAppender(
      log, KeyHomes(.murmur2, partitionCount: Int32(log.partitions.count)),
      timestampMs: SamplePipeline.nowMicros / 1000)
    appender.recordsMax = appendsMax
    return appender
  }
}
