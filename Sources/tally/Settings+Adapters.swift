import Dataflow
import FeatureStore
import Features
import Foundation
import Ingest
import Kafka
import Sink

/// Makes the adapters that the settings describe.
extension Settings {
  /// Longest wait for the brokers at start.
  static let startTimeoutMs = 10_000

  func groupName(of pipeline: LoadedPipeline) -> String {
    group.isEmpty ? "tally-\(pipeline.declaration.name)" : group
  }

  /// librdkafka's settings for everything but the group's consumer.
  func kafkaConfiguration() -> KafkaConfiguration {
    KafkaConfiguration([("bootstrap.servers", brokers), ("client.id", "tally")] + kafkaProperties)
  }

  /// Runs a body with an admin client; turns its failure into words.
  func withAdmin<Result>(_ body: (KafkaAdmin) throws -> Result) throws -> Result {
    do {
      let admin = try KafkaAdmin(kafkaConfiguration())
      defer { admin.close() }
      return try body(admin)
    } catch let error as KafkaError {
      throw Failure("kafka \(brokers): \(error); is it running, and is kafka.brokers right?")
    }
  }

  /// Partitions of the topic to read. Throws when it does not exist.
  func partitionCount() throws -> Int32 {
    try withAdmin { admin in
      guard let metadata = try admin.metadata(topic: topic, timeoutMs: Self.startTimeoutMs) else {
        throw Failure(
          "kafka \(brokers): the topic \(topic) does not exist; make it first, with as many partitions as it shall ever "
            + "have")
      }
      return metadata.partitionCount
    }
  }

  /// Makes the sink topics that are missing, if wanted.
  func prepareSinkTopics(partitions: Int32) throws {
    guard createTopics else { return }
    try withAdmin { admin in
      for name in [scoresTopic, deadLettersTopic] where !name.isEmpty {
        if try admin.metadata(topic: name, timeoutMs: Self.startTimeoutMs) == nil {
          try admin.createTopic(name, partitions: partitions, replication: -1, timeoutMs: Self.startTimeoutMs)
        }
      }
    }
  }

  func sourceConfiguration(group: String) -> KafkaSourceConfiguration {
    var configuration = KafkaSourceConfiguration(brokers: brokers, topic: topic, group: group)
    configuration.properties = kafkaProperties
    return configuration
  }

  func makeDecoder(_ pipeline: LoadedPipeline) throws -> EventDecoder {
    try EventDecoder(
      pipeline.program,
      limits: DecoderLimits(valueBytesMax: valueBytesMax, futureBound: pipeline.declaration.futureBound))
  }

  func makeStore(_ pipeline: LoadedPipeline, partitionCount: Int32) throws -> RedisStateStore {
    var configuration = try RedisConfiguration(url: redis)
    if let redisUser { configuration.user = redisUser }
    if let redisPassword { configuration.password = Secret(redisPassword) }
    configuration.keyPrefix = redisPrefix
    configuration.connectTimeoutMs = redisConnectTimeoutMs
    configuration.commandTimeoutMs = redisCommandTimeoutMs
    if redisExpiry, let ttl = pipeline.declaration.features.idleTTL { configuration.expiryMs = ttl / 1000 * 2 }
    return try RedisStateStore(
      configuration, pipeline: pipeline.declaration.name, generation: generation, partitionCount: partitionCount)
  }
}
