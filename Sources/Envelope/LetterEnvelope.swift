internal import CEvents

/// A dead letter as `tally.DeadLetter` of proto/scores.proto, packed by protobuf-c. Fields are those of the contract; a text ends at a
/// zero byte, which neither names nor details have.
public struct LetterEnvelope {
  private let texts: (pipeline: String, reason: String, detail: String, topic: String)
  private let place: (partition: Int32, offset: Int64)
  private let ingestTimeMs: Int64

  /// A letter about the record at a place, which came at `ingestTimeMs` (milliseconds since 1970).
  public init(
    pipeline: String, reason: String, detail: String, topic: String, partition: Int32, offset: Int64,
    ingestTimeMs: Int64
  ) {
    texts = (pipeline, reason, detail, topic)
    place = (partition, offset)
    self.ingestTimeMs = ingestTimeMs
  }

  /// Appends the message with the record's key and value, as far as the letter keeps them, to `bytes`. The sizes are those of the
  /// record as it came; `valueHash` is the SHA-256 of its whole value where only the beginning is kept, nil elsewhere.
  public func append(
    to bytes: inout [UInt8], key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, keyBytes: Int,
    valueBytes: Int,
    valueHash: [UInt8]?
  ) {
    var letter = Tally__DeadLetter()
    tally__dead_letter__init(&letter)
    (letter.partition, letter.offset, letter.ingest_time_ms) = (place.partition, place.offset, ingestTimeMs)
    (letter.key, letter.value) = (Self.data(key), Self.data(value))
    (letter.key_bytes, letter.value_bytes) = (Int64(keyBytes), Int64(valueBytes))
    (valueHash ?? []).withUnsafeBytes { hash in
      letter.value_sha256 = Self.data(hash)
      texts.pipeline.withCString { pipeline in
        texts.reason.withCString { reason in
          texts.detail.withCString { detail in
            texts.topic.withCString { topic in
              // protobuf-c only reads them.
              letter.pipeline = UnsafeMutablePointer(mutating: pipeline)
              letter.reason = UnsafeMutablePointer(mutating: reason)
              letter.detail = UnsafeMutablePointer(mutating: detail)
              letter.topic = UnsafeMutablePointer(mutating: topic)
              Self.pack(&letter, to: &bytes)
            }
          }
        }
      }
    }
  }

  private static func pack(_ letter: inout Tally__DeadLetter, to bytes: inout [UInt8]) {
    let start = bytes.count
    let size = tally__dead_letter__get_packed_size(&letter)
    bytes.append(contentsOf: repeatElement(0, count: size))
    let count = bytes.withUnsafeMutableBytes { buffer in
      tally__dead_letter__pack(&letter, buffer.baseAddress! + start)
    }
    precondition(count == size, "protobuf-c packs as many bytes as it counts")
  }

  /// Bytes that protobuf-c only reads; empty ones are left out of the message.
  private static func data(_ bytes: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
    ProtobufCBinaryData(
      len: bytes.count,
      data: UnsafeMutablePointer(mutating: bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)))
  }
}
