public import Dataflow
import Events
import Tables

extension ScoreEncoder {
  /// Writes a dead letter of the batch to `bytes`. Key and value together are cut to `bytesMax` bytes, the value
  /// first, so that the letter of a record that is too large is not itself too large.
  public func encodeDeadLetter(_ letter: DeadLetter, of batch: ScoredBatch, bytesMax: Int) {
    let record = batch.records.records[Int(letter.record)]
    let content = LetterContent(letter, record, bytesMax: bytesMax)
    bytes.empty()
    switch encoding {
    case .json: encodeJSON(letter, record, content)
    case .protobuf: encodeProtobuf(letter, record, content)
    }
  }

  private func encodeJSON(
    _ letter: DeadLetter, _ record: RawRecord, _ content: LetterContent
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
    bytes.append(base64: content.key)
    bytes.append(raw: ",\"value\":")
    bytes.append(base64: content.value)
    bytes.append(raw: ",\"ingest_time_ms\":")
    bytes.append(decimal: record.ingestTimeMs)
    bytes.append(raw: ",\"key_bytes\":")
    bytes.append(decimal: Int64(record.key.count))
    bytes.append(raw: ",\"value_bytes\":")
    bytes.append(decimal: Int64(record.value.count))
    if let hash = content.hash {
      bytes.append(raw: ",\"value_sha256\":")
      hash.withUnsafeBytes { bytes.append(base64: $0) }
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private func encodeProtobuf(
    _ letter: DeadLetter, _ record: RawRecord, _ content: LetterContent
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
    if !content.key.isEmpty { writer.field(7, bytes: content.key) }
    if !content.value.isEmpty { writer.field(8, bytes: content.value) }
    if record.ingestTimeMs != 0 { writer.field(9, varint: UInt64(bitPattern: record.ingestTimeMs)) }
    if record.key.count > 0 { writer.field(10, varint: UInt64(record.key.count)) }
    if record.value.count > 0 { writer.field(11, varint: UInt64(record.value.count)) }
    if let hash = content.hash { hash.withUnsafeBytes { writer.field(12, bytes: $0) } }
    swap(&writer.bytes, &bytes)
  }
}
