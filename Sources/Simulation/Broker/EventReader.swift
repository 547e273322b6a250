import Dataflow
import Events
import Features

/// Reads the simulated producers' values: kind, event id, event time, amount, type; anything else is undecodable.
final class EventReader: RecordDecoder {
  private static let valueBytes = 18
  private static let amountName = Array("amount".utf8)
  private static let buyName = Array("buy".utf8)
  private static let otherName = Array("look".utf8)

  /// A value as `decode` reads it.
  static func value(kind: EventKind, id: UInt32, time: EventTime, amount: Int32, isBuy: Bool) -> [UInt8] {
    var bytes: [UInt8] = [kind.rawValue]
    withUnsafeBytes(of: id.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: time.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: amount.littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(isBuy ? 1 : 0)
    return bytes
  }

  let homes: KeyHomes

  init(_ homes: KeyHomes) { self.homes = homes }

  private(set) var refusedEntityID = UnsafeRawBufferPointer(start: nil, count: 0)

  func decode(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
    refusedEntityID = UnsafeRawBufferPointer(start: nil, count: 0)
    let value = record.value
    if value.count == 0 { return record.key.count == 0 ? .emptyRecord : .emptyValue }
    guard value.count == Self.valueBytes, let kind = EventKind(rawValue: value[0]) else {
      return .undecodable
    }
    guard record.key.count > 1 else { return .keyMismatch }
    if kind == .promotion { return decodePromotion(record, into: events) }
    let id = value.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
    let time = value.loadUnaligned(fromByteOffset: 5, as: EventTime.self)
    let amount = value.loadUnaligned(fromByteOffset: 13, as: Int32.self)
    events.begin()
    let eventID = withUnsafeBytes(of: id) { events.append($0) }
    let entity = events.append(record.key)
    var type = SymbolTable.unknown
    if kind == .engagement {
      let name = value[17] == 1 ? Self.buyName : Self.otherName
      type = name.withUnsafeBytes { events.symbols.lookup($0) }
    }
    // Some profiles say nothing of it.
    if kind == .engagement || kind == .profileSnapshot && value[17] == 1 {
      Self.amountName.withUnsafeBytes {
        events.appendAttribute(name: $0, kind: .real, bits: (Double(amount) / 100).bitPattern)
      }
    }
    guard homes.home(of: record.key) == record.partition else {
      refusedEntityID = record.key
      return .wrongPartition
    }
    events.commit(kind: kind, type: type, eventID: eventID, entityID: entity, source: .empty, time: time)
    return nil
  }
}

extension EventReader {
  /// A promotion as `decode` reads it; a forged one has no right signature.
  static func promotion(number: Int, set: Int, isForged: Bool) -> [UInt8] {
    value(
      kind: .promotion, id: UInt32(number), time: 1, amount: Int32(set), isBuy: !isForged)
  }

  /// What a record of the log promotes; nil: it is no promotion, or a forged one.
  static func promotion(of record: InputLog.Record) -> Promotion? {
    let value = record.value
    guard value.count == valueBytes, value[0] == EventKind.promotion.rawValue, value[17] == 1 else {
      return nil
    }
    let number = value.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
    let set = value.loadUnaligned(fromByteOffset: 13, as: Int32.self)
    return promotion(number, set)
  }

  private static func promotion(_ number: UInt32, _ set: Int32) -> Promotion? {
    let hash = Array(SumScorer.hash(of: Int(set)).utf8).withUnsafeBytes { Hash128(digits: $0) }
    return hash.map { Promotion(number: UInt64(number), set: $0) }
  }

  private func decodePromotion(_ record: RawRecord, into events: EventBatch) -> DeadLetterReason? {
    let value = record.value
    guard value[17] == 1 else { return .notSigned }
    events.begin()
    let id = events.append(record.key)
    events.commit(
      kind: .promotion, type: SymbolTable.unknown, eventID: id, entityID: id, source: .empty, time: 1)
    let number = value.loadUnaligned(fromByteOffset: 1, as: UInt32.self)
    let set = value.loadUnaligned(fromByteOffset: 13, as: Int32.self)
    if let promotion = Self.promotion(number, set) { events.note(promotion) }
    return nil
  }
}

/// One output: a sum of the features that shows a difference in any of them, and in the set of models.
final class SumScorer: RowScorer {
  let outputNames = ["sum"]
  let modelVersions: [String]
  private let weight: Float

  /// The models of a set, by its number among those of the simulation.
  init(_ set: Int = 0) {
    modelVersions = [Self.hash(of: set)]
    weight = 1.25 + Float(set) / 8
  }

  /// The models of a hash.
  convenience init(ofHash hash: String) {
    self.init((0...4).first { Self.hash(of: $0) == hash } ?? 0)
  }

  /// Hash of a set.
  static func hash(of set: Int) -> String { Hash128(low: UInt64(set + 1) << 32, high: 0).hex }

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    outputs.resize(rows: rows.rows)
    for row in 0..<rows.rows {
      let cells = rows.row(row)
      var sum: Float = 0
      for column in 0..<rows.columns where !cells[column].isNaN { sum = sum * weight + cells[column] }
      outputs.row(row)[0] = sum
    }
  }
}

/// One trigger: whether the output is large.
final class LargeTrigger: Decider {
  let decisionNames = ["large"]
  let decisionLabels: [[String]] = [[]]

  func decide(
    _ outputs: FloatMatrix, carried: RowMatrix<Double>, thresholds: [Float], into decisions: inout [Int32]
  ) {
    for row in 0..<outputs.rows { decisions.append(outputs.row(row)[0] > 20 ? 1 : 0) }
  }
}

/// Records nothing.
final class SilentRecorder: Recorder {
  func record(_ stage: Stage, nanos: UInt64, events: Int) {}
  func record(_ stage: Stage, nanos: UnsafeBufferPointer<UInt64>) {}
  func count(read: Int, scored: Int, duplicate: Int, erased: Int, deadLettered: [Int]) {}
  func position(partition: Int32, next: Int64, end: Int64) {}
  func state(_ text: String, healthy: Bool) {}
}
