import CRdKafka

extension KafkaProducer {
  /// Queues a copy of a message: key, value, timestamp and all headers as they are, and one header more.
  ///
  /// A message without a time, or of 1970's first millisecond, gets the first millisecond: 0 would be now to librdkafka.
  /// `partition`: of the topic to copy to. Throws `.queueFull` when the queue has no room: `poll`, then try again.
  public func produce(
    copyOf message: KafkaMessage, to topic: KafkaTopic, partition: Int32, adding name: StaticString,
    _ value: UnsafeRawBufferPointer
  ) throws(KafkaError) {
    guard let headers = message.copiedHeaders() else {
      throw KafkaError(RD_KAFKA_RESP_ERR__FAIL, "out of memory")
    }
    let added = name.withUTF8Buffer { utf8 in
      utf8.withMemoryRebound(to: CChar.self) {
        rd_kafka_header_add(headers, $0.baseAddress, $0.count, value.baseAddress, value.count)
      }
    }
    guard added == RD_KAFKA_RESP_ERR_NO_ERROR else {
      rd_kafka_headers_destroy(headers)
      throw KafkaError(added, doing: "copy headers")
    }
    do throws(KafkaError) {
      try produce(
        to: topic, key: message.key, value: message.value, partition: partition,
        timestampMs: max(1, message.timestampMs), owning: headers)
    } catch {
      // The queue has taken nothing over.
      rd_kafka_headers_destroy(headers)
      throw error
    }
  }
}

extension KafkaMessage {
  /// The message's headers, or none, for the caller to hand on or to destroy; nil: out of memory.
  fileprivate func copiedHeaders() -> OpaquePointer? {
    var headers: OpaquePointer?
    guard rd_kafka_message_headers(pointer, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR, let headers else {
      return rd_kafka_headers_new(1)
    }
    return rd_kafka_headers_copy(headers)
  }
}
