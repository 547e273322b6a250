import Dataflow
import Events
import Kafka

extension RawRecord {
  /// A view of a message; valid as long as the message.
  init(_ message: KafkaMessage) {
    self.init(
      partition: message.partition, offset: message.offset,
      ingestTimeMs: Self.ingestTime(message.timestampMs), key: message.key, value: message.value,
      contentType: ContentType(message.header("content-type")), message: message.handle)
  }

  /// A producer may write any CreateTime: one that no event time can reach is taken for the first such moment, so that it stays far from the
  /// ends of every type that it is turned into, and is seen to be too late.
  private static func ingestTime(_ timestampMs: Int64) -> Int64 {
    timestampMs < 0 ? -1 : min(timestampMs, EventTimeBounds.end / 1000)
  }
}

extension ContentType {
  /// What a `content-type` header says; parameters (";…") and the case of letters do not matter.
  init(_ header: UnsafeRawBufferPointer?) {
    guard let header, !header.isEmpty else {
      self = .unspecified
      return
    }
    if Self.names(header, "application/json") || Self.names(header, "text/json")
      || Self.isStructuredJSON(header)
    {
      self = .json
    } else if Self.names(header, "application/x-protobuf") || Self.names(header, "application/protobuf")
      || Self.names(header, "application/vnd.google.protobuf")
    {
      self = .protobuf
    } else {
      self = .unknown
    }
  }

  /// `application/ANYTHING+json` (RFC 6839).
  private static func isStructuredJSON(_ header: UnsafeRawBufferPointer) -> Bool {
    let end = header.firstIndex { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: " ") } ?? header.count
    let suffix: StaticString = "+json"
    guard let slash = header.firstIndex(of: UInt8(ascii: "/")),
      end >= slash + 2 + suffix.utf8CodeUnitCount
    else { return false }
    let type = UnsafeRawBufferPointer(rebasing: header[..<slash])
    let tail = UnsafeRawBufferPointer(rebasing: header[(end - suffix.utf8CodeUnitCount)..<end])
    return names(type, "application") && names(tail, suffix)
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
