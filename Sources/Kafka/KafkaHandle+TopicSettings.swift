import CRdKafka

extension KafkaHandle {
  /// The topic's configuration as the brokers have it now; nil: no such topic.
  func topicSettings(_ name: String, timeoutMs: Int) throws(KafkaError) -> [String: String]? {
    let what = "configuration of topic \(name)"
    // librdkafka sends this to the controller, and a mock has none to wait for.
    if try clusterID(timeoutMs: timeoutMs).hasPrefix(Self.mockPrefix) {
      throw KafkaError(RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, "\(what): this is a mock broker")
    }
    guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: what)
    }
    defer { rd_kafka_ConfigResource_destroy(resource) }
    let queue = rd_kafka_queue_new(pointer)
    defer { rd_kafka_queue_destroy(queue) }
    let options = rd_kafka_AdminOptions_new(pointer, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS)
    defer { rd_kafka_AdminOptions_destroy(options) }
    var text = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
    rd_kafka_AdminOptions_set_request_timeout(options, Int32(timeoutMs), &text, text.count)
    var wanted: OpaquePointer? = resource
    rd_kafka_DescribeConfigs(pointer, &wanted, 1, options, queue)
    guard let event = rd_kafka_queue_poll(queue, Int32(timeoutMs) + Self.answerSlackMs) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__TIMED_OUT, "\(what): no answer")
    }
    defer { rd_kafka_event_destroy(event) }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let result = rd_kafka_event_DescribeConfigs_result(event) else {
      throw KafkaError(code, "\(what): \(String(cString: rd_kafka_event_error_string(event)))")
    }
    var count = 0
    guard let answers = rd_kafka_DescribeConfigs_result_resources(result, &count), count == 1,
      let answer = answers[0]
    else { throw KafkaError(RD_KAFKA_RESP_ERR__BAD_MSG, doing: what) }
    let refusal = rd_kafka_ConfigResource_error(answer)
    if KafkaError.kind(of: refusal) == .unknownTopic { return nil }
    guard refusal == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(refusal, doing: what) }
    return Self.entries(of: answer)
  }

  /// Names and values; an entry whose value the broker keeps to itself is left out.
  private static func entries(of resource: OpaquePointer) -> [String: String] {
    var count = 0
    guard let entries = rd_kafka_ConfigResource_configs(resource, &count) else { return [:] }
    var found: [String: String] = [:]
    for index in 0..<count {
      guard let entry = entries[index], let name = rd_kafka_ConfigEntry_name(entry),
        let value = rd_kafka_ConfigEntry_value(entry)
      else { continue }
      found[String(cString: name)] = String(cString: value)
    }
    return found
  }
}
