import Dataflow
import Events
import Kafka

extension RawRecord {
  /// A view of a message; valid as long as the message.
  init(_ message: KafkaMessage) {
    self.init(
      partition: message.partition, offset: message.offset,
      ingestTimeMs: Self.ingestTime(message.timestampMs), key: message.key, value: message.value,
      contentType: ContentType(message.header("content-type")))
  }

  /// A producer may write any CreateTime: one that no event time can reach counts as none, so that it stays far
  /// from the ends of every type that it is turned into.
  private static func ingestTime(_ timestampMs: Int64) -> Int64 {
    (0..<EventTimeBounds.end / 1000).contains(timestampMs) ? timestampMs : -1
  }
}

extension ContentType {
  /// What a `content-type` header says; parameters (";…") and the case of letters do not matter.
  init(_ header: UnsafeRawBufferPointer?) {
    guard let header else {
      self = .unspecified
      return
    }
    if Self.names(header, "application/json") {
      self = .json
    } else if Self.names(header, "application/x-protobuf") || Self.names(header, "application/protobuf")
      || Self.names(header, "application/vnd.google.protobuf")
    {
      self = .protobuf
    } else {
      self = .unknown
    }
  }

  private static func names(_ header: UnsafeRawBufferPointer, _ name: StaticString) -> Bool {
    let count = name.utf8CodeUnitCount
    guard header.count >= count else { return false }
    for index in 0..<count {
      let byte = header[index]
      let lower = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
      if lower != name.utf8Start[index] { return false }
    }
    return header.count == count || header[count] == UInt8(ascii: ";") || header[count] == UInt8(ascii: " ")
  }
}
