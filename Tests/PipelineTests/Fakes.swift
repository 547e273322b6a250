import Dataflow
import Events
import Features

/// A topic in memory; its bytes stay until the log goes.
final class FakeLog {
  struct Record {
    var key: UnsafeRawBufferPointer
    var value: UnsafeRawBufferPointer
    var timestampMs: Int64
  }

  private(set) var partitions: [[Record]]
  var committed: [CommittedOffset?]
  /// First offset of a partition that is still there.
  var low: [Int: Int64] = [:]
  /// A range of a partition that nobody can read, and one that cannot be had for now.
  var unreadable: [Int: Range<Int64>] = [:]
  var stuck: [Int: Range<Int64>] = [:]
  /// A range of a partition of which nothing comes, and nobody says why.
  var silent: [Int: Range<Int64>] = [:]
  let clusterID = "fake"
  private var blocks: [UnsafeMutableRawPointer] = []

  init(partitions count: Int) {
    partitions = Array(repeating: [], count: count)
    committed = Array(repeating: nil, count: count)
  }

  deinit { for block in blocks { block.deallocate() } }

  func append(partition: Int, key: String, value: String, timestampMs: Int64) {
    partitions[partition].append(
      Record(key: store(key), value: store(value), timestampMs: timestampMs))
  }

  private func store(_ text: String) -> UnsafeRawBufferPointer {
    let bytes = Array(text.utf8)
    let block = UnsafeMutableRawPointer.allocate(byteCount: max(bytes.count, 1), alignment: 1)
    blocks.append(block)
    block.copyMemory(from: bytes, byteCount: bytes.count)
    return UnsafeRawBufferPointer(start: block, count: bytes.count)
  }
}

/// A consumer of a fake log that rebalances when its seed says so.
final class FakeSource: RecordSource {
  let topic = "events"
  private let log: FakeLog
  private let faults: Faults
  private var next: [Int64?]
  private var asked = false
  private let rebalanceShare: Double
  private let own: [Int32]
  /// Called when something cannot be had for now.
  var onStuck: (() -> Void)?
  /// Called when nothing comes although there is something.
  var onSilence: (() -> Void)?

  /// `own`: the partitions that it is given; nil: all.
  init(log: FakeLog, faults: Faults, rebalanceShare: Double = 0, own: [Int32]? = nil) {
    self.own = own ?? log.partitions.indices.map { Int32($0) }
    self.log = log
    self.faults = faults
    self.rebalanceShare = rebalanceShare
    next = Array(repeating: nil, count: log.partitions.count)
  }

  func identity() throws -> LogIdentity {
    LogIdentity(clusterID: log.clusterID, partitionCount: Int32(log.partitions.count))
  }

  func poll(into batch: RecordBatch, limit: Int, timeoutMs: Int, fillMs: Int) throws -> PollOutcome {
    batch.records.removeAll(keepingCapacity: true)
    // A poll that fails has taken nothing: librdkafka reports an error only when it has no record to give.
    return try faults.before {
      let all = own
      if next.allSatisfy({ $0 == nil }) { return .assigned(all) }
      if Double.random(in: 0..<1, using: &faults.generator) < rebalanceShare {
        return .revoked(all, lost: Bool.random(using: &faults.generator))
      }
      let rows = Int.random(in: 1...limit, using: &faults.generator)
      var isSilent = false
      for partition in all.shuffled(using: &faults.generator) {
        while batch.records.count < rows, let offset = next[Int(partition)],
          offset < log.partitions[Int(partition)].count
        {
          if log.silent[Int(partition)]?.contains(offset) == true {
            isSilent = true
            break
          }
          if let range = [log.unreadable, log.stuck].lazy.compactMap({ $0[Int(partition)] }).first(where: {
            $0.contains(offset)
          }) {
            guard batch.records.isEmpty else { break }
            return trouble(Int(partition), range)
          }
          let record = log.partitions[Int(partition)][Int(offset)]
          batch.records.append(
            RawRecord(
              partition: partition, offset: offset, ingestTimeMs: record.timestampMs, key: record.key,
              value: record.value, contentType: .unspecified))
          next[Int(partition)] = offset + 1
        }
      }
      if batch.records.isEmpty && isSilent { onSilence?() }
      return batch.records.isEmpty && !isSilent ? .finished : .records
    }
  }

  private func trouble(_ partition: Int, _ range: Range<Int64>) -> PollOutcome {
    let number = Int32(partition)
    guard log.unreadable[partition] == range else {
      onStuck?()
      return .stuck(partition: number, from: range.lowerBound, until: range.upperBound, why: "a test")
    }
    next[partition] = range.upperBound
    return .unreadable(partition: number, from: range.lowerBound, until: range.upperBound, why: "a test")
  }

  func committed(_ partitions: [Int32]) throws -> [CommittedOffset?] {
    try faults.around { partitions.map { log.committed[Int($0)] } }
  }

  func bounds(_ partition: Int32) throws -> LogBounds {
    try faults.around {
      LogBounds(
        low: log.low[Int(partition)] ?? 0, high: Int64(log.partitions[Int(partition)].count))
    }
  }

  func assign(_ starts: [(partition: Int32, offset: Int64)]) throws {
    for (partition, offset) in starts { next[Int(partition)] = offset }
  }

  func unassign() throws { next = Array(repeating: nil, count: next.count) }

  func commit(_ offsets: [OffsetMark]) throws -> WriteOutcome {
    try faults.around {
      for mark in offsets {
        log.committed[Int(mark.partition)] = CommittedOffset(mark.offset, metadata: mark.metadata)
      }
      return .written
    }
  }

  func idle(timeoutMs: Int) throws -> Bool { false }
  func resume() throws {}
  func close() {}
}

/// What a durable table holds; survives crashes of its sinks.
final class FakeTable {
  struct Key: Hashable {
    var entity: String
    var event: String
  }
  var rows: [Key: [UInt32]] = [:]
  var inserts = 0
  /// Where each row that was ever inserted came from.
  var written: [String] = []
  /// Rows and letters that erasures removed.
  var erasures = 0
  var letters: [String: Int] = [:]
  /// Entity of each letter.
  var letterKeys: [String: String] = [:]
  var positions: [Int32: Int64] = [:]
  var leftOut: [Int32: LeftOutRanges] = [:]
}

/// Writes batches into a fake table, each in one step with its positions.
final class FakeTableSink: TableSink {
  private let table: FakeTable
  private let faults: Faults
  /// Every so many offsets a row breaks a constraint; 0: none does.
  private let refusesEvery: Int64

  init(_ table: FakeTable, faults: Faults, refusesEvery: Int64 = 0) {
    self.table = table
    self.faults = faults
    self.refusesEvery = refusesEvery
  }

  private func refused(_ batch: ScoredBatch) -> RefusedRows? {
    guard refusesEvery > 0 else { return nil }
    let rows = batch.rows.indices.filter {
      batch.rows[$0].toTable && batch.records.records[Int(batch.rows[$0].record)].offset % refusesEvery == 0
    }
    guard !rows.isEmpty else { return nil }
    return RefusedRows(rows: rows.map { .init(index: $0, why: "it may not") }, letters: [])
  }

  func positions(topic: String, _ partitions: [Int32]) throws -> [TablePosition?] {
    try faults.around {
      partitions.map { partition in
        table.positions[partition].map {
          TablePosition($0, leftOut: table.leftOut[partition] ?? LeftOutRanges())
        }
      }
    }
  }

  func write(_ batch: ScoredBatch, moves: [PositionMove]) throws -> WriteOutcome {
    try faults.around {
      if moves.allSatisfy({ table.positions[$0.partition] == $0.new }) { return .alreadyWritten }
      guard moves.allSatisfy({ table.positions[$0.partition] == $0.old }) else { return .conflict }
      if let refused = refused(batch) { throw refused }
      for move in moves {
        table.positions[move.partition] = move.new
        table.leftOut[move.partition] = move.leftOut
      }
      for erasure in batch.erasures where erasure.toTable {
        let entity = batch.events.string(batch.events.events[Int(erasure.event)].entityID)
        let before = table.rows.count + table.letters.count
        table.rows = table.rows.filter { $0.key.entity != entity }
        table.letters = table.letters.filter { table.letterKeys[$0.key] != entity }
        table.erasures += before - table.rows.count - table.letters.count
      }
      for (index, row) in batch.rows.enumerated() where row.toTable {
        let event = batch.events.events[Int(row.event)]
        let record = batch.records[row.record]
        table.written.append("\(record.partition)/\(record.offset)")
        let key = FakeTable.Key(
          entity: batch.events.string(event.entityID), event: batch.events.string(event.eventID))
        table.rows[key] = bits(of: batch, row: index)
        table.inserts += 1
      }
      for letter in batch.deadLetters where letter.toTable {
        let record = batch.records[letter.record]
        let place = "\(record.partition)/\(record.offset) \(letter.reason.rawValue)"
        table.letters[place, default: 0] += 1
        table.letterKeys[place] = String(decoding: record.key, as: UTF8.self)
      }
      return .written
    }
  }

  func close() {}
}

/// All bits of a scored row: features, then outputs.
func bits(of batch: ScoredBatch, row: Int) -> [UInt32] {
  (0..<batch.features.columns).map { batch.features.row(row)[$0].bitPattern }
    + (0..<batch.outputs.columns).map { batch.outputs.row(row)[$0].bitPattern }
}

/// What a topic holds: every message ever acknowledged, with repeats.
final class FakeTopic {
  var messages: [String: Set<[UInt32]>] = [:]
  var letters: Set<String> = []
}

/// Sends to a fake topic; messages count when they are sent, as a broker may have them without our knowing.
final class FakeTopicSink: TopicSink {
  private let topic: FakeTopic
  private let faults: Faults
  /// Every so many offsets a score is too large; 0: none is.
  private let refusesEvery: Int64

  init(_ topic: FakeTopic, faults: Faults, refusesEvery: Int64 = 0) {
    self.topic = topic
    self.faults = faults
    self.refusesEvery = refusesEvery
  }

  func refused(_ batch: ScoredBatch) throws -> [Int] {
    guard refusesEvery > 0 else { return [] }
    return batch.rows.indices.filter {
      let offset = batch.records.records[Int(batch.rows[$0].record)].offset
      return batch.rows[$0].toTopic && offset % refusesEvery == 0
    }
  }

  func send(_ batch: ScoredBatch) throws {
    for (index, row) in batch.rows.enumerated() where row.toTopic {
      let record = batch.records[row.record]
      topic.messages["\(record.partition)/\(record.offset)", default: []].insert(bits(of: batch, row: index))
    }
    for letter in batch.deadLetters where letter.toTopic {
      let record = batch.records[letter.record]
      topic.letters.insert("\(record.partition)/\(record.offset) \(letter.reason.rawValue)")
    }
  }

  func flush(timeoutMs: Int) throws -> Bool { try faults.around { true } }
  func close() {}
}

/// The sum of the row's features: a score that shows any difference in them.
final class SumScorer: RowScorer {
  let outputNames = ["sum"]
  let modelVersions = ["1"]

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    outputs.resize(rows: rows.rows)
    for row in 0..<rows.rows {
      var sum: Float = 0
      for column in 0..<rows.columns where !rows.row(row)[column].isNaN { sum += rows.row(row)[column] }
      outputs.row(row)[0] = sum
    }
  }
}

/// No decisions.
final class NoDecisions: Decider {
  let decisionNames: [String] = []
  let decisionLabels: [[String]] = []
  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {}
}

/// Reads values of the form `eventID,timeMicros` and `eventID,timeMicros,KIND`; anything else is undecodable.
final class CommaDecoder: RecordDecoder {
  let homes: KeyHomes
  /// What a value without a kind is.
  private let usual: EventKind
  private static let attribute = Array("age".utf8)

  init(_ homes: KeyHomes, usual: EventKind = .engagement) {
    self.homes = homes
    self.usual = usual
  }

  func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
    let parts = String(decoding: record.value, as: UTF8.self).split(separator: ",")
    guard parts.count >= 2, let time = Int64(parts[1]) else { return .undecodable }
    // Of an entity that the value names, as a mapping may have it: the key is anything.
    let named = parts.count == 4 ? Array(parts[3].utf8) : nil
    guard named != nil || homes.home(of: record.key) == record.partition else { return .wrongPartition }
    let kind: EventKind = parts.count == 2 || named != nil ? usual : parts[2] == "tick" ? .tick : .erasure
    events.begin()
    var id = String(parts[0])
    let idSlice = id.withUTF8 { events.append(UnsafeRawBufferPointer($0)) }
    let entity = named?.withUnsafeBytes { events.append($0) } ?? events.append(record.key)
    if kind == .profileSnapshot {
      Self.attribute.withUnsafeBytes {
        events.appendAttribute(name: $0, kind: .real, bits: Double(time / 1_000_000 % 100).bitPattern)
      }
    }
    events.commit(
      kind: kind, type: SymbolTable.unknown, eventID: idSlice, entityID: entity, source: .empty,
      time: time)
    return nil
  }
}

/// Time that moves only when someone sleeps.
final class FakeClock: Clock {
  private var nanos: UInt64 = 1
  func wallMicros() -> Int64 { 1_800_000_000_000_000 + Int64(nanos / 1000) }
  func monotonicNanos() -> UInt64 {
    nanos += 1_000_000
    return nanos
  }
  func sleep(milliseconds: Int) { nanos += UInt64(milliseconds) * 1_000_000 }
}

/// Adds counts up.
final class CountingRecorder: Recorder {
  var read = 0
  var scored = 0
  var duplicate = 0
  var erased = 0
  var deadLettered = 0
  var rebuilt = 0
  var losses: [String] = []
  /// Events whose way from the broker to durable was measured.
  var aged = 0
  var positions: [Int32: Int64] = [:]
  /// `PARTITION/RANGE` of everything that was passed over.
  var passed: [String] = []
  var leftOut: [Int32: [LeftOutCause: Int64]] = [:]
  var states: [String] = []
  func record(_ stage: Stage, nanos: UInt64, events: Int) { if stage == .total { aged += events } }
  func rebuilt(records: Int) { rebuilt += records }
  func makingAgain(partition: Int32, from: Int64, until: Int64, because: StateLoss) {
    losses.append("\(partition) \(because.rawValue) \(from)..<\(until)")
  }
  func count(read: Int, scored: Int, duplicate: Int, erased: Int, deadLettered: [Int]) {
    self.read += read
    self.scored += scored
    self.duplicate += duplicate
    self.erased += erased
    self.deadLettered += deadLettered.reduce(0, +)
  }
  func position(partition: Int32, next: Int64, end: Int64) { positions[partition] = next }
  func leftOut(partition: Int32, _ passed: LeftOut, why: String) {
    self.passed.append("\(partition)/\(passed.text)")
  }
  func leftOut(partition: Int32, offsets: [LeftOutCause: Int64]) { leftOut[partition] = offsets }
  func state(_ text: String, healthy: Bool) { states.append(text) }
}
