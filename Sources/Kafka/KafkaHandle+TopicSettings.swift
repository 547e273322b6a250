import CRdKafka

extension KafkaHandle {
  /// The topic's configuration as the brokers have it now; nil: no such topic.
  func topicSettings(_ name: String, timeoutMs: Int) throws(KafkaError) -> [String: String]? {
    let what = "configuration of topic \(name)"
    guard let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, name) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, doing: what)
    }
    defer { rd_kafka_ConfigResource_destroy(resource) }
    var wanted: OpaquePointer? = resource
    let found = try ask(RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, doing: what, timeoutMs: timeoutMs) {
      options, queue in
      rd_kafka_DescribeConfigs(pointer, &wanted, 1, options, queue)
    } read: { event throws(KafkaError) -> [[String: String]]? in
      var count = 0
      guard let result = rd_kafka_event_DescribeConfigs_result(event),
        let answers = rd_kafka_DescribeConfigs_result_resources(result, &count), count == 1,
        let answer = answers[0]
      else { return nil }
      let refusal = rd_kafka_ConfigResource_error(answer)
      if KafkaError.kind(of: refusal) == .unknownTopic { return [] }
      guard refusal == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(refusal, doing: what) }
      return [Self.entries(of: answer)]
    }
    return found.first
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
