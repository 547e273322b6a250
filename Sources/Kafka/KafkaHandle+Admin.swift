import CRdKafka

extension KafkaHandle {
  /// Sends one admin request and waits for its answer.
  ///
  /// `send` queues the request, `read` takes what is wanted of the answer, which is valid during the call; nil: it is not an answer
  /// to that. `doing` says in an error what was asked. Throws `.unsupported` on a mock broker.
  func ask<Answer>(
    _ operation: rd_kafka_admin_op_t, doing what: String, timeoutMs: Int,
    send: (_ options: OpaquePointer?, _ queue: OpaquePointer?) -> Void,
    read: (_ event: OpaquePointer) throws(KafkaError) -> Answer?
  ) throws(KafkaError) -> Answer {
    // librdkafka sends admin requests to the controller, and a mock has none to wait for.
    if try clusterID(timeoutMs: timeoutMs).hasPrefix(Self.mockPrefix) {
      throw KafkaError(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, "\(what): this is a mock broker")
    }
    let queue = rd_kafka_queue_new(pointer)
    defer { rd_kafka_queue_destroy(queue) }
    let options = rd_kafka_AdminOptions_new(pointer, operation)
    defer { rd_kafka_AdminOptions_destroy(options) }
    var text = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
    rd_kafka_AdminOptions_set_request_timeout(options, Int32(timeoutMs), &text, text.count)
    // Only some operations take it; the others say so and go on without.
    rd_kafka_AdminOptions_set_operation_timeout(options, Int32(timeoutMs), &text, text.count)
    send(options, queue)
    guard let event = rd_kafka_queue_poll(queue, Int32(timeoutMs) + Self.answerSlackMs) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "\(what): no answer")
    }
    defer { rd_kafka_event_destroy(event) }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw KafkaError(code, "\(what): \(String(cString: rd_kafka_event_error_string(event)))")
    }
    guard let answer = try read(event) else { throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, doing: what) }
    return answer
  }

  /// How the cluster ids of mocks begin.
  static let mockPrefix = "mockCluster"

  /// Wait for an admin request beyond its own timeout, milliseconds.
  private static let answerSlackMs: Int32 = 1000
}
