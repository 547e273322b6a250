import CRdKafka

/// One message as librdkafka holds it: its pointers are valid until the consumer's next `poll` or `release`.
public struct KafkaMessage {
  let pointer: UnsafeMutablePointer<rd_kafka_message_t>

  /// Itself, as somebody can keep it who knows nothing of Kafka; valid as long as the message.
  public var handle: UnsafeRawPointer { UnsafeRawPointer(pointer) }

  /// The message of a handle that is still valid.
  public init(handle: UnsafeRawPointer) {
    pointer = UnsafeMutableRawPointer(mutating: handle).assumingMemoryBound(to: rd_kafka_message_t.self)
  }

  init(pointer: UnsafeMutablePointer<rd_kafka_message_t>) { self.pointer = pointer }

  /// Partition.
  public var partition: Int32 { pointer.pointee.partition }
  /// Offset in the partition.
  public var offset: Int64 { pointer.pointee.offset }

  /// Timestamp (create time or append time, as the topic has it), milliseconds UTC; -1: none.
  public var timestampMs: Int64 {
    var type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let time = rd_kafka_message_timestamp(pointer, &type)
    return type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : time
  }

  /// Key; `baseAddress == nil`: none.
  public var key: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointer.pointee.key, count: pointer.pointee.key_len)
  }

  /// Value; `baseAddress == nil`: none (a tombstone).
  public var value: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: pointer.pointee.payload, count: pointer.pointee.len)
  }

  /// The last header of that name: nil: none; `baseAddress == nil`: its value is null.
  public func header(_ name: StaticString) -> UnsafeRawBufferPointer? {
    var headers: OpaquePointer?
    guard rd_kafka_message_headers(pointer, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else {
      return nil
    }
    var value: UnsafeRawPointer?
    var size = 0
    let code = name.withUTF8Buffer { utf8 in
      utf8.withMemoryRebound(to: CChar.self) { text in
        rd_kafka_header_get_last(headers, text.baseAddress, &value, &size)
      }
    }
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { return nil }
    return UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : size)
  }
}
