import Kafka
import TestServers
import Testing

/// What brokers tell of a topic's configuration.
@Suite struct TopicSettingsTests {
  /// A mock does not know the request; a real broker tells what was given and its defaults, and nothing of what is not there.
  @Test func areToldOrRefusedByName() throws {
    let broker = try TestBroker.start()
    defer { broker.stop() }
    let admin = try KafkaAdmin(KafkaConfiguration([("bootstrap.servers", broker.bootstrapServers)]))
    defer { admin.close() }
    let name = broker.name("settings")
    guard broker.mock == nil else {
      let error = #expect(throws: KafkaError.self) {
        try admin.topicSettings(name, timeoutMs: TestBroker.answerTimeoutMs)
      }
      #expect(error?.kind == .unsupported && error?.isRetriable == false, "\(String(describing: error))")
      return
    }
    #expect(try admin.topicSettings(name, timeoutMs: TestBroker.answerTimeoutMs) == nil)
    let given = ["cleanup.policy": "compact,delete", "retention.ms": "86400000"]
    #expect(
      try admin.createTopic(
        name, partitions: 1, settings: given, timeoutMs: TestBroker.answerTimeoutMs))
    let told = try admin.topicSettings(name, timeoutMs: TestBroker.answerTimeoutMs) ?? [:]
    for (setting, value) in given { #expect(told[setting] == value) }
    #expect(told["message.timestamp.type"] != nil && told["retention.bytes"] != nil, "\(told)")
    let error = #expect(throws: KafkaError.self) {
      try admin.createTopic(
        name + "-2", partitions: 1, settings: ["retention.ms": "soon"], timeoutMs: TestBroker.answerTimeoutMs)
    }
    #expect(error?.text.contains("retention.ms") == true, "\(String(describing: error))")
  }
}
