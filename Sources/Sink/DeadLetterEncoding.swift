public import Dataflow
import Events

extension ScoreEncoder {
  /// Writes a dead letter of the batch to `bytes`. Key and value together are cut to `bytesMax` bytes, the value
  /// first, so that the letter of a record that is too large is not itself too large.
  public func encodeDeadLetter(_ letter: DeadLetter, of batch: ScoredBatch, bytesMax: Int) {
    let record = batch.records.records[Int(letter.record)]
    let key = Self.cut(record.key, bytesMax)
    let value = Self.cut(letter.value(of: record), bytesMax - key.count)
    bytes.removeAll(keepingCapacity: true)
    switch encoding {
    case .json: encodeJSON(letter, record, key, value)
    case .protobuf: encodeProtobuf(letter, record, key, value)
    }
  }

  private static func cut(_ bytes: UnsafeRawBufferPointer, _ count: Int) -> UnsafeRawBufferPointer {
    bytes.count <= count ? bytes : UnsafeRawBufferPointer(rebasing: bytes[..<count])
  }

  private func encodeJSON(
    _ letter: DeadLetter, _ record: RawRecord, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    bytes.append(raw: "{\"pipeline\":")
    bytes.append(json: pipeline)
    bytes.append(raw: ",\"reason\":")
    bytes.append(json: letter.reason.rawValue)
    bytes.append(raw: ",\"detail\":")
    bytes.append(json: letter.detail)
    bytes.append(raw: ",\"topic\":")
    bytes.append(json: topic)
    bytes.append(raw: ",\"partition\":")
    bytes.append(decimal: Int64(record.partition))
    bytes.append(raw: ",\"offset\":")
    bytes.append(decimal: record.offset)
    bytes.append(raw: ",\"key\":")
    bytes.append(base64: key)
    bytes.append(raw: ",\"value\":")
    bytes.append(base64: value)
    bytes.append(raw: ",\"ingest_time_ms\":")
    bytes.append(decimal: record.ingestTimeMs)
    bytes.append(UInt8(ascii: "}"))
  }

  private func encodeProtobuf(
    _ letter: DeadLetter, _ record: RawRecord, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) {
    var writer = WireWriter()
    swap(&writer.bytes, &bytes)
    func text(_ number: Int, _ value: String) {
      if !value.utf8.isEmpty { writer.field(number, string: value) }
    }
    text(1, pipeline)
    text(2, letter.reason.rawValue)
    text(3, letter.detail)
    text(4, topic)
    if record.partition != 0 { writer.field(5, varint: UInt64(bitPattern: Int64(record.partition))) }
    if record.offset != 0 { writer.field(6, varint: UInt64(bitPattern: record.offset)) }
    if !key.isEmpty { writer.field(7, bytes: key) }
    if !value.isEmpty { writer.field(8, bytes: value) }
    if record.ingestTimeMs != 0 { writer.field(9, varint: UInt64(bitPattern: record.ingestTimeMs)) }
    swap(&writer.bytes, &bytes)
  }
}
