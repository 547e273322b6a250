import CRdKafka

/// A client that only asks and makes topics; asking for a topic never makes it (save on a mock broker). Close it
/// after use.
public final class KafkaAdmin {
  private let handle: KafkaHandle
  private let notes: ClientNotes
  private var isClosed = false

  /// A client; `configuration` must name `bootstrap.servers`.
  public init(_ configuration: KafkaConfiguration) throws(KafkaError) {
    // A producer's question for a topic makes the topic on brokers that allow it; a consumer's need not.
    var all = configuration
    all.set("allow.auto.create.topics", "false")
    let conf = try all.makeConf()
    notes = ClientNotes(log: configuration.log)
    handle = try KafkaHandle(RD_KAFKA_CONSUMER, conf, notes)
  }

  /// Makes a topic. Returns false when it is there already. `replication` -1: the broker's default; `settings`: the
  /// topic's configuration where it is not the broker's default.
  ///
  /// Throws `.unsupported` on a mock broker, which makes topics in its own process or, with four partitions, when
  /// one is produced to.
  public func createTopic(
    _ name: String, partitions: Int32, replication: Int32 = -1, settings: [String: String] = [:],
    timeoutMs: Int
  ) throws(KafkaError) -> Bool {
    try handle.createTopic(
      name, partitions: partitions, replication: replication, settings: settings, timeoutMs: timeoutMs)
  }

  /// The topic's configuration as the brokers have it now, defaults included, by name; nil: there is no such topic.
  ///
  /// Throws `.denied` without the permission DescribeConfigs on the topic, `.unsupported` when the broker does not know
  /// the request (before Kafka 0.11; a mock broker).
  public func topicSettings(_ name: String, timeoutMs: Int) throws(KafkaError) -> [String: String]? {
    try handle.topicSettings(name, timeoutMs: timeoutMs)
  }

  /// The topic as the brokers know it now; nil: there is none.
  public func metadata(topic: String, timeoutMs: Int) throws(KafkaError) -> KafkaTopicMetadata? {
    do throws(KafkaError) {
      return try handle.metadata(topic: topic, timeoutMs: timeoutMs)
    } catch {
      // What keeps a connection from being made, such as a certificate, librdkafka reports apart.
      rd_kafka_poll(handle.pointer, 0)
      guard let cause = notes.takeError(), cause.kind == .denied else { throw error }
      throw cause
    }
  }

  /// First and next offset of a partition, asked from its broker now.
  public func watermarks(topic: String, partition: Int32, timeoutMs: Int) throws(KafkaError) -> (
    low: Int64, high: Int64
  ) {
    try handle.watermarks(topic: topic, partition: partition, timeoutMs: timeoutMs)
  }

  /// The cluster's id.
  public func clusterID(timeoutMs: Int) throws(KafkaError) -> String {
    try handle.clusterID(timeoutMs: timeoutMs)
  }

  /// Frees everything. A second call does nothing.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    handle.destroy()
  }
}

extension KafkaHandle {
  /// Makes a topic. Returns false when it is there already.
  func createTopic(
    _ name: String, partitions: Int32, replication: Int32, settings: [String: String], timeoutMs: Int
  ) throws(KafkaError) -> Bool {
    let what = "create topic \(name)"
    var text = [CChar](repeating: 0, count: KafkaConfiguration.errorTextBytesMax)
    guard let topic = rd_kafka_NewTopic_new(name, partitions, replication, &text, text.count) else {
      throw KafkaError(RD_KAFKA_RESP_ERR__INVALID_ARG, "\(what): \(string(text))")
    }
    defer { rd_kafka_NewTopic_destroy(topic) }
    for (setting, value) in settings {
      let code = rd_kafka_NewTopic_set_config(topic, setting, value)
      guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(code, doing: "\(what): \(setting)") }
    }
    var wanted: OpaquePointer? = topic
    return try ask(RD_KAFKA_ADMIN_OP_CREATETOPICS, doing: what, timeoutMs: timeoutMs) { options, queue in
      rd_kafka_CreateTopics(pointer, &wanted, 1, options, queue)
    } read: { event throws(KafkaError) -> Bool? in
      guard let result = rd_kafka_event_CreateTopics_result(event) else { return nil }
      var count = 0
      guard let answers = rd_kafka_CreateTopics_result_topics(result, &count), count == 1 else { return true }
      let answer = rd_kafka_topic_result_error(answers[0])
      if answer == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { return false }
      guard answer == RD_KAFKA_RESP_ERR_NO_ERROR else {
        let why = rd_kafka_topic_result_error_string(answers[0]).map { String(cString: $0) } ?? ""
        throw KafkaError(answer, "\(what): \(why)")
      }
      return true
    }
  }
}
