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

/// One output: a sum of the features that shows a difference in any of them.
final class SumScorer: RowScorer {
  let outputNames = ["sum"]
  let modelVersions = ["1"]

  func score(_ rows: FloatMatrix, into outputs: FloatMatrix) throws {
    outputs.resize(rows: rows.rows)
    for row in 0..<rows.rows {
      let cells = rows.row(row)
      var sum: Float = 0
      for column in 0..<rows.columns where !cells[column].isNaN { sum = sum * 1.25 + cells[column] }
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
