import Dataflow
package import FeatureStore
import Features
import Foundation
package import Ingest
package import Kafka
import Logging
package import Sink
package import Tables

/// How to reach what the settings name.
extension Settings {
  /// Longest wait for the brokers at start.
  package static let startTimeoutMs = 10_000

  /// Consumer group of a pipeline.
  package func groupName(of pipeline: LoadedPipeline) -> String {
    group.isEmpty ? "tally-\(pipeline.declaration.name)" : group
  }

  /// librdkafka's settings for everything but the group's consumer.
  package func kafkaConfiguration() -> KafkaConfiguration {
    KafkaConfiguration(
      [("bootstrap.servers", brokers), ("client.id", "tally")] + librdkafkaProperties, log: kafkaLog)
  }

  /// Names and values.
  package var librdkafkaProperties: [(String, String)] {
    kafkaProperties.map { ($0.name, $0.value.revealed) }
  }

  /// librdkafka's log goes to the program's when the property debug asks for it; it hides secrets by itself.
  private var kafkaLog: KafkaLog? {
    guard kafkaProperties.contains(where: { $0.name == "debug" }) else { return nil }
    let logger = Logger(label: "kafka")
    return { _, facility, text in logger.notice("\(facility) \(text)") }
  }

  /// librdkafka's name of the partitioner.
  package var librdkafkaPartitioner: String { (partitioner ?? .murmur2).librdkafkaName }

  /// How a member of a group, or a reader of the log, reads the topic of events.
  package func sourceConfiguration(group: String) -> KafkaSourceConfiguration {
    var configuration = KafkaSourceConfiguration(brokers: brokers, topic: topic, group: group)
    configuration.sessionTimeoutMs = sessionTimeoutMs
    configuration.pollIntervalMaxMs = max(configuration.pollIntervalMaxMs, sessionTimeoutMs)
    configuration.heartbeatIntervalMs = min(configuration.heartbeatIntervalMs, sessionTimeoutMs / 3)
    configuration.prefetchKilobytesMax = prefetchBytes >> 10
    configuration.properties = librdkafkaProperties
    configuration.log = kafkaLog
    configuration.batchReader = batchReader
    return configuration
  }

  /// Largest answer that consumers take from a broker, bytes.
  package var answerBytesMax: Int64 {
    let own = librdkafkaProperties.last { $0.0.utf8.elementsEqual("receive.message.max.bytes".utf8) }
    return own.flatMap { Int64($0.1) } ?? Int64(KafkaSourceConfiguration.answerBytesMax)
  }

  /// Limits of what is decoded.
  package var decoderLimits: DecoderLimits {
    DecoderLimits(valueBytesMax: valueBytesMax, latestTime: latestTime)
  }

  /// How to reach the store of a pipeline's states.
  package func storeConfiguration(_ pipeline: LoadedPipeline) throws -> RedisConfiguration {
    var configuration = try RedisConfiguration(url: redis)
    if let redisUser { configuration.user = redisUser }
    if let redisPassword { configuration.password = Secret(redisPassword.revealed) }
    configuration.keyPrefix = redisPrefix
    configuration.connectTimeoutMs = redisConnectTimeoutMs
    configuration.commandTimeoutMs = redisCommandTimeoutMs
    if redisExpiry, let ttl = pipeline.declaration.features.idleTTL {
      configuration.expiryMs = ttl / 1000 * 2
    }
    return configuration
  }

  /// The topics of scores and dead letters.
  package func topicConfiguration(partitions: Int32) -> TopicSinkConfiguration {
    var configuration = TopicSinkConfiguration(
      brokers: brokers, scoresTopic: scoresTopic,
      deadLetterTopic: deadLettersTopic.isEmpty ? nil : deadLettersTopic)
    configuration.encoding = TopicEncoding(rawValue: encoding) ?? .json
    configuration.createsTopics = createTopics
    configuration.partitions = partitions
    configuration.partitioner = partitioner ?? .murmur2
    configuration.compression = compression
    configuration.properties = librdkafkaProperties
    configuration.log = kafkaLog
    return configuration
  }

  /// How to reach a PostgreSQL.
  package func postgres(_ connection: String) -> PostgresConfiguration {
    var configuration = PostgresConfiguration(
      connection: connection, password: postgresPassword?.revealed, schema: postgresSchema)
    configuration.options = postgresOptions
    return configuration
  }
}
