public import Dataflow
import Envelope
import Events
import Tables

extension ScoreEncoder {
  /// Writes a dead letter of the batch to `bytes`. Key and value together are cut to `bytesMax` bytes, the value
  /// first, so that the letter of a record that is too large is not itself too large.
  public func encodeDeadLetter(_ letter: DeadLetter, of batch: ScoredBatch, bytesMax: Int) {
    let record = batch.records[letter.record]
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

  /// Letters are few: protobuf-c's generated code does for them.
  private func encodeProtobuf(
    _ letter: DeadLetter, _ record: RawRecord, _ content: LetterContent
  ) {
    LetterEnvelope(
      pipeline: pipeline, reason: letter.reason.rawValue, detail: letter.detail, topic: topic,
      partition: record.partition,
      offset: record.offset, ingestTimeMs: record.ingestTimeMs
    )
    .append(
      to: &bytes, key: content.key, value: content.value, keyBytes: record.key.count,
      valueBytes: record.value.count,
      valueHash: content.hash)
  }
}
